//===- JinjaExpressions.cpp - the expressions of a template at work ---------===//

#include "compiler/Import/Chat/JinjaEvaluator.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"

namespace halftone::chat::jinja {

using llvm::StringRef;

bool Evaluator::evaluate(const Expression &expression, Scope &scope, Value &result) {
  constexpr unsigned kDeepest = 400;
  auto leave = llvm::scope_exit([&] { --depth; });
  line = expression.line ? expression.line : line;
  if (++depth > kDeepest)
    return fail("an expression or call is nested too deep");
  return takeSteps(1) && evaluateKind(expression, scope, result);
}

bool Evaluator::evaluateKind(const Expression &expression, Scope &scope, Value &result) {
  switch (expression.kind) {
  case Expression::Undefined:
    result = Value::undefined("the other case of an inline 'if'");
    return true;
  case Expression::None:
    result = Value::none();
    return true;
  case Expression::Boolean:
    result = Value::boolean(expression.integer != 0);
    return true;
  case Expression::Integer:
    result = Value::number(expression.integer);
    return true;
  case Expression::Float:
    result = Value::number(expression.real);
    return true;
  case Expression::String:
    result = Value::string(expression.text);
    return true;
  case Expression::Name: {
    const Value *known = scope.find(expression.text);
    result = known ? *known : Value::undefined(expression.text);
    return true;
  }
  case Expression::List:
  case Expression::Tuple:
  case Expression::Dict:
    return evaluateItems(expression, scope, result);
  case Expression::And:
  case Expression::Or:
  case Expression::Not:
  case Expression::Conditional:
    return evaluateChoice(expression, scope, result);
  case Expression::Compare:
    return evaluateCompare(expression, scope, result);
  default:
    return evaluateApplied(expression, scope, result);
  }
}

bool Evaluator::evaluateItems(const Expression &expression, Scope &scope, Value &result) {
  ListObject items;
  for (const ExpressionPtr &operand : expression.operands)
    if (!evaluate(*operand, scope, items.emplace_back()))
      return false;
  if (expression.kind != Expression::Dict)
    return makeList(std::move(items), result,
                    expression.kind == Expression::List ? Value::List : Value::Tuple);
  if (!takeBytes(items.size() * sizeof(Value) + 64))
    return false;
  DictObject &dict = heap.makeDict();
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    auto found = findKey(heap, dict, items[i]);
    if (!found)
      return fail("it takes too many steps");
    if (*found)
      *const_cast<Value *>(*found) = items[i + 1];
    else
      dict.emplace_back(items[i], items[i + 1]);
  }
  result = Value::dict(dict);
  return true;
}

bool Evaluator::evaluateChoice(const Expression &expression, Scope &scope, Value &result) {
  if (!evaluate(*expression.operands[0], scope, result))
    return false;
  if (expression.kind == Expression::Not) {
    result = Value::boolean(!result.isTrue());
    return true;
  }
  if (expression.kind == Expression::Conditional)
    return evaluate(*expression.operands[result.isTrue() ? 1 : 2], scope, result);
  for (const ExpressionPtr &operand : llvm::drop_begin(expression.operands)) {
    if (result.isTrue() == (expression.kind == Expression::Or))
      break;
    if (!evaluate(*operand, scope, result))
      return false;
  }
  return true;
}

bool Evaluator::evaluateCompare(const Expression &expression, Scope &scope, Value &result) {
  Value left, right;
  if (!evaluate(*expression.operands[0], scope, left))
    return false;
  bool truth = true;
  for (auto [i, operation] : llvm::enumerate(expression.operators)) {
    if (!evaluate(*expression.operands[i + 1], scope, right))
      return false;
    line = expression.line;
    if (!compare(operation, left, right, truth))
      return false;
    if (!truth)
      break;
    left = right;
  }
  result = Value::boolean(truth);
  return true;
}

bool Evaluator::evaluateArguments(const Arguments &arguments, Scope &scope, CallArguments &result) {
  for (const ExpressionPtr &argument : arguments.positional)
    if (!evaluate(*argument, scope, result.positional.emplace_back()))
      return false;
  for (auto &[name, argument] : arguments.named)
    if (!evaluate(*argument, scope, result.named.emplace_back(name, Value()).second))
      return false;
  return true;
}

/// Those that evaluate all their operands and arguments first.
bool Evaluator::evaluateApplied(const Expression &expression, Scope &scope, Value &result) {
  llvm::SmallVector<Value, 4> operands;
  for (const ExpressionPtr &operand : expression.operands)
    if (!evaluate(*operand, scope, operands.emplace_back()))
      return false;
  CallArguments arguments;
  if (!evaluateArguments(expression.arguments, scope, arguments))
    return false;
  line = expression.line;
  switch (expression.kind) {
  case Expression::Attribute:
    return getAttribute(operands[0], expression.text, result);
  case Expression::Subscript:
    return getItem(operands[0], operands[1], result);
  case Expression::Slice:
    return getSlice(operands[0], llvm::ArrayRef(operands).drop_front(), result);
  case Expression::Call:
    return call(operands[0], arguments, result);
  case Expression::Filter:
    return applyFilter(expression.text, operands[0], arguments, result);
  case Expression::Test: {
    bool truth = false;
    if (!applyTest(expression.text, operands[0], arguments, truth))
      return false;
    result = Value::boolean(truth);
    return true;
  }
  case Expression::Negate:
    return negate(operands[0], result);
  case Expression::Plus:
    if (!operands[0].isNumber())
      return failOn(operands[0], "'+'");
    result = operands[0].is(Value::Boolean) ? Value::number(operands[0].getInteger()) : operands[0];
    return true;
  case Expression::Concatenate: {
    std::string text;
    for (const Value &operand : operands)
      if (!appendText(operand, text))
        return false;
    return makeText(std::move(text), result);
  }
  default: // Arithmetic
    return calculate(expression.text, operands[0], operands[1], result);
  }
}

} // namespace halftone::chat::jinja
