//===- Tokenizer.cpp - from text to token ids -----------------------------===//

#include "runtime/text/Tokenizer.h"
#include "runtime/text/Normalizer.h"

namespace halftone::rt {

bool Tokenizer::open(Bytes bytes, Diagnostic &diagnostic) {
  if (!tables.open(bytes, diagnostic))
    return false;
  matcher = Matcher(tables.classes.data(), tables.classes.size());
  return true;
}

/// The longest added token at each place, from the left; and the text between.
void Tokenizer::findAdded(const Trie &trie, TextView text,
                          Array<Segment> &segments) const {
  size_t done = 0;
  auto isIn = [&](uint32_t set, size_t at) {
    return set < tables.classes.size() &&
           tables.classes[set].contains(nextCodePoint(text, at));
  };
  for (size_t at = 0; !trie.empty() && at < text.size;) {
    uint32_t node = Trie::root, found = noToken, value;
    size_t end = at;
    for (size_t i = at; i < text.size && trie.step(node, text.data[i]);) {
      ++i;
      if (trie.value(node, value)) {
        found = value;
        end = i;
      }
    }
    if (found >= tables.addedTokens.count) {
      ++at;
      continue;
    }
    AddedToken token = tables.addedTokens[found];
    size_t begin = at;
    at = end;
    bool apart =
        (begin == 0 || !isIn(classAddedWord, previousCodePoint(text, begin))) &&
        (end == text.size || !isIn(classAddedWord, end));
    if ((token.flags & addedWord) && !apart)
      continue;
    while ((token.flags & addedStripLeft) && begin > done &&
           isIn(classSpace, previousCodePoint(text, begin)))
      begin = previousCodePoint(text, begin);
    while ((token.flags & addedStripRight) && end < text.size &&
           isIn(classSpace, end))
      nextCodePoint(text, end);
    if (done < begin)
      segments.push({noToken, done, begin});
    segments.push({token.token, begin, end});
    done = end;
  }
  if (done < text.size)
    segments.push({noToken, done, text.size});
}

bool Tokenizer::encodeWords(Array<uint32_t> &ids, Diagnostic &diagnostic) {
  if (!preTokenize(tables, matcher, words))
    return diagnostic.fail("the tokenizer's pattern that cuts text into words "
                           "never ends on this text");
  auto model = static_cast<TokenizerModel>(tables.header->model);
  for (const Word &word : words.words) {
    TextView text = words.view(word);
    switch (model) {
    case TokenizerModel::BytePairs:
      bytePairs.encode(text, ids);
      break;
    case TokenizerModel::WordPiece:
      encodeWordPieces(tables, text, ids);
      break;
    case TokenizerModel::WordLevel:
      encodeWholeWord(tables, text, ids);
      break;
    case TokenizerModel::Unigram:
      if (!unigram.encode(text, ids))
        return diagnostic.fail("the text has what the vocabulary does not "
                               "cover, and there is no unknown token");
      break;
    }
  }
  return true;
}

bool Tokenizer::encodeNormalized(TextView text, bool first,
                                 Array<uint32_t> &ids, Diagnostic &diagnostic) {
  Array<Segment> segments;
  findAdded(tables.normalAdded, text, segments);
  for (const Segment &segment : segments) {
    if (segment.token != noToken) {
      ids.push(segment.token);
      continue;
    }
    words.text.clear();
    words.text.append(text.data + segment.begin, segment.end - segment.begin);
    words.words.clear();
    words.words.push(
        {0, segment.end - segment.begin, first && segment.begin == 0});
    if (!encodeWords(ids, diagnostic))
      return false;
  }
  return true;
}

bool Tokenizer::encodeRaw(TextView text, bool first, bool continued,
                          Array<uint32_t> &ids, Diagnostic &diagnostic) {
  if (tables.normalizer.count == 0)
    return encodeNormalized(text, first, ids, diagnostic);
  Array<char> normal;
  NormalizerPlace place{continued};
  if (!normalize(tables, matcher, text, normal, place))
    return diagnostic.fail(
        "a pattern of the tokenizer's normalizer never ends on this text");
  return encodeNormalized({normal.data(), normal.size()},
                          first && place.beginKept, ids, diagnostic);
}

bool Tokenizer::encode(TextView text, bool whole, Array<uint32_t> &ids,
                       Diagnostic &diagnostic) {
  size_t valid = validUtf8(text);
  if (valid != text.size)
    return diagnostic.fail(
        "the text is not UTF-8: byte %zu of %zu (0x%02x) begins no character",
        valid, text.size, static_cast<unsigned char>(text.data[valid]));
  // Places in text are counted in 32 bits by the models.
  if (text.size > size_t(1) << 28)
    return diagnostic.fail(
        "the text has %zu bytes; at most 2^28 are tokenized at once",
        text.size);
  if (whole)
    ids.append(tables.prefix.items, tables.prefix.count);
  Array<Segment> segments;
  findAdded(tables.added, text, segments);
  bool continued = false;
  for (const Segment &segment : segments)
    if (segment.token != noToken) {
      ids.push(segment.token);
      continued = !tables.isSpecial(segment.token);
    } else if (!encodeRaw(text.slice(segment.begin, segment.end),
                          segment.begin == 0, continued, ids, diagnostic))
      return false;
  if (whole)
    ids.append(tables.suffix.items, tables.suffix.count);
  return true;
}

} // namespace halftone::rt
