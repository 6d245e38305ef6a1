//===- JinjaExpressionParser.cpp - the expressions of a template ------------===//

#include "compiler/Import/Chat/JinjaExpressionParser.h"

#include "llvm/ADT/STLExtras.h"

#include <cstdlib>

namespace halftone::chat::jinja {

using llvm::StringRef;

bool ExpressionParser::failAt(unsigned line, const llvm::Twine &text) {
  if (message.empty()) {
    message = text.str();
    errorLine = line;
  }
  return false;
}

bool ExpressionParser::expect(Token::Kind kind, StringRef what) {
  if (current().kind != kind)
    return fail("expected " + what + (current().text.empty() ? "" : ", not '" + current().text + "'"));
  next();
  return true;
}

bool ExpressionParser::take(StringRef name) {
  return takeIf(name) ||
         fail("expected '" + name + "'" + (current().text.empty() ? "" : ", not '" + current().text + "'"));
}

bool ExpressionParser::takeIf(StringRef name) {
  if (!current().isName(name))
    return false;
  next();
  return true;
}

bool ExpressionParser::takeName(std::string &name) {
  name = current().text;
  return expect(Token::Name, "a name");
}

bool ExpressionParser::takeOperator(StringRef which) {
  return takeOperatorIf(which) ||
         fail("expected '" + which + "'" + (current().text.empty() ? "" : ", not '" + current().text + "'"));
}

bool ExpressionParser::takeOperatorIf(StringRef which) {
  if (!current().isOperator(which))
    return false;
  next();
  return true;
}

ExpressionPtr ExpressionParser::make(Expression::Kind kind, unsigned line) const {
  auto expression = std::make_unique<Expression>();
  expression->kind = kind;
  expression->line = line;
  return expression;
}

Expression &ExpressionParser::wrap(ExpressionPtr &result, Expression::Kind kind, unsigned line) {
  ExpressionPtr outer = make(kind, line);
  outer->operands.push_back(std::move(result));
  result = std::move(outer);
  return *result;
}

bool ExpressionParser::parseTuple(ExpressionPtr &result, bool conditional, bool inBrackets) {
  auto isEnd = [&] {
    const Token &token = current();
    return token.kind == Token::VariableEnd || token.kind == Token::BlockEnd || token.isOperator(")") ||
           token.isName("recursive");
  };
  unsigned line = current().line;
  std::vector<ExpressionPtr> parts;
  bool isTuple = false;
  while (!isEnd()) {
    if (!(conditional ? parseConditional(parts.emplace_back()) : parseOr(parts.emplace_back())))
      return false;
    if (!takeOperatorIf(","))
      break;
    isTuple = true;
  }
  if (!isTuple && parts.size() == 1) {
    result = std::move(parts.front());
    return true;
  }
  if (parts.empty() && !inBrackets)
    return fail("expected an expression");
  result = make(Expression::Tuple, line);
  result->operands = std::move(parts);
  return true;
}

bool ExpressionParser::parseTarget(Target &target, bool allowsAttribute, bool single) {
  if (!single && takeOperatorIf("(")) {
    if (!parseTarget(target, /*allowsAttribute=*/false))
      return false;
    target.isTuple = true;
    return takeOperator(")");
  }
  do {
    if (target.isTuple && current().kind != Token::Name)
      return true; // A comma at the end.
    if (!takeName(target.names.emplace_back()))
      return false;
    static constexpr StringRef kReserved[] = {"true", "false", "none", "True", "False", "None"};
    if (llvm::is_contained(kReserved, target.names.back()))
      return fail("cannot assign to '" + target.names.back() + "'");
    if (allowsAttribute && !target.isTuple && takeOperatorIf("."))
      return takeName(target.attribute);
    if (single)
      return true;
  } while (takeOperatorIf(",") && (target.isTuple = true));
  return true;
}

bool ExpressionParser::parseConditional(ExpressionPtr &result) {
  Nesting nesting(*this);
  if (!nesting.isFine() || !parseOr(result))
    return false;
  while (current().isName("if")) {
    unsigned line = current().line;
    next();
    ExpressionPtr conditional = make(Expression::Conditional, line), condition;
    if (!parseOr(condition))
      return false;
    conditional->operands.push_back(std::move(condition));
    conditional->operands.push_back(std::move(result));
    ExpressionPtr other = make(Expression::Undefined, line);
    if (takeIf("else") && !parseConditional(other))
      return false;
    conditional->operands.push_back(std::move(other));
    result = std::move(conditional);
  }
  return true;
}

bool ExpressionParser::parseOr(ExpressionPtr &result) {
  if (!parseAnd(result))
    return false;
  if (current().isName("or"))
    wrap(result, Expression::Or, current().line);
  while (takeIf("or"))
    if (!parseAnd(result->operands.emplace_back()))
      return false;
  return true;
}

bool ExpressionParser::parseAnd(ExpressionPtr &result) {
  if (!parseNot(result))
    return false;
  if (current().isName("and"))
    wrap(result, Expression::And, current().line);
  while (takeIf("and"))
    if (!parseNot(result->operands.emplace_back()))
      return false;
  return true;
}

bool ExpressionParser::parseNot(ExpressionPtr &result) {
  unsigned line = current().line;
  if (!takeIf("not"))
    return parseCompare(result);
  Nesting nesting(*this);
  if (!nesting.isFine() || !parseNot(result))
    return false;
  wrap(result, Expression::Not, line);
  return true;
}

bool ExpressionParser::parseCompare(ExpressionPtr &result) {
  if (!parseSum(result))
    return false;
  static constexpr StringRef kOperators[] = {"==", "!=", "<", "<=", ">", ">="};
  Expression *compare = nullptr;
  while (true) {
    unsigned line = current().line;
    std::string which;
    if (current().kind == Token::Operator && llvm::is_contained(kOperators, current().text))
      which = current().text;
    else if (current().isName("in"))
      which = "in";
    else if (current().isName("not") && look().isName("in")) {
      which = "not in";
      next();
    } else
      return true;
    next();
    if (!compare)
      compare = &wrap(result, Expression::Compare, line);
    compare->operators.push_back(std::move(which));
    if (!parseSum(compare->operands.emplace_back()))
      return false;
  }
}

template <typename Part>
bool ExpressionParser::parseArithmetic(ExpressionPtr &result, llvm::ArrayRef<StringRef> which, Part part) {
  if (!part(result))
    return false;
  // Each one nests the tree, which is evaluated by recursion.
  for (unsigned count = 0; current().kind == Token::Operator && llvm::is_contained(which, current().text);
       ++count) {
    if (count == 64)
      return fail("an expression has too many terms");
    Token token = current();
    next();
    Expression &outer = wrap(result, Expression::Arithmetic, token.line);
    outer.text = token.text;
    if (!part(outer.operands.emplace_back()))
      return false;
  }
  return true;
}

bool ExpressionParser::parseSum(ExpressionPtr &result) {
  return parseArithmetic(result, {"+", "-"}, [&](ExpressionPtr &part) { return parseConcatenation(part); });
}

bool ExpressionParser::parseConcatenation(ExpressionPtr &result) {
  if (!parseProduct(result))
    return false;
  if (current().isOperator("~"))
    wrap(result, Expression::Concatenate, current().line);
  while (takeOperatorIf("~"))
    if (!parseProduct(result->operands.emplace_back()))
      return false;
  return true;
}

bool ExpressionParser::parseProduct(ExpressionPtr &result) {
  return parseArithmetic(result, {"*", "/", "//", "%"},
                         [&](ExpressionPtr &part) { return parsePower(part); });
}

bool ExpressionParser::parsePower(ExpressionPtr &result) {
  return parseArithmetic(result, {"**"}, [&](ExpressionPtr &part) { return parseUnary(part); });
}

bool ExpressionParser::parseUnary(ExpressionPtr &result, bool withFilter) {
  Nesting nesting(*this);
  if (!nesting.isFine())
    return false;
  unsigned line = current().line;
  if (current().isOperator("-") || current().isOperator("+")) {
    auto kind = current().text == "-" ? Expression::Negate : Expression::Plus;
    next();
    if (!parseUnary(result, /*withFilter=*/false))
      return false;
    wrap(result, kind, line);
  } else if (!parsePrimary(result))
    return false;
  return parsePostfix(result) && (!withFilter || parseFilters(result));
}

bool ExpressionParser::parseLiteralText(ExpressionPtr &result) {
  result = make(Expression::String, current().line);
  for (; current().kind == Token::String; next())
    result->text += current().text;
  return true;
}

bool ExpressionParser::parsePrimary(ExpressionPtr &result) {
  const Token &token = current();
  if (token.kind == Token::String)
    return parseLiteralText(result);
  if (token.isOperator("[") || token.isOperator("{"))
    return token.text == "[" ? parseList(result) : parseDict(result);
  if (token.isOperator("(")) {
    next();
    return parseTuple(result, /*conditional=*/true, /*inBrackets=*/true) && takeOperator(")");
  }
  result = make(Expression::Name, token.line);
  if (token.kind == Token::Name) {
    if (token.text == "true" || token.text == "True" || token.text == "false" || token.text == "False") {
      result->kind = Expression::Boolean;
      result->integer = (token.text[0] | 0x20) == 't';
    } else if (token.text == "none" || token.text == "None")
      result->kind = Expression::None;
    else
      result->text = token.text;
  } else if (token.kind == Token::Integer) {
    result->kind = Expression::Integer;
    if (StringRef(token.text).getAsInteger(10, result->integer))
      return fail("the number " + token.text + " is too large");
  } else if (token.kind == Token::Float) {
    result->kind = Expression::Float;
    result->real = strtod(token.text.c_str(), nullptr);
  } else
    return fail(token.text.empty() ? llvm::Twine("expected an expression")
                                   : "unexpected '" + token.text + "'");
  next();
  return true;
}

bool ExpressionParser::parseList(ExpressionPtr &result) {
  result = make(Expression::List, current().line);
  next();
  while (!current().isOperator("]")) {
    if (!result->operands.empty() && (!takeOperator(",") || current().isOperator("]")))
      break;
    if (!parseExpression(result->operands.emplace_back()))
      return false;
  }
  return takeOperator("]");
}

bool ExpressionParser::parseDict(ExpressionPtr &result) {
  result = make(Expression::Dict, current().line);
  next();
  while (!current().isOperator("}")) {
    if (!result->operands.empty() && (!takeOperator(",") || current().isOperator("}")))
      break;
    if (!parseExpression(result->operands.emplace_back()) || !takeOperator(":") ||
        !parseExpression(result->operands.emplace_back()))
      return false;
  }
  return takeOperator("}");
}

bool ExpressionParser::parsePostfix(ExpressionPtr &result) {
  for (unsigned count = 0; current().kind == Token::Operator; ++count) {
    if (count == 32)
      return fail("an expression has too many parts");
    if (current().text == "." || current().text == "[") {
      if (!parseSubscript(result))
        return false;
    } else if (current().text == "(") {
      if (!parseCall(result))
        return false;
    } else
      break;
  }
  return true;
}

bool ExpressionParser::parseFilters(ExpressionPtr &result) {
  for (unsigned count = 0;; ++count) {
    if (count == 32)
      return fail("an expression has too many filters");
    unsigned line = current().line;
    if (takeOperatorIf("|")) {
      if (!parseFilterName(wrap(result, Expression::Filter, line)))
        return false;
    } else if (current().isName("is")) {
      if (!parseTest(result))
        return false;
    } else if (current().isOperator("(")) {
      if (!parseCall(result))
        return false;
    } else
      return true;
  }
}

bool ExpressionParser::parseFilterName(Expression &filter) {
  filter.kind = Expression::Filter;
  filter.line = current().line;
  return takeName(filter.text) && (!current().isOperator("(") || parseArguments(filter.arguments));
}

bool ExpressionParser::parseTest(ExpressionPtr &result) {
  unsigned line = current().line;
  next();
  bool negated = takeIf("not");
  Expression &test = wrap(result, Expression::Test, line);
  if (!takeName(test.text))
    return false;
  const Token &token = current();
  if (token.isOperator("(")) {
    if (!parseArguments(test.arguments))
      return false;
  } else if ((token.kind == Token::Name && !token.isName("else") && !token.isName("or") &&
              !token.isName("and")) ||
             token.kind == Token::String || token.kind == Token::Integer || token.kind == Token::Float ||
             token.isOperator("[") || token.isOperator("{")) {
    if (token.isName("is"))
      return fail("tests cannot be chained with 'is'");
    ExpressionPtr &argument = test.arguments.positional.emplace_back();
    if (!parsePrimary(argument) || !parsePostfix(argument))
      return false;
  }
  if (negated)
    wrap(result, Expression::Not, line);
  return true;
}

bool ExpressionParser::parseSubscript(ExpressionPtr &result) {
  Token token = current();
  next();
  if (token.text == ".") {
    Expression &attribute = wrap(result, Expression::Attribute, token.line);
    if (current().kind == Token::Integer) {
      attribute.kind = Expression::Subscript;
      return parsePrimary(attribute.operands.emplace_back());
    }
    return takeName(attribute.text);
  }
  Expression &subscript = wrap(result, Expression::Subscript, token.line);
  ExpressionPtr parts[3];
  bool isSlice = false;
  for (unsigned i = 0; i < 3; ++i) {
    if (current().isOperator(":") || current().isOperator("]"))
      parts[i] = make(Expression::Undefined, token.line);
    else if (!parseExpression(parts[i]))
      return false;
    if (i == 2 || !takeOperatorIf(":"))
      break;
    isSlice = true;
  }
  if (!isSlice && parts[0]->kind == Expression::Undefined)
    return fail("expected an expression");
  if (isSlice)
    subscript.kind = Expression::Slice;
  for (ExpressionPtr &part : parts)
    if (isSlice || &part == parts)
      subscript.operands.push_back(part ? std::move(part) : make(Expression::Undefined, token.line));
  return takeOperator("]");
}

bool ExpressionParser::parseCall(ExpressionPtr &result) {
  return parseArguments(wrap(result, Expression::Call, current().line).arguments);
}

bool ExpressionParser::parseArguments(Arguments &arguments) {
  if (!takeOperator("("))
    return false;
  bool isFirst = true;
  while (!current().isOperator(")")) {
    if (!isFirst && (!takeOperator(",") || current().isOperator(")")))
      break;
    isFirst = false;
    if (current().isOperator("*") || current().isOperator("**"))
      return fail("arguments with '*' are not supported");
    if (current().kind == Token::Name && look().isOperator("=")) {
      auto &[name, value] = arguments.named.emplace_back();
      name = current().text;
      next();
      next();
      if (!parseExpression(value))
        return false;
    } else {
      if (!arguments.named.empty())
        return fail("an argument without a name follows one with a name");
      if (!parseExpression(arguments.positional.emplace_back()))
        return false;
    }
  }
  return takeOperator(")");
}

} // namespace halftone::chat::jinja
