//===- Text.cpp - texts of a decoder --------------------------------------===//

#include "runtime/language/Decoder.h"
#include "runtime/session/Error.h"
#include "runtime/text/Detokenizer.h"

using namespace halftone::rt;

static halftone_status needText(const halftone_decoder &decoder) {
  if (decoder.hasText)
    return HALFTONE_OK;
  return fail(HALFTONE_INVALID_ARGUMENT,
              "the program has no tokenizer, so it takes and gives tokens "
              "only; compile the model with --tokenizer FILE");
}

/// Gives a list to a caller who has `room` for it.
template <typename T>
static halftone_status give(const Array<T> &items, T *place, size_t room,
                            size_t *count) {
  if (count)
    *count = items.size();
  if (items.size() > room) {
    if (room == 0 && !place)
      return HALFTONE_OK;
    return fail(HALFTONE_INVALID_ARGUMENT, "there are %zu, and room for %zu",
                items.size(), room);
  }
  if (!items.empty())
    memcpy(place, items.data(), items.size() * sizeof(T));
  return HALFTONE_OK;
}

int halftone_decoder_has_text(const halftone_decoder *decoder) {
  return checkDecoder(decoder) == HALFTONE_OK && decoder->hasText;
}

halftone_status halftone_tokenize(halftone_decoder *decoder, const char *text,
                                  size_t bytes, int whole, uint32_t *tokens,
                                  size_t room, size_t *count) {
  return alone(decoder, [&](halftone_decoder &d) {
    if (halftone_status status = needText(d))
      return status;
    if (bytes && !text)
      return fail(HALFTONE_INVALID_ARGUMENT, "the text is null");
    Array<uint32_t> ids;
    Diagnostic diagnostic;
    if (!d.tokenizer.encode({bytes ? text : "", bytes}, whole != 0, ids,
                            diagnostic))
      return fail(HALFTONE_INVALID_ARGUMENT, "%s", diagnostic.text());
    return give(ids, tokens, room, count);
  });
}

halftone_status halftone_detokenize(halftone_decoder *decoder,
                                    const uint32_t *tokens, size_t count,
                                    int special, char *text, size_t room,
                                    size_t *bytes) {
  return alone(decoder, [&](halftone_decoder &d) {
    if (halftone_status status = needText(d))
      return status;
    if (count && !tokens)
      return fail(HALFTONE_INVALID_ARGUMENT, "the list of tokens is null");
    Detokenizer detokenizer(d.tokenizer.getTables(), special != 0);
    Array<char> written;
    for (size_t i = 0; i < count; ++i)
      if (!detokenizer.push(tokens[i], written))
        return fail(HALFTONE_INVALID_ARGUMENT,
                    "the tokenizer has no token %u (at place %zu)", tokens[i],
                    i);
    detokenizer.finish(written);
    return give(written, text, room, bytes);
  });
}

int halftone_ends_text(const halftone_decoder *decoder, uint32_t token) {
  if (checkDecoder(decoder) || !decoder->program->text)
    return 0;
  const halftone_text &text = *decoder->program->text;
  for (uint64_t i = 0; i < text.num_ends; ++i)
    if (text.ends[i] == token)
      return 1;
  return 0;
}
