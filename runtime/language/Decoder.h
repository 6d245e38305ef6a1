//===- Decoder.h - sequences of tokens in a session -----------------------===//

#ifndef HALFTONE_RUNTIME_LANGUAGE_DECODER_H
#define HALFTONE_RUNTIME_LANGUAGE_DECODER_H

#include "halftone/language.h"
#include "runtime/language/Signature.h"
#include "runtime/support/Array.h"
#include "runtime/text/Tokenizer.h"

#include <atomic>

/// Of the tokens of a sequence, the first `computed` are in the session's
/// states; the others are computed when something is asked about them.
struct halftone_decoder {
  static constexpr uint64_t validMagic = 0x31636564'73746c68;

  struct Sequence {
    halftone::rt::Array<uint32_t> tokens;
    size_t computed = 0;
  };

  uint64_t magic = validMagic;
  const halftone_program *program = nullptr;
  halftone_session *session = nullptr;
  halftone::rt::Signature signature;
  halftone::rt::Array<Sequence> sequences;
  bool hasText = false;
  halftone::rt::Tokenizer tokenizer;
  std::atomic<bool> running{false};

  halftone::rt::Array<int64_t> ids, wanted; ///< of one run
  halftone::rt::Array<float> unwanted;      ///< logits that nobody asked for

  ~halftone_decoder() { halftone_session_destroy(session); }

  /// Computes what is not yet, and the logits of the last `numLogits` tokens.
  halftone_status compute(size_t sequence, float *logits, size_t numLogits);

  /// Checks and appends tokens without computing them.
  halftone_status push(size_t sequence, const uint32_t *tokens, size_t count);

  void truncate(size_t sequence, size_t length);

  /// One run: row r is `columns` of `ids`, in sequence `rows[r]` from
  /// `starts[r]` on.
  halftone_status run(const int64_t *rows, const int64_t *starts,
                      size_t numRows, size_t columns, float *logits);
};

namespace halftone::rt {

/// Null, or destroyed, or made by another runtime in this process.
halftone_status checkDecoder(const halftone_decoder *decoder);
halftone_status checkSequence(const halftone_decoder &decoder, size_t sequence);

halftone_status busyDecoder();

/// Runs `body` as the only thing that the decoder does.
template <typename Function>
halftone_status alone(halftone_decoder *decoder, Function body) {
  if (halftone_status status = checkDecoder(decoder))
    return status;
  if (decoder->running.exchange(true, std::memory_order_acquire))
    return busyDecoder();
  halftone_status status = body(*decoder);
  decoder->running.store(false, std::memory_order_release);
  return status;
}

} // namespace halftone::rt

#endif
