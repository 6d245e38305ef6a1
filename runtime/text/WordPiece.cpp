//===- WordPiece.cpp - the longest pieces of a word -----------------------===//

#include "runtime/text/WordModels.h"

namespace halftone::rt {

static void pushUnknown(const TokenizerTables &tables, Array<uint32_t> &ids) {
  if (tables.header->unknown != noToken)
    ids.push(tables.header->unknown);
}

void encodeWordPieces(const TokenizerTables &tables, TextView word,
                      Array<uint32_t> &ids) {
  size_t length = 0;
  for (size_t i = 0; i < word.size; ++i)
    length += (static_cast<unsigned char>(word.data[i]) & 0xc0) != 0x80;
  size_t begin = ids.size();
  bool known = length <= tables.header->longestWord;
  for (size_t at = 0; known && at < word.size;) {
    uint32_t node = Trie::root, token = noToken, value;
    size_t end = at;
    known = at == 0 ||
            tables.pieces.walk(node, tables.text(tables.header->continuing));
    for (size_t i = at;
         known && i < word.size && tables.pieces.step(node, word.data[i]);) {
      ++i;
      if (tables.pieces.value(node, value)) {
        token = value;
        end = i;
      }
    }
    known = end > at;
    if (known)
      ids.push(token);
    at = end;
  }
  if (known)
    return;
  ids.truncate(begin);
  pushUnknown(tables, ids);
}

void encodeWholeWord(const TokenizerTables &tables, TextView word,
                     Array<uint32_t> &ids) {
  uint32_t token;
  if (tables.pieces.find(word, token))
    ids.push(token);
  else
    pushUnknown(tables, ids);
}

} // namespace halftone::rt
