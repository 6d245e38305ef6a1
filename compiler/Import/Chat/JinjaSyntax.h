//===- JinjaSyntax.h - a parsed template ------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_CHAT_JINJASYNTAX_H
#define HALFTONE_COMPILER_IMPORT_CHAT_JINJASYNTAX_H

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace halftone::chat::jinja {

struct Expression;
struct Statement;
using ExpressionPtr = std::unique_ptr<Expression>;
using Block = std::vector<std::unique_ptr<Statement>>;

/// What stands between the brackets of a call.
struct Arguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
};

struct Expression {
  enum Kind {
    Undefined, ///< the missing part of a slice or of an `if` without `else`
    None,
    Boolean,     ///< integer
    Integer,     ///< integer
    Float,       ///< real
    String,      ///< text
    Name,        ///< text
    List,        ///< operands
    Tuple,       ///< operands
    Dict,        ///< keys and values by turns
    Attribute,   ///< operand . text
    Subscript,   ///< operand [ operand ]
    Slice,       ///< operand [ operand : operand : operand ]
    Call,        ///< operand ( arguments )
    Filter,      ///< operand | text ( arguments ); no operand in a filter block
    Test,        ///< operand is text ( arguments )
    Negate,      ///< - operand
    Plus,        ///< + operand
    Not,         ///< operand
    And,         ///< operands
    Or,          ///< operands
    Conditional, ///< condition, value, other value
    Concatenate, ///< operands, joined as text
    Arithmetic,  ///< operand text operand
    Compare,     ///< operand, then one for each operator of `operators`
  };

  Kind kind = Undefined;
  unsigned line = 0;
  int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<ExpressionPtr> operands;
  std::vector<std::string> operators;
  Arguments arguments;
};

/// What is assigned to: one name, several to unpack into, or a namespace's
/// attribute.
struct Target {
  bool isTuple = false;
  std::string attribute; ///< of the namespace names[0]
  std::vector<std::string> names;
};

struct Statement {
  enum Kind {
    Data,       ///< text
    Output,     ///< value
    If,         ///< value, body, otherwise
    For,        ///< target, value, condition, body, otherwise
    Set,        ///< target, value
    SetBlock,   ///< target, body, filters
    FilterText, ///< filters, body
    With,       ///< targets, values, body
    Macro,      ///< text, parameters, body
    Scope,      ///< body, with names of its own
    Break,
    Continue,
  };

  Kind kind = Data;
  unsigned line = 0;
  std::string text;
  Target target;
  ExpressionPtr value, condition;
  Block body, otherwise;
  std::vector<ExpressionPtr> filters;                        ///< the first one is applied first
  std::vector<std::pair<Target, ExpressionPtr>> assignments; ///< of With
  std::vector<std::pair<std::string, ExpressionPtr>> parameters;
};

} // namespace halftone::chat::jinja

#endif
