//===- Description.h - a tokenizer as it was read ---------------------------===//
//
// What the readers (tokenizer.json, tokenizer.model, GGUF) have in common, and
// what Writer.cpp makes the compiled form of.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TOKENIZER_DESCRIPTION_H
#define HALFTONE_COMPILER_IMPORT_TOKENIZER_DESCRIPTION_H

#include "compiler/Import/Tokenizer/Regex.h"
#include "runtime/text/TokenizerFormat.h"

#include "llvm/ADT/StringMap.h"

#include <array>
#include <map>
#include <string>

namespace halftone::tokenizer {

/// Tokens that a tokenizer may have; larger ids are refused.
constexpr uint32_t kMaxTokens = 1 << 22;

/// Bytes that others name; equal ones are kept once.
class Pool {
public:
  rt::PoolSpan add(llvm::StringRef text);
  llvm::StringRef bytes() const { return data; }

private:
  std::string data;
  llvm::StringMap<uint32_t> offsets;
};

struct AddedToken {
  uint32_t id = 0;
  std::string content;
  std::string sought; ///< the same as normalized text has it, where it is sought there
  bool special = false, normalized = false;
  uint32_t flags = 0; ///< rt::AddedTokenFlag
};

/// What a token adds to decoded text.
struct TokenText {
  std::string text;
  std::string first; ///< the same at the text's beginning
  bool isByte = false;
};

struct Description {
  rt::TokenizerModel model = rt::TokenizerModel::BytePairs;
  uint32_t flags = 0; ///< rt::TokenizerFlag
  uint32_t unknown = rt::noToken, begin = rt::noToken, end = rt::noToken;
  uint32_t longestWord = 100;
  double unknownScore = 0;
  std::string continuing, wordEnd;
  std::string strippedText;
  uint32_t strippedLeft = 0;

  std::vector<std::optional<std::string>> tokens; ///< by id, as the file has them
  std::map<std::string, uint32_t> pieces;         ///< bytes that a word may consist of
  std::vector<TokenText> texts;
  std::vector<double> scores;
  std::map<std::pair<uint32_t, uint32_t>, rt::Merge> merges; ///< by left and right
  std::array<uint32_t, 256> byteIds;
  std::vector<AddedToken> added;
  std::vector<uint32_t> prefix, suffix;

  PatternTable patterns;
  Pool pool;
  std::vector<uint32_t> normalizer, preTokens; ///< steps of the compiled form
  bool needsLower = false, needsForms = false; ///< tables of the normalizer
  std::string charsmap;

  Description() { byteIds.fill(rt::noToken); }

  /// Adds a token of the vocabulary.
  llvm::Error addToken(uint64_t id, llvm::StringRef content);

  // Steps, in the order in which they act.
  void addReplace(uint32_t pattern, bool keep, llvm::StringRef before, llvm::StringRef after = {});
  void addLower();
  void addForm(bool compatible, bool compose);
  /// `unlessContinued`: not behind an added token that is part of the text.
  void addPrepend(llvm::StringRef text, bool unlessContinued = false);
  void addStrip(bool left, bool right);
  /// `byClusters`: as tokenizers does it; else the longest match, as sentencepiece does.
  llvm::Error addCharsmap(llvm::StringRef map, bool byClusters);
  void addSplit(uint32_t pattern, rt::SplitBehavior behavior, bool inverted = false);
  void addMetaspace(llvm::StringRef replacement, rt::PrependScheme scheme, bool split);
  void addPrefixSpace();
};

} // namespace halftone::tokenizer

#endif
