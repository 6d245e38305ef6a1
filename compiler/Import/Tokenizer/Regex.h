//===- Regex.h - regular expressions of tokenizers --------------------------===//
//
// Parses the part of Oniguruma's syntax that tokenizers use and compiles it to
// the code of runtime/text/Pattern.h: alternatives, groups, classes with \p{…},
// && and nesting, greedy, lazy and possessive repetition, looking ahead and
// behind, borders of words, (?i:…). The rest is refused by name.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TOKENIZER_REGEX_H
#define HALFTONE_COMPILER_IMPORT_TOKENIZER_REGEX_H

#include "compiler/Import/Tokenizer/CharacterSet.h"

#include "llvm/Support/Error.h"

namespace halftone::tokenizer {

/// The patterns of one tokenizer and the classes that they share.
class PatternTable {
public:
  PatternTable();

  /// The number of the class, which is added if it is new.
  uint32_t addClass(const CharacterSet &set);

  /// Numbers of patterns: a regular expression, a text as it stands, a single
  /// code point of a set (or `atLeastOne` of them).
  llvm::Expected<uint32_t> addRegex(llvm::StringRef regex);
  llvm::Expected<uint32_t> addLiteral(llvm::StringRef text);
  uint32_t addSet(const CharacterSet &set, bool atLeastOne = false);

  /// The sections Patterns and Classes of the compiled form.
  std::vector<uint32_t> patternWords() const;
  std::vector<uint32_t> classWords() const;

private:
  uint32_t add(std::vector<uint32_t> code);

  std::vector<std::vector<uint32_t>> patterns;
  std::vector<CharacterSet> classes;
};

} // namespace halftone::tokenizer

#endif
