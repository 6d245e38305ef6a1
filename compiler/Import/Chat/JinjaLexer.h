//===- JinjaLexer.h - the tokens of a template ------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_CHAT_JINJALEXER_H
#define HALFTONE_COMPILER_IMPORT_CHAT_JINJALEXER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace halftone::chat::jinja {

struct Token {
  enum Kind {
    Data,          ///< text to be written as it is
    BlockBegin,    ///< {%
    BlockEnd,      ///< %}
    VariableBegin, ///< {{
    VariableEnd,   ///< }}
    Name,
    String, ///< `text` is its value
    Integer,
    Float,
    Operator,
    End
  };

  Kind kind = End;
  unsigned line = 1;
  std::string text;

  bool isOperator(llvm::StringRef which) const { return kind == Operator && text == which; }
  bool isName(llvm::StringRef which) const { return kind == Name && text == which; }
};

/// The tokens, with an End behind them. White space around tags is handled as
/// chat templates are rendered: trim_blocks and lstrip_blocks are on.
llvm::Expected<std::vector<Token>> tokenize(llvm::StringRef source);

/// An error that names a line of the template.
llvm::Error errorAt(unsigned line, const llvm::Twine &message);

} // namespace halftone::chat::jinja

#endif
