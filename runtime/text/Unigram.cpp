//===- Unigram.cpp - the likeliest pieces ---------------------------------===//

#include "runtime/text/WordModels.h"

namespace halftone::rt {

bool Unigram::encode(TextView word, Array<uint32_t> &ids) {
  const TokenizerHeader &header = *tables.header;
  nodes.clear();
  nodes.resize(word.size + 1);
  for (Node &node : nodes)
    node = {0, unreached, noToken};
  bool single = tables.has(flagFloatScores);
  auto reach = [&](size_t end, size_t from, double score, uint32_t token) {
    if (single)
      score = static_cast<float>(score);
    Node &node = nodes[end];
    if (node.from == unreached || score > node.score)
      node = {score, from, token};
  };
  for (size_t at = 0; at < word.size;) {
    size_t next = at;
    nextCodePoint(word, next);
    double before = nodes[at].score;
    bool covered = false;
    uint32_t node = Trie::root, token;
    for (size_t end = at;
         end < word.size && tables.pieces.step(node, word.data[end]);) {
      ++end;
      if (!tables.pieces.value(node, token) || token >= tables.scores.count)
        continue;
      reach(end, at, before + tables.scores[token], token);
      covered = covered || end == next;
    }
    if (!covered) {
      if (header.unknown == noToken)
        return false;
      reach(next, at, before + header.unknownScore, header.unknown);
    }
    at = next;
  }

  // Ends of the pieces from the back; unknown neighbours become one.
  ends.clear();
  bool fusing = false;
  for (size_t end = word.size; end;) {
    if (nodes[end].from >= end)
      return false;
    bool unknown =
        nodes[end].token == header.unknown && tables.has(flagFuseUnknown);
    if (!(unknown && fusing))
      ends.push(end);
    fusing = unknown;
    end = nodes[end].from;
  }
  for (size_t begin = 0; !ends.empty();) {
    size_t end = ends.pop();
    TextView piece = word.slice(begin, end);
    begin = end;
    uint32_t token;
    if (tables.pieces.find(piece, token)) {
      ids.push(token);
      continue;
    }
    bool bytes = tables.has(flagByteFallback);
    for (size_t i = 0; bytes && i < piece.size; ++i)
      bytes =
          tables.byteIds[static_cast<unsigned char>(piece.data[i])] != noToken;
    if (!bytes)
      ids.push(header.unknown);
    for (size_t i = 0; bytes && i < piece.size; ++i)
      ids.push(tables.byteIds[static_cast<unsigned char>(piece.data[i])]);
  }
  return true;
}

} // namespace halftone::rt
