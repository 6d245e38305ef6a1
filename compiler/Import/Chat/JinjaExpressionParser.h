//===- JinjaExpressionParser.h - the expressions of a template --------------===//

#ifndef HALFTONE_COMPILER_IMPORT_CHAT_JINJAEXPRESSIONPARSER_H
#define HALFTONE_COMPILER_IMPORT_CHAT_JINJAEXPRESSIONPARSER_H

#include "compiler/Import/Chat/JinjaLexer.h"
#include "compiler/Import/Chat/JinjaSyntax.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Twine.h"

namespace halftone::chat::jinja {

/// Recursive descent, a function for each level of precedence. Functions return
/// false where there is an error, the first of which is kept.
class ExpressionParser {
public:
  explicit ExpressionParser(llvm::ArrayRef<Token> tokens) : tokens(tokens) {}

  llvm::Error takeError() { return errorAt(errorLine, message); }

protected:
  bool parseExpression(ExpressionPtr &result) { return parseConditional(result); }
  /// An expression, or several with commas between them.
  bool parseTuple(ExpressionPtr &result, bool conditional = true, bool inBrackets = false);
  bool parseTarget(Target &target, bool allowsAttribute, bool single = false);
  /// A filter's name and arguments.
  bool parseFilterName(Expression &filter);

  const Token &current() const { return tokens[at]; }
  const Token &previous() const { return tokens[at ? at - 1 : 0]; }
  const Token &look() const { return tokens[std::min(at + 1, tokens.size() - 1)]; }
  void next() { at = std::min(at + 1, tokens.size() - 1); }
  bool fail(const llvm::Twine &text) { return failAt(current().line, text); }
  bool failAt(unsigned line, const llvm::Twine &text);

  bool expect(Token::Kind kind, llvm::StringRef what);
  bool take(llvm::StringRef name);
  bool takeIf(llvm::StringRef name);
  bool takeName(std::string &name);
  bool takeOperator(llvm::StringRef which);
  bool takeOperatorIf(llvm::StringRef which);

  /// Counts how deep expressions and blocks are nested.
  class Nesting {
  public:
    explicit Nesting(ExpressionParser &parser) : parser(parser) { ++parser.depth; }
    ~Nesting() { --parser.depth; }
    bool isFine() const { return parser.depth <= kDeepest || parser.fail("it is nested too deep"); }

  private:
    static constexpr unsigned kDeepest = 100;
    ExpressionParser &parser;
  };

private:
  bool parseConditional(ExpressionPtr &result);
  bool parseOr(ExpressionPtr &result);
  bool parseAnd(ExpressionPtr &result);
  bool parseNot(ExpressionPtr &result);
  bool parseCompare(ExpressionPtr &result);
  bool parseSum(ExpressionPtr &result);
  bool parseConcatenation(ExpressionPtr &result);
  bool parseProduct(ExpressionPtr &result);
  bool parsePower(ExpressionPtr &result);
  bool parseUnary(ExpressionPtr &result, bool withFilter = true);
  bool parsePrimary(ExpressionPtr &result);
  bool parseLiteralText(ExpressionPtr &result);
  bool parseList(ExpressionPtr &result);
  bool parseDict(ExpressionPtr &result);
  bool parsePostfix(ExpressionPtr &result);
  bool parseFilters(ExpressionPtr &result);
  bool parseTest(ExpressionPtr &result);
  bool parseSubscript(ExpressionPtr &result);
  bool parseCall(ExpressionPtr &result);
  bool parseArguments(Arguments &arguments);

  ExpressionPtr make(Expression::Kind kind, unsigned line) const;
  /// Makes `result` the first operand of a new expression.
  Expression &wrap(ExpressionPtr &result, Expression::Kind kind, unsigned line);
  template <typename Part>
  bool parseArithmetic(ExpressionPtr &result, llvm::ArrayRef<llvm::StringRef> which, Part part);

  llvm::ArrayRef<Token> tokens;
  size_t at = 0;
  unsigned depth = 0;
  std::string message;
  unsigned errorLine = 0;
};

} // namespace halftone::chat::jinja

#endif
