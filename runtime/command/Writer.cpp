//===- Writer.cpp - a decoder at the command line -------------------------===//

#include "runtime/command/Writer.h"
#include "runtime/command/Progress.h"

#include <cstdio>

namespace halftone::rt {

/// Tokens read at once before a sign of life may be due.
static constexpr size_t tokensPerRead = 512;

Writer::~Writer() {
  halftone_decoder_destroy(decoder);
  halftone_model_destroy(model);
}

bool Writer::check(halftone_status status, Diagnostic &diagnostic) {
  if (status == HALFTONE_OK)
    return true;
  code = status == HALFTONE_INVALID_PROGRAM    ? exitInternal
         : status == HALFTONE_INVALID_ARGUMENT ? exitUsage
                                               : exitRunFailed;
  return diagnostic.fail("%s", halftone_last_error());
}

bool Writer::start(const Options &options, Diagnostic &diagnostic) {
  halftone_session_options chosen = sessionOptions(options);
  if (!check(halftone_load_level(&program, options.level, &model),
             diagnostic) ||
      !check(halftone_decoder_create(model, &chosen, &decoder), diagnostic))
    return false;
  pinCaller(options);
  return true;
}

bool Writer::encode(TextView text, bool whole, Array<uint32_t> &tokens,
                    Diagnostic &diagnostic) {
  size_t count = 0, before = tokens.size();
  if (!check(halftone_tokenize(decoder, text.data, text.size, whole, nullptr, 0,
                               &count),
             diagnostic))
    return false;
  tokens.resize(before + count);
  return check(halftone_tokenize(decoder, text.data, text.size, whole,
                                 tokens.data() + before, count, &count),
               diagnostic);
}

bool Writer::decode(const uint32_t *tokens, size_t count, Array<char> &text,
                    Diagnostic &diagnostic) {
  size_t bytes = 0;
  if (!check(halftone_detokenize(decoder, tokens, count, 0, nullptr, 0, &bytes),
             diagnostic))
    return false;
  text.resize(bytes);
  return check(halftone_detokenize(decoder, tokens, count, 0, text.data(),
                                   bytes, &bytes),
               diagnostic);
}

bool Writer::read(const Array<uint32_t> &tokens, size_t &rest,
                  Diagnostic &diagnostic) {
  Progress progress;
  for (rest = 0; tokens.size() - rest > tokensPerRead; rest += tokensPerRead) {
    if (!check(halftone_sequence_append(decoder, 0, tokens.data() + rest,
                                        tokensPerRead, nullptr, 0),
               diagnostic))
      return false;
    if (progress.isDue())
      fprintf(stderr, "reading: %zu of %zu tokens\n", rest + tokensPerRead,
              tokens.size());
  }
  return true;
}

} // namespace halftone::rt
