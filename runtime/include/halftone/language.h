//===- language.h - let compiled language models write --------------------===//
//
// For programs that keep the keys and values of earlier tokens as states
// (halftone_model_state): language models compiled from a Hugging Face folder
// or a GGUF file.
//
//   halftone_decoder *decoder;
//   halftone_decoder_create(model, NULL, &decoder);
//   uint32_t prompt[64];
//   size_t count;
//   halftone_tokenize(decoder, "Once upon a time", 16, 1, prompt, 64, &count);
//   halftone_generate_options options = {sizeof options};
//   options.max_tokens = 100;
//   halftone_generate(decoder, 0, prompt, count, &options, show, NULL, NULL);
//   halftone_decoder_destroy(decoder);
//
// A decoder has a session of its own, and in it as many independent sequences
// (texts that are being read and written) as the program was compiled for,
// numbered from 0. Each is a list of tokens; the program computes those that it
// has not computed yet when something is asked about them.
//
// Ownership, threads and errors are as halftone.h says: a decoder does one
// thing at a time, and a second call meanwhile returns HALFTONE_BUSY.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_LANGUAGE_H
#define HALFTONE_LANGUAGE_H

#include "halftone/halftone.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct halftone_decoder halftone_decoder;

/// Fails with HALFTONE_INVALID_ARGUMENT where the model is none that writes,
/// and says what it lacks. `options` may be NULL.
HALFTONE_API halftone_status halftone_decoder_create(
    halftone_model *model, const halftone_session_options *options,
    halftone_decoder **decoder);

/// Not during a call. NULL is allowed.
HALFTONE_API void halftone_decoder_destroy(halftone_decoder *decoder);

/// The decoder's session, to ask for its threads and states. It is the
/// decoder's: neither run nor destroy it.
HALFTONE_API halftone_session *
halftone_decoder_session(const halftone_decoder *decoder);

HALFTONE_API size_t
halftone_decoder_vocabulary(const halftone_decoder *decoder);
/// The most tokens that a sequence can have.
HALFTONE_API size_t halftone_decoder_context(const halftone_decoder *decoder);
HALFTONE_API size_t halftone_decoder_sequences(const halftone_decoder *decoder);

//===-- Text
//---------------------------------------------------------------===//

/// Whether the program knows texts; without it only tokens can be exchanged.
HALFTONE_API int halftone_decoder_has_text(const halftone_decoder *decoder);

/// Tokens of `bytes` bytes of UTF-8; with those that begin and end a text if
/// `whole` is not 0. `*count` becomes their number, also where it is more than
/// `room`, which is an invalid argument; `tokens` may be NULL with room 0, to
/// ask for the number (then HALFTONE_OK).
HALFTONE_API halftone_status halftone_tokenize(halftone_decoder *decoder,
                                               const char *text, size_t bytes,
                                               int whole, uint32_t *tokens,
                                               size_t room, size_t *count);

/// Text of tokens, in the same manner; not zero-terminated. Special tokens are
/// left out unless `special` is not 0. Broken characters become U+FFFD.
HALFTONE_API halftone_status halftone_detokenize(
    halftone_decoder *decoder, const uint32_t *tokens, size_t count,
    int special, char *text, size_t room, size_t *bytes);

/// Whether the program was made to write no more after this token.
HALFTONE_API int halftone_ends_text(const halftone_decoder *decoder,
                                    uint32_t token);

//===-- Sequences
//----------------------------------------------------------===//

/// How many tokens a sequence has; 0 where there is no such sequence.
HALFTONE_API size_t halftone_sequence_length(const halftone_decoder *decoder,
                                             size_t sequence);

/// The tokens; NULL where there are none. Until the sequence changes.
HALFTONE_API const uint32_t *
halftone_sequence_tokens(const halftone_decoder *decoder, size_t sequence);

/// Forgets all tokens behind the first `length`.
HALFTONE_API halftone_status halftone_sequence_truncate(
    halftone_decoder *decoder, size_t sequence, size_t length);

