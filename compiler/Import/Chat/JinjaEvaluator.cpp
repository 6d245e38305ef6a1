//===- JinjaEvaluator.cpp - the statements of a template at work ------------===//

#include "compiler/Import/Chat/JinjaEvaluator.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"

namespace halftone::chat::jinja {

using llvm::StringRef;

Evaluator::Evaluator(Heap &heap) : Operations(heap) {
  for (StringRef name :
       {"range", "dict", "namespace", "raise_exception", "strftime_now", "cycler", "joiner", "lipsum"}) {
    CallableObject &function = heap.makeCallable();
    function.name = name;
    globals.set(name, Value::callable(function));
  }
}

bool Evaluator::render(const Block &block, std::string &out) {
  Scope *scope = makeScope(globals);
  Flow flow = Flow::Next;
  return scope && execute(block, *scope, out, flow);
}

Scope *Evaluator::makeScope(Scope &outer) {
  return takeBytes(sizeof(Scope)) ? &heap.makeScope(&outer) : nullptr;
}

bool Evaluator::execute(const Block &block, Scope &scope, std::string &out, Flow &flow) {
  constexpr unsigned kDeepest = 400;
  auto leave = llvm::scope_exit([&] { --depth; });
  if (++depth > kDeepest)
    return fail("calls and blocks are nested too deep");
  for (const auto &statement : block) {
    line = statement->line;
    if (!takeSteps(1) || !executeOne(*statement, scope, out, flow))
      return false;
    if (flow != Flow::Next)
      break;
  }
  return true;
}

bool Evaluator::executeOne(const Statement &statement, Scope &scope, std::string &out, Flow &flow) {
  Value value;
  if (statement.value && statement.kind != Statement::For && !evaluate(*statement.value, scope, value))
    return false;
  switch (statement.kind) {
  case Statement::Data:
    if (out.size() > kLongestText)
      return fail("it writes too much");
    out += statement.text;
    return takeBytes(statement.text.size());
  case Statement::Output:
    return appendText(value, out);
  case Statement::If:
    return execute(value.isTrue() ? statement.body : statement.otherwise, scope, out, flow);
  case Statement::For:
    return executeFor(statement, scope, out);
  case Statement::Set:
    return assign(statement.target, value, scope);
  case Statement::SetBlock:
    return executeText(statement, scope, value) && assign(statement.target, value, scope);
  case Statement::FilterText:
    return executeText(statement, scope, value) && appendText(value, out);
  case Statement::With: {
    Scope *inner = makeScope(scope);
    if (!inner)
      return false;
    for (auto &[target, initial] : statement.assignments)
      if (!evaluate(*initial, scope, value) || !assign(target, value, *inner))
        return false;
    return execute(statement.body, *inner, out, flow);
  }
  case Statement::Scope: {
    Scope *inner = makeScope(scope);
    return inner && execute(statement.body, *inner, out, flow);
  }
  case Statement::Macro: {
    if (!takeBytes(sizeof(CallableObject)))
      return false;
    CallableObject &macro = heap.makeCallable();
    macro.macro = &statement;
    macro.scope = &scope;
    scope.set(statement.text, Value::callable(macro));
    return true;
  }
  case Statement::Break:
  case Statement::Continue:
    if (loopDepth == 0)
      return fail("it is in no loop");
    flow = statement.kind == Statement::Break ? Flow::Break : Flow::Continue;
    return true;
  }
  return true;
}

bool Evaluator::executeFor(const Statement &statement, Scope &scope, std::string &out) {
  Value iterated;
  ListObject items;
  if (!evaluate(*statement.value, scope, iterated) || !iterate(iterated, items))
    return false;
  if (statement.condition) {
    ListObject kept;
    for (const Value &item : items) {
      Value condition;
      Scope *inner = makeScope(scope);
      if (!inner || !assign(statement.target, item, *inner) ||
          !evaluate(*statement.condition, *inner, condition))
        return false;
      if (condition.isTrue())
        kept.push_back(item);
    }
    items = std::move(kept);
  }
  if (items.empty()) {
    Flow flow = Flow::Next;
    Scope *inner = makeScope(scope);
    return inner && execute(statement.otherwise, *inner, out, flow);
  }
  LoopObject &loop = heap.makeLoop();
  loop.items = &heap.makeList();
  *const_cast<ListObject *>(loop.items) = std::move(items);
  ++loopDepth;
  auto leave = llvm::scope_exit([&] { --loopDepth; });
  for (loop.index = 0; loop.index < loop.items->size(); ++loop.index) {
    Scope *inner = makeScope(scope);
    if (!inner)
      return false;
    inner->set("loop", Value::loop(loop));
    Flow flow = Flow::Next;
    if (!assign(statement.target, (*loop.items)[loop.index], *inner) ||
        !execute(statement.body, *inner, out, flow))
      return false;
    if (flow == Flow::Break)
      break;
  }
  return true;
}

bool Evaluator::executeText(const Statement &statement, Scope &scope, Value &result) {
  std::string text;
  Flow flow = Flow::Next;
  Scope *inner = makeScope(scope);
  if (!inner || !execute(statement.body, *inner, text, flow) || !makeText(std::move(text), result))
    return false;
  for (const ExpressionPtr &filter : statement.filters) {
    CallArguments arguments;
    Value input = result;
    if (!evaluateArguments(filter->arguments, scope, arguments))
      return false;
    line = filter->line;
    if (!applyFilter(filter->text, input, arguments, result))
      return false;
  }
  return true;
}

bool Evaluator::assign(const Target &target, const Value &value, Scope &scope) {
  if (!takeBytes(target.names.size() * 48))
    return false;
  if (!target.attribute.empty()) {
    Value *object = scope.find(target.names.front());
    if (!object || !object->is(Value::Namespace))
      return fail("'" + target.names.front() + "' is no namespace");
    auto &attributes = object->getNamespace().attributes;
    for (auto &[name, old] : attributes)
      if (name == target.attribute) {
        old = value;
        return true;
      }
    attributes.emplace_back(target.attribute, value);
    return takeSteps(attributes.size());
  }
  if (!target.isTuple) {
    scope.set(target.names.front(), value);
    return takeSteps(scope.variables.size() / 8);
  }
  ListObject items;
  if (!iterate(value, items))
    return false;
  if (items.size() != target.names.size())
    return fail("there are " + llvm::Twine(items.size()) + " items for " + llvm::Twine(target.names.size()) +
                " names");
  for (auto [name, item] : llvm::zip_equal(target.names, items))
    scope.set(name, item);
  return true;
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

bool Evaluator::call(const Value &callee, const CallArguments &arguments, Value &result) {
  if (!callee.is(Value::Callable))
    return failOn(callee, "a call");
  const CallableObject &callable = callee.getCallable();
  if (callable.macro)
    return callMacro(callable, arguments, result);
  return callable.self.is(Value::Undefined) ? callGlobal(callable.name, arguments, result)
                                            : callMethod(callable, arguments, result);
}

bool Evaluator::callMacro(const CallableObject &macro, const CallArguments &arguments, Value &result) {
  const auto &parameters = macro.macro->parameters;
  llvm::SmallVector<StringRef> names;
  for (auto &parameter : parameters)
    names.push_back(parameter.first);
  std::vector<std::optional<Value>> values(names.size());
  Scope *scope = makeScope(*macro.scope);
  if (!scope || !bind("the macro '" + macro.macro->text + "'", arguments, names, values))
    return false;
  for (auto [i, parameter] : llvm::enumerate(parameters)) {
    Value value = values[i].value_or(Value::undefined(parameter.first));
    if (!values[i] && parameter.second && !evaluate(*parameter.second, *scope, value))
      return false;
    scope->set(parameter.first, value);
  }
  // A loop around the call is none of the macro's.
  int64_t outerLoops = std::exchange(loopDepth, 0);
  std::string text;
  Flow flow = Flow::Next;
  bool executed = execute(macro.macro->body, *scope, text, flow);
  loopDepth = outerLoops;
  return executed && makeText(std::move(text), result);
}

bool Evaluator::makeDict(const CallArguments &arguments, DictObject &items) {
  if (arguments.positional.size() > 1)
    return fail("one argument at most may have no name");
  if (arguments.positional.size() == 1) {
    if (!arguments.positional.front().is(Value::Dict))
      return failOn(arguments.positional.front(), "a copy as dict");
    items = arguments.positional.front().getDict();
    if (!takeBytes(items.size() * sizeof(items[0])))
      return false;
  }
  for (auto &[name, value] : arguments.named) {
    auto known = llvm::find_if(
        items, [&](auto &item) { return item.first.is(Value::String) && item.first.getText() == name; });
    if (!takeSteps(items.size()))
      return false;
    if (known == items.end())
      items.emplace_back(Value::string(name), value);
    else
      known->second = value;
  }
  return true;
}

bool Evaluator::makeRange(const CallArguments &arguments, Value &result) {
  const auto &given = arguments.positional;
  if (given.empty() || given.size() > 3 || !arguments.named.empty())
    return fail("range has one to three numbers");
  int64_t bounds[3] = {0, 0, 1};
  for (size_t i = 0; i < given.size(); ++i)
    if (!getWhole(given[i], bounds[given.size() == 1 ? 1 : i]))
      return false;
  auto [begin, end, step] = bounds;
  if (step == 0)
    return fail("range has a step of 0");
  // As the sandbox that templates are rendered in has it.
  constexpr int64_t kMost = 100000;
  ListObject items;
  for (int64_t at = begin; step < 0 ? at > end : at < end;) {
    if (items.size() >= kMost)
      return fail("a range has more than 100000 numbers");
    items.push_back(Value::number(at));
    if (__builtin_add_overflow(at, step, &at))
      break;
  }
  return makeList(std::move(items), result);
}

bool Evaluator::callGlobal(StringRef name, const CallArguments &arguments, Value &result) {
  std::optional<Value> values[1];
  StringRef text;
  if (name == "range")
    return makeRange(arguments, result);
  if (name == "dict" || name == "namespace") {
    DictObject items;
    if (!takeBytes(64) || !makeDict(arguments, items))
      return false;
    if (name == "dict") {
      DictObject &dict = heap.makeDict();
      dict = std::move(items);
      result = Value::dict(dict);
      return true;
    }
    NamespaceObject &object = heap.makeNamespace();
    for (auto &[key, value] : items)
      if (!getString(key, text))
        return false;
      else
        object.attributes.emplace_back(text, value);
    result = Value::name(object);
    return true;
  }
  if (name == "raise_exception") {
    Value message;
    return bind(name, arguments, {"message"}, values, 1) && toText(*values[0], message) &&
           failRaised(message.getText());
  }
  if (name == "strftime_now")
    return bind(name, arguments, {"format"}, values, 1) && getString(*values[0], text) &&
           makeText(kDateMark + text.str() + kDateMark, result);
  return fail("the function '" + name + "' is not supported");
}

} // namespace halftone::chat::jinja
