//===- WordModels.h - from a word to its tokens ---------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_WORDMODELS_H
#define HALFTONE_RUNTIME_TEXT_WORDMODELS_H

#include "runtime/text/TokenizerTables.h"

namespace halftone::rt {

/// Byte-pair encoding: the pair that was learned first is joined first,
/// wherever it stands. O(n log n) in the word's length. Memory is kept from
/// word to word.
class BytePairs {
public:
  explicit BytePairs(const TokenizerTables &tables) : tables(tables) {}
  void encode(TextView word, Array<uint32_t> &ids);

private:
  struct Symbol {
    uint32_t token;
    uint32_t previous, next; ///< noToken at the ends
    uint32_t bytes;          ///< 0: joined to the one before
  };
  struct Candidate {
    uint32_t rank, place, result;
  };
  void begin(TextView word);
  void add(uint32_t token, size_t bytes);
  bool addByteTokens(TextView bytes);
  const Merge *find(uint32_t left, uint32_t right) const;
  void propose(uint32_t left);
  void joinFew();
  void joinMany();
  void join(uint32_t place, uint32_t result);

  const TokenizerTables &tables;
  Array<Symbol> symbols;
  Array<Candidate> heap;
  Array<char> unit;
};

/// The longest piece that a word begins with, and again behind it.
void encodeWordPieces(const TokenizerTables &tables, TextView word,
                      Array<uint32_t> &ids);

/// A word is a token or unknown.
void encodeWholeWord(const TokenizerTables &tables, TextView word,
                     Array<uint32_t> &ids);

/// The pieces whose probabilities have the greatest product (Viterbi).
class Unigram {
public:
  explicit Unigram(const TokenizerTables &tables) : tables(tables) {}

  /// False where something is unknown and the vocabulary has no token for that.
  bool encode(TextView word, Array<uint32_t> &ids);

private:
  struct Node {
    double score;
    size_t
        from; ///< where the last piece begins; `unreached` before one is found
    uint32_t token;
  };
  static constexpr size_t unreached = ~size_t(0);

  const TokenizerTables &tables;
  Array<Node> nodes;
  Array<size_t> ends;
};

} // namespace halftone::rt

#endif
