//===- JinjaParser.cpp - the statements of a template -----------------------===//

#include "compiler/Import/Chat/JinjaParser.h"
#include "compiler/Import/Chat/JinjaExpressionParser.h"

#include "llvm/ADT/STLExtras.h"

namespace halftone::chat::jinja {

using llvm::StringRef;

namespace {

using StatementPtr = std::unique_ptr<Statement>;

class Parser : public ExpressionParser {
public:
  using ExpressionParser::ExpressionParser;

  /// Statements up to a tag of one of these names, which is current then; up to
  /// the template's end if there are none.
  bool parseBlock(llvm::ArrayRef<StringRef> ends, Block &block);

private:
  bool parseTag(Block &block);
  bool parseFor(Statement &statement);
  bool parseIf(Statement &statement);
  bool parseSet(Statement &statement);
  bool parseMacro(Statement &statement);
  bool parseWith(Statement &statement);
  bool parseFilters(Statement &statement);
  bool parseBody(StringRef end, Block &body) { return parseBlock({end}, body) && take(end) && endBlock(); }
  bool endBlock() { return expect(Token::BlockEnd, "the tag's end"); }
};

} // namespace

bool Parser::parseBlock(llvm::ArrayRef<StringRef> ends, Block &block) {
  Nesting nesting(*this);
  if (!nesting.isFine())
    return false;
  unsigned begin = previous().line; // of the tag before
  while (true) {
    const Token &token = current();
    switch (token.kind) {
    case Token::End:
      return ends.empty() || failAt(begin, "a block has no '" + ends.back() + "'");
    case Token::Data: {
      auto statement = std::make_unique<Statement>();
      statement->line = token.line;
      statement->text = token.text;
      block.push_back(std::move(statement));
      next();
      break;
    }
    case Token::VariableBegin: {
      next();
      auto statement = std::make_unique<Statement>();
      statement->kind = Statement::Output;
      statement->line = token.line;
      if (!parseTuple(statement->value) || !expect(Token::VariableEnd, "'}}'"))
        return false;
      block.push_back(std::move(statement));
      break;
    }
    default:
      next(); // BlockBegin
      if (current().kind == Token::Name && llvm::is_contained(ends, current().text))
        return true;
      if (!parseTag(block))
        return false;
    }
  }
}

bool Parser::parseTag(Block &block) {
  auto statement = std::make_unique<Statement>();
  Token token = current();
  statement->line = token.line;
  if (token.kind != Token::Name)
    return fail("a tag has no name");
  next();
  bool parsed = false;
  if (token.text == "for")
    parsed = parseFor(*statement);
  else if (token.text == "if")
    parsed = parseIf(*statement);
  else if (token.text == "set")
    parsed = parseSet(*statement);
  else if (token.text == "macro")
    parsed = parseMacro(*statement);
  else if (token.text == "with")
    parsed = parseWith(*statement);
  else if (token.text == "filter") {
    statement->kind = Statement::FilterText;
    parsed = parseFilters(*statement) && endBlock() && parseBody("endfilter", statement->body);
  } else if (token.text == "generation") { // Marks what the model wrote.
    statement->kind = Statement::Scope;
    parsed = endBlock() && parseBody("endgeneration", statement->body);
  } else if (token.text == "break" || token.text == "continue") {
    statement->kind = token.text == "break" ? Statement::Break : Statement::Continue;
    parsed = endBlock();
  } else
    return failAt(token.line, "the tag '" + token.text + "' is not supported");
  if (parsed)
    block.push_back(std::move(statement));
  return parsed;
}

bool Parser::parseFor(Statement &statement) {
  statement.kind = Statement::For;
  if (!parseTarget(statement.target, /*allowsAttribute=*/false) || !take("in") ||
      !parseTuple(statement.value, /*conditional=*/false))
    return false;
  if (takeIf("if") && !parseExpression(statement.condition))
    return false;
  if (current().isName("recursive"))
    return fail("recursive loops are not supported");
  if (!endBlock() || !parseBlock({"else", "endfor"}, statement.body))
    return false;
  if (takeIf("else"))
    return endBlock() && parseBody("endfor", statement.otherwise);
  return take("endfor") && endBlock();
}

bool Parser::parseIf(Statement &statement) {
  statement.kind = Statement::If;
  if (!parseTuple(statement.value, /*conditional=*/false) || !endBlock() ||
      !parseBlock({"elif", "else", "endif"}, statement.body))
    return false;
  if (current().isName("elif")) { // An `if` inside `else`, which has the same end.
    Nesting nesting(*this);
    auto inner = std::make_unique<Statement>();
    inner->line = current().line;
    next();
    if (!nesting.isFine() || !parseIf(*inner))
      return false;
    statement.otherwise.push_back(std::move(inner));
    return true;
  }
  if (takeIf("else"))
    return endBlock() && parseBody("endif", statement.otherwise);
  return take("endif") && endBlock();
}

bool Parser::parseFilters(Statement &statement) {
  do {
    auto filter = std::make_unique<Expression>();
    if (!parseFilterName(*filter))
      return false;
    statement.filters.push_back(std::move(filter));
  } while (takeOperatorIf("|"));
  return true;
}

bool Parser::parseSet(Statement &statement) {
  statement.kind = Statement::Set;
  if (!parseTarget(statement.target, /*allowsAttribute=*/true))
    return false;
  if (takeOperatorIf("="))
    return parseTuple(statement.value) && endBlock();
  statement.kind = Statement::SetBlock;
  if (takeOperatorIf("|") && !parseFilters(statement))
    return false;
  return endBlock() && parseBody("endset", statement.body);
}

bool Parser::parseMacro(Statement &statement) {
  statement.kind = Statement::Macro;
  if (!takeName(statement.text) || !takeOperator("("))
    return false;
  while (!current().isOperator(")")) {
    if (!statement.parameters.empty() && !takeOperator(","))
      return false;
    auto &[name, initial] = statement.parameters.emplace_back();
    if (!takeName(name))
      return false;
    if (takeOperatorIf("=")) {
      if (!parseExpression(initial))
        return false;
    } else if (statement.parameters.size() > 1 && statement.parameters.rbegin()[1].second)
      return fail("a parameter without a default follows one that has one");
  }
  return takeOperator(")") && endBlock() && parseBody("endmacro", statement.body);
}

bool Parser::parseWith(Statement &statement) {
  statement.kind = Statement::With;
  while (current().kind != Token::BlockEnd) {
    if (!statement.assignments.empty() && !takeOperator(","))
      return false;
    auto &[target, value] = statement.assignments.emplace_back();
    if (!parseTarget(target, /*allowsAttribute=*/false, /*single=*/true) || !takeOperator("=") ||
        !parseExpression(value))
      return false;
  }
  return endBlock() && parseBody("endwith", statement.body);
}

llvm::Expected<Block> parse(StringRef source) {
  auto tokens = tokenize(source);
  if (!tokens)
    return tokens.takeError();
  Parser parser(*tokens);
  Block block;
  if (!parser.parseBlock({}, block))
    return parser.takeError();
  return block;
}

} // namespace halftone::chat::jinja
