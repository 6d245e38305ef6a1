//===- RegexParser.h - the tree of a regular expression ---------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TOKENIZER_REGEXPARSER_H
#define HALFTONE_COMPILER_IMPORT_TOKENIZER_REGEXPARSER_H

#include "compiler/Import/Tokenizer/CharacterSet.h"
#include "runtime/text/Pattern.h"

#include "llvm/Support/Error.h"

#include <memory>

namespace halftone::tokenizer {

struct RegexNode {
  enum Kind { Set, Sequence, Alternatives, Repeat, Look, Atomic, Assert };
  enum Mode { Greedy, Lazy, Possessive };

  explicit RegexNode(Kind kind) : kind(kind) {}

  Kind kind;
  CharacterSet set;
  std::vector<std::unique_ptr<RegexNode>> children;
  uint32_t least = 0, most = 0; ///< of a repetition
  Mode mode = Greedy;
  bool behind = false, negative = false; ///< of a look
  rt::PatternAssert assertion = rt::PatternAssert::TextBegin;
};

/// Parses; an error says what is not supported and where.
llvm::Expected<std::unique_ptr<RegexNode>> parseRegex(llvm::StringRef regex);

} // namespace halftone::tokenizer

#endif