/// Appends tokens, and computes the whole sequence. `logits` is NULL or has
/// room for `vocabulary` numbers for each of the last `num_logits` tokens of
/// the appended ones, in their order. A failure leaves the sequence without
/// the new tokens.
HALFTONE_API halftone_status halftone_sequence_append(
    halftone_decoder *decoder, size_t sequence, const uint32_t *tokens,
    size_t count, float *logits, size_t num_logits);

/// One token for each of several distinct sequences, computed together: the
/// weights are read once for all of them. `logits` is NULL, or has room for
/// `vocabulary` numbers for each.
HALFTONE_API halftone_status halftone_sequences_step(
    halftone_decoder *decoder, const size_t *sequences, const uint32_t *tokens,
    size_t count, float *logits);

//===-- Writing
//------------------------------------------------------------===//

/// Zero-initialise, set `struct_size` to sizeof(halftone_generate_options),
/// then set what should differ: zeros write greedily up to the context's end.
typedef struct halftone_generate_options {
  uint32_t struct_size;
  uint32_t top_k;      ///< draw from that many of the likeliest; 0: from all
  size_t max_tokens;   ///< 0: as many as the context has room for
  double temperature;  ///< 0: greedy, the likeliest, the first of equals
  double top_p;        ///< draw from the likeliest that have this probability
                       ///< together; 0: from all
  double min_p;        ///< and from none below this part of the likeliest's
  double penalty;      ///< of repeated tokens: positive logits are divided by
                       ///< it, others multiplied; 0: none
  size_t penalty_last; ///< how many tokens back it reaches; 0: 64
  uint64_t seed;
  const char *const *stops; ///< texts before which writing ends
  size_t num_stops;
  /// Not 0: goes on after tokens that end a text.
  uint32_t ignore_ends;
  /// Not 0: where the context ends, the sequence keeps its first `keep` tokens
  /// and the later half of the others, computed anew, and goes on.
  uint32_t shift;
  size_t keep;
  /// Not 0: what is written is a text of its own, as a reply in a chat is;
  /// else it continues the sequence's text.
  uint32_t anew;
} halftone_generate_options;

typedef enum halftone_finish {
  HALFTONE_FINISH_LENGTH = 0,  ///< max_tokens
  HALFTONE_FINISH_END = 1,     ///< a token that ends a text
  HALFTONE_FINISH_STOP = 2,    ///< one of the stops
  HALFTONE_FINISH_CONTEXT = 3, ///< the context is full
  HALFTONE_FINISH_ASKED = 4,   ///< the callback asked for it
} halftone_finish;

/// Told of each token, with the text that is certain since the last call:
/// whole characters, none of a stop; none for a program without text. Once
/// more at the end with token UINT32_MAX if text is left. Not 0: write no more.
typedef int (*halftone_on_token)(void *user, uint32_t token, const char *text,
                                 size_t bytes);

/// Appends `tokens` to the sequence (there may be none if it has some), and
/// then what the model writes. A token that ends a text is told, but not
/// appended. `on_token` and `finish` may be NULL.
HALFTONE_API halftone_status halftone_generate(
    halftone_decoder *decoder, size_t sequence, const uint32_t *tokens,
    size_t count, const halftone_generate_options *options,
    halftone_on_token on_token, void *user, halftone_finish *finish);

//===-- Files
//--------------------------------------------------------------===//

/// Writes all sequences with what was computed of them to a file, which then
/// replaces the one of that name; a failure leaves no new one.
HALFTONE_API halftone_status
halftone_decoder_save(halftone_decoder *decoder, const char *path);

/// Puts the sequences of a file in the place of the decoder's. It must have
/// been saved by a decoder of the same program. A file that is refused leaves
/// the decoder as it was.
HALFTONE_API halftone_status
halftone_decoder_restore(halftone_decoder *decoder, const char *path);

#ifdef __cplusplus
}
#endif

#endif
