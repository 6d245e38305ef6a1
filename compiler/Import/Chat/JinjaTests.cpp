//===- JinjaTests.cpp - value is test ---------------------------------------===//

#include "compiler/Import/Chat/JinjaOperations.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

namespace halftone::chat::jinja {

using llvm::StringRef;

bool Operations::applyTest(StringRef name, const Value &value, const CallArguments &arguments, bool &truth) {
  if (!takeSteps(1))
    return false;
  bool isText = value.is(Value::String), isUndefined = value.is(Value::Undefined);
  bool isSequence = isText || value.isSequence() || value.is(Value::Dict) || isUndefined;
  auto answer = llvm::StringSwitch<std::optional<bool>>(name)
                    .Case("defined", !isUndefined)
                    .Case("undefined", isUndefined)
                    .Case("none", value.is(Value::None))
                    .Case("string", isText)
                    .Case("mapping", value.is(Value::Dict))
                    .Case("iterable", isSequence || value.is(Value::Generator) || value.is(Value::Loop))
                    .Case("sequence", isSequence)
                    .Case("boolean", value.is(Value::Boolean))
                    .Case("true", value.is(Value::Boolean) && value.getInteger())
                    .Case("false", value.is(Value::Boolean) && !value.getInteger())
                    .Case("integer", value.is(Value::Integer))
                    .Case("float", value.is(Value::Float))
                    .Case("number", value.isNumber())
                    .Case("callable", value.is(Value::Callable))
                    .Default(std::nullopt);
  std::optional<Value> other[1];
  if (answer) {
    truth = *answer;
    return bind(name, arguments, {}, other);
  }
  if (name == "odd" || name == "even") {
    if (!value.isWhole())
      return failOn(value, "'" + name + "'");
    truth = (value.getInteger() % 2 != 0) == (name == "odd");
    return bind(name, arguments, {}, other);
  }
  if (name == "upper" || name == "lower") {
    Value text;
    return bind(name, arguments, {}, other) && toText(value, text) &&
           testCase(text.getText(), name == "upper" ? "isupper" : "islower", truth);
  }
  StringRef operation = llvm::StringSwitch<StringRef>(name)
                            .Cases({"eq", "equalto"}, "==")
                            .Case("ne", "!=")
                            .Cases({"lt", "lessthan"}, "<")
                            .Case("le", "<=")
                            .Cases({"gt", "greaterthan"}, ">")
                            .Case("ge", ">=")
                            .Case("in", "in")
                            .Case("sameas", "sameas")
                            .Case("divisibleby", "%")
                            .Default("");
  if (operation.empty())
    return fail("the test '" + name + "' is not supported");
  if (!bind(name, arguments, {"other"}, other, 1))
    return false;
  if (operation == "%") {
    Value rest;
    if (!value.isNumber() || !other[0]->isNumber())
      return failOn(value.isNumber() ? *other[0] : value, "'divisibleby'");
    if (!calculate("%", value, *other[0], rest))
      return false;
    truth = !rest.isTrue();
    return true;
  }
  if (operation == "sameas") { // Of what has but one instance.
    if (!value.is(Value::Boolean) && !value.is(Value::None) && !other[0]->is(Value::Boolean) &&
        !other[0]->is(Value::None))
      return fail("the test 'sameas' is supported for none, true and false only");
    return value.getKind() == other[0]->getKind() ? compare("==", value, *other[0], truth) : !(truth = false);
  }
  return compare(operation, value, *other[0], truth);
}

} // namespace halftone::chat::jinja
