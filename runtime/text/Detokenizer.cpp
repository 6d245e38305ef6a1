//===- Detokenizer.cpp - from token ids to text ---------------------------===//

#include "runtime/text/Detokenizer.h"

namespace halftone::rt {

static constexpr TextView replacement = {"\xef\xbf\xbd", 3};

void takeWholeCharacters(Array<char> &pending, Array<char> &text, bool last) {
  size_t at = 0;
  while (at < pending.size()) {
    const char *here = pending.data() + at;
    size_t left = pending.size() - at,
           length = utf8Length(static_cast<unsigned char>(*here));
    size_t seen = utf8Prefix(here, left);
    if (length && seen == length)
      text.append(here, length);
    else if (seen == left && !last)
      break;
    else {
      text.append(replacement.data, replacement.size);
      seen += seen == 0;
    }
    at += seen;
  }
  size_t left = pending.size() - at;
  if (left)
    memmove(pending.data(), pending.data() + at, left);
  pending.truncate(left);
}

/// Bytes of the text, less what is stripped from its beginning.
void Detokenizer::put(TextView bytes) {
  TextView strip = tables.text(tables.header->strippedText);
  while (strip.size && stripped < tables.header->strippedLeft &&
         bytes.size >= strip.size &&
         memcmp(bytes.data, strip.data, strip.size) == 0) {
    bytes = bytes.slice(strip.size, bytes.size);
    ++stripped;
  }
  if (bytes.size)
    stripped = ~uint32_t(0);
  pending.append(bytes.data, bytes.size);
}

/// A run of byte tokens that is no UTF-8 is one U+FFFD for each byte, also for
/// those that would be characters by themselves: as tokenizers has it.
void Detokenizer::endByteTokens() {
  TextView run = {byteTokens.data(), byteTokens.size()};
  if (validUtf8(run) == run.size)
    put(run);
  else
    for (size_t i = 0; i < run.size; ++i)
      put(replacement);
  byteTokens.clear();
}

bool Detokenizer::push(uint32_t token, Array<char> &text) {
  if (!tables.exists(token))
    return false;
  if (!special && (tables.kinds[token] & kindSpecial))
    return true;
  TextView bytes = tables.text(tables.texts[token]);
  if (!begun) {
    size_t i = tables.firstTexts.lowerBound(
        token, [](const FirstText &first) { return first.token; });
    if (i < tables.firstTexts.count && tables.firstTexts[i].token == token)
      bytes = tables.text(tables.firstTexts[i].text);
    begun = true;
  }
  if ((tables.kinds[token] & kindByte) && tables.has(flagByteTokens)) {
    byteTokens.append(bytes.data, bytes.size);
    return true;
  }
  endByteTokens();
  put(bytes);
  takeWholeCharacters(pending, text, /*last=*/false);
  return true;
}

void Detokenizer::finish(Array<char> &text) {
  endByteTokens();
  takeWholeCharacters(pending, text, /*last=*/true);
}

} // namespace halftone::rt
