//===- Tokenizer.h - from text to token ids -------------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_TOKENIZER_H
#define HALFTONE_RUNTIME_TEXT_TOKENIZER_H

#include "runtime/text/PreTokenizer.h"
#include "runtime/text/WordModels.h"

namespace halftone::rt {

/// A compiled tokenizer (TokenizerFormat.h) at work. Not for several threads at
/// once; several of them may share the bytes.
class Tokenizer {
public:
  /// The bytes stay where they are, 8-byte aligned, for as long as this lives.
  [[nodiscard]] bool open(Bytes bytes, Diagnostic &diagnostic);

  /// Appends the tokens of `text`; with those that begin and end a text if
  /// `whole`. Refuses what is not UTF-8, and says where.
  [[nodiscard]] bool encode(TextView text, bool whole, Array<uint32_t> &ids,
                            Diagnostic &diagnostic);

  const TokenizerTables &getTables() const { return tables; }

private:
  struct Segment {
    uint32_t token; ///< noToken: text between
    size_t begin, end;
  };
  void findAdded(const Trie &trie, TextView text,
                 Array<Segment> &segments) const;
  bool encodeRaw(TextView text, bool first, bool continued,
                 Array<uint32_t> &ids, Diagnostic &diagnostic);
  bool encodeNormalized(TextView text, bool first, Array<uint32_t> &ids,
                        Diagnostic &diagnostic);
  bool encodeWords(Array<uint32_t> &ids, Diagnostic &diagnostic);

  TokenizerTables tables;
  Matcher matcher{nullptr, 0};
  BytePairs bytePairs{tables};
  Unigram unigram{tables};
  Words words;
};

} // namespace halftone::rt

#endif
