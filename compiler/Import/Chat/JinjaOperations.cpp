//===- JinjaOperations.cpp - operators, attributes and items ----------------===//

#include "compiler/Import/Chat/JinjaOperations.h"
#include "compiler/Import/Chat/JinjaText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

namespace halftone::chat::jinja {

using llvm::StringRef;

bool Operations::fail(const llvm::Twine &text) {
  if (message.empty()) {
    message = text.str();
    errorLine = line;
  }
  return false;
}

bool Operations::failRaised(StringRef text) {
  raised = raised || message.empty();
  return fail(text.empty() ? "an exception without a message" : text);
}

bool Operations::failOn(const Value &value, const llvm::Twine &operation) {
  if (value.is(Value::Undefined))
    return fail("'" + value.getText() + "' is undefined");
  return fail(operation + " is not supported for a value of type " + value.getTypeName());
}

bool Operations::makeText(std::string text, Value &result) {
  if (!takeBytes(text.size() + 32))
    return false;
  result = Value::string(heap.keep(std::move(text)));
  return true;
}

bool Operations::makeList(ListObject items, Value &result, Value::Kind kind) {
  if (!takeBytes(items.size() * sizeof(Value) + 64))
    return false;
  ListObject &list = heap.makeList();
  list = std::move(items);
  result = kind == Value::Generator ? Value::generator(list) : Value::list(list, kind);
  return true;
}

bool Operations::appendText(const Value &value, std::string &out) {
  if (ValueWriter(heap, out).write(value))
    return true;
  bool isText = value.is(Value::String) || out.size() >= kLongestText;
  return heap.isSpent() ? fail("it takes too many steps")
         : isText       ? fail("it writes too much")
                        : fail("a value of type " + value.getTypeName() + " cannot be written");
}

bool Operations::toText(const Value &value, Value &result) {
  if (value.is(Value::String)) {
    result = value;
    return true;
  }
  std::string text;
  return appendText(value, text) && makeText(std::move(text), result);
}

bool Operations::iterate(const Value &value, ListObject &items) {
  switch (value.getKind()) {
  case Value::Undefined:
    return true;
  case Value::List:
  case Value::Tuple:
    if (!takeBytes(value.getList().size() * sizeof(Value)))
      return false;
    items = value.getList();
    return true;
  case Value::Generator:
    items = std::exchange(value.getGenerator(), {});
    return true;
  case Value::Dict:
    if (!takeBytes(value.getDict().size() * sizeof(Value)))
      return false;
    for (auto &entry : value.getDict())
      items.push_back(entry.first);
    return true;
  case Value::String: {
    StringRef text = value.getText();
    if (!takeBytes(text.size() * sizeof(Value)))
      return false;
    while (!text.empty()) {
      size_t size = firstPoint(text);
      items.push_back(Value::string(text.take_front(size)));
      text = text.drop_front(size);
    }
    return true;
  }
  default:
    return failOn(value, "iterating");
  }
}

bool Operations::getLength(const Value &value, int64_t &length) {
  switch (value.getKind()) {
  case Value::Undefined:
    length = 0;
    return true;
  case Value::String:
    length = static_cast<int64_t>(countPoints(value.getText()));
    return takeBytes(value.getText().size());
  case Value::List:
  case Value::Tuple:
    length = static_cast<int64_t>(value.getList().size());
    return true;
  case Value::Dict:
    length = static_cast<int64_t>(value.getDict().size());
    return true;
  default:
    return failOn(value, "the length");
  }
}

bool Operations::getWhole(const Value &value, int64_t &number) {
  if (!value.isWhole())
    return fail("expected a whole number, not a value of type " + value.getTypeName());
  number = value.getInteger();
  return true;
}

bool Operations::getString(const Value &value, StringRef &text) {
  if (!value.is(Value::String))
    return fail("expected a string, not a value of type " + value.getTypeName());
  text = value.getText();
  return true;
}

bool Operations::bind(const llvm::Twine &what, const CallArguments &arguments,
                      llvm::ArrayRef<StringRef> names, llvm::MutableArrayRef<std::optional<Value>> values,
                      size_t required) {
  if (arguments.positional.size() > names.size())
    return fail(what + " has more arguments than are supported");
  for (auto [i, value] : llvm::enumerate(arguments.positional))
    values[i] = value;
  for (auto &[name, value] : arguments.named) {
    const StringRef *known = llvm::find(names, name);
    if (known == names.end() || values[static_cast<size_t>(known - names.begin())])
      return fail(what + " has an argument '" + name + "', which is not supported");
    values[static_cast<size_t>(known - names.begin())] = value;
  }
  for (size_t i = 0; i < required; ++i)
    if (!values[i])
      return fail(what + " needs its argument '" + names[i] + "'");
  return true;
}

//===----------------------------------------------------------------------===//
// Attributes and items
//===----------------------------------------------------------------------===//

/// Whether Python's type has a method of that name, supported here or not.
bool Operations::hasMethod(const Value &value, StringRef name) const {
  static constexpr StringRef kText[] = {
      "capitalize", "casefold", "center",       "count",   "encode",     "endswith",     "expandtabs",
      "find",       "format",   "format_map",   "index",   "isalnum",    "isalpha",      "isascii",
      "isdecimal",  "isdigit",  "isidentifier", "islower", "isnumeric",  "isprintable",  "isspace",
      "istitle",    "isupper",  "join",         "ljust",   "lower",      "lstrip",       "maketrans",
      "partition",  "replace",  "rfind",        "rindex",  "rjust",      "removeprefix", "removesuffix",
      "rpartition", "rsplit",   "rstrip",       "split",   "splitlines", "startswith",   "strip",
      "swapcase",   "title",    "translate",    "upper",   "zfill"};
  static constexpr StringRef kDict[] = {"clear", "copy",    "fromkeys",   "get",    "items", "keys",
                                        "pop",   "popitem", "setdefault", "update", "values"};
  static constexpr StringRef kList[] = {"append", "clear", "copy",   "count",   "extend", "index",
                                        "insert", "pop",   "remove", "reverse", "sort"};
  static constexpr StringRef kTuple[] = {"count", "index"};
  static constexpr StringRef kLoop[] = {"cycle", "changed"};
  switch (value.getKind()) {
  case Value::String:
    return llvm::is_contained(kText, name);
  case Value::Dict:
    return llvm::is_contained(kDict, name);
  case Value::List:
    return llvm::is_contained(kList, name);
  case Value::Tuple:
    return llvm::is_contained(kTuple, name);
  case Value::Loop:
    return llvm::is_contained(kLoop, name);
  default:
    return false;
  }
}

bool Operations::getLoopAttribute(LoopObject &loop, StringRef name, Value &result) {
  auto size = static_cast<int64_t>(loop.items->size()), index = static_cast<int64_t>(loop.index);
  if (name == "index" || name == "index0")
    result = Value::number(index + (name == "index"));
  else if (name == "revindex" || name == "revindex0")
    result = Value::number(size - index - (name == "revindex0"));
  else if (name == "first" || name == "last")
    result = Value::boolean(name == "first" ? index == 0 : index == size - 1);
  else if (name == "length")
    result = Value::number(size);
  else if (name == "depth" || name == "depth0")
    result = Value::number(int64_t(name == "depth")); // of recursive loops, which there are none of
  else if (name == "previtem")
    result = index ? (*loop.items)[loop.index - 1] : Value::undefined("there is no previous item");
  else if (name == "nextitem")
    result = index + 1 < size ? (*loop.items)[loop.index + 1] : Value::undefined("there is no next item");
  else
    return false;
  return true;
}

bool Operations::getAttribute(const Value &value, StringRef name, Value &result) {
  if (value.is(Value::Undefined))
    return failOn(value, "");
  if (hasMethod(value, name)) {
    if (!takeBytes(sizeof(CallableObject)))
      return false;
    CallableObject &method = heap.makeCallable();
    method.self = value;
    method.name = name;
    result = Value::callable(method);
    return true;
  }
  result = Value::undefined(name);
  if (value.is(Value::Namespace)) {
    for (auto &[known, attribute] : value.getNamespace().attributes)
      if (known == name)
        result = attribute;
    return takeSteps(value.getNamespace().attributes.size());
  }
  if (value.is(Value::Loop)) {
    getLoopAttribute(value.getLoop(), name, result);
    return true;
  }
  if (value.is(Value::Callable) || value.is(Value::Generator))
    return failOn(value, "the attribute '" + name + "'");
  if (!value.is(Value::Dict))
    return true;
  auto found = findKey(heap, value.getDict(), Value::string(name));
  if (!found)
    return fail("it takes too many steps");
  if (*found)
    result = **found;
  return true;
}

/// The bytes of the code point `index`.
static StringRef pointAt(StringRef text, size_t index) {
  for (; index; --index)
    text = text.drop_front(firstPoint(text));
  return text.take_front(firstPoint(text));
}

bool Operations::getItem(const Value &value, const Value &key, Value &result) {
  if (value.is(Value::Undefined))
    return failOn(value, "");
  if (value.is(Value::Dict)) {
    auto found = findKey(heap, value.getDict(), key);
    if (!found)
      return fail("it takes too many steps");
    if (*found) {
      result = **found;
      return true;
    }
  } else if ((value.isSequence() || value.is(Value::String)) && key.isWhole()) {
    int64_t length = 0, index = key.getInteger();
    if (!getLength(value, length))
      return false;
    index += index < 0 ? length : 0;
    if (index < 0 || index >= length)
      result = Value::undefined("an item that is not there");
    else if (value.isSequence())
      result = value.getList()[static_cast<size_t>(index)];
    else
      result = Value::string(pointAt(value.getText(), static_cast<size_t>(index)));
    return true;
  }
  if (key.is(Value::String))
    return getAttribute(value, key.getText(), result);
  result = Value::undefined("an item that is not there");
  return true;
}

bool Operations::getPath(const Value &value, const Value &path, Value &result) {
  if (path.isWhole())
    return getItem(value, path, result);
  StringRef names;
  if (!getString(path, names))
    return false;
  result = value;
  do {
    auto [name, rest] = names.split('.');
    int64_t index;
    bool isIndex = !name.empty() && llvm::all_of(name, llvm::isDigit) && !name.getAsInteger(10, index);
    Value from = result;
    if (!takeSteps(1) || !getItem(from, isIndex ? Value::number(index) : Value::string(name), result))
      return false;
    names = rest;
  } while (!names.empty());
  return true;
}

bool Operations::getSlice(const Value &value, llvm::ArrayRef<Value> bounds, Value &result) {
  bool isText = value.is(Value::String);
  if (!isText && !value.isSequence())
    return failOn(value, "a slice");
  auto isGiven = [](const Value &bound) { return !bound.is(Value::Undefined) && !bound.is(Value::None); };
  int64_t length, step = 1;
  if (!getLength(value, length) || (isGiven(bounds[2]) && !getWhole(bounds[2], step)))
    return false;
  if (step == 0 || step == INT64_MIN)
    return fail("a slice has a step of 0");
  int64_t least = step < 0 ? -1 : 0, most = step < 0 ? length - 1 : length;
  int64_t ends[2] = {step < 0 ? most : least, step < 0 ? least : most};
  for (unsigned i = 0; i < 2; ++i) {
    if (!isGiven(bounds[i]))
      continue;
    if (!getWhole(bounds[i], ends[i]))
      return false;
    ends[i] = ends[i] < 0 ? std::max(least, ends[i] + length) : std::min(ends[i], most);
  }
  ListObject items, taken;
  if (!iterate(value, items))
    return false;
  for (int64_t i = ends[0]; step < 0 ? i > ends[1] : i < ends[1];) {
    taken.push_back(items[static_cast<size_t>(i)]);
    if (__builtin_add_overflow(i, step, &i))
      break;
  }
  if (!isText)
    return makeList(std::move(taken), result, value.getKind());
  std::string text;
  for (const Value &item : taken)
    text += item.getText();
  return makeText(std::move(text), result);
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

bool Operations::negate(const Value &value, Value &result) {
  if (!value.isNumber())
    return failOn(value, "'-'");
  if (!value.isWhole())
    result = Value::number(-value.getReal());
  else if (value.getInteger() == INT64_MIN)
    return fail("a number is too large");
  else
    result = Value::number(-value.getInteger());
  return true;
}

bool Operations::repeat(const Value &value, int64_t count, Value &result) {
  uint64_t times = static_cast<uint64_t>(std::max<int64_t>(count, 0)), bytes;
  uint64_t size = value.is(Value::String) ? value.getText().size() : value.getList().size() * sizeof(Value);
  if (__builtin_mul_overflow(times, size, &bytes))
    return fail("it takes too much memory");
  if (!takeBytes(bytes))
    return false;
  times = size ? times : 0;
  if (value.is(Value::String)) {
    std::string text;
    for (uint64_t i = 0; i < times; ++i)
      text += value.getText();
    return makeText(std::move(text), result);
  }
  ListObject items;
  for (uint64_t i = 0; i < times; ++i)
    items.insert(items.end(), value.getList().begin(), value.getList().end());
  return makeList(std::move(items), result, value.getKind());
}

bool Operations::multiply(const Value &left, const Value &right, Value &result) {
  bool leftRepeats = left.is(Value::String) || left.isSequence();
  bool rightRepeats = right.is(Value::String) || right.isSequence();
  if (leftRepeats && right.isWhole())
    return repeat(left, right.getInteger(), result);
  if (rightRepeats && left.isWhole())
    return repeat(right, left.getInteger(), result);
  return failOn(left.isNumber() ? right : left, "'*'");
}

bool Operations::divide(StringRef operation, const Value &left, const Value &right, Value &result) {
  if (right.getReal() == 0)
    return fail("a division by zero");
  if (operation == "/") {
    result = Value::number(left.getReal() / right.getReal());
    return true;
  }
  bool isQuotient = operation == "//";
  if (!left.isWhole() || !right.isWhole()) {
    double remainder = std::fmod(left.getReal(), right.getReal());
    if (remainder != 0 && (remainder < 0) != (right.getReal() < 0))
      remainder += right.getReal();
    double quotient = (left.getReal() - remainder) / right.getReal();
    result = Value::number(isQuotient ? std::floor(quotient + 0.5) : remainder);
    return true;
  }
  int64_t x = left.getInteger(), y = right.getInteger();
  if (x == INT64_MIN && y == -1)
    return fail("a number is too large");
  int64_t quotient = x / y, remainder = x % y;
  if (remainder != 0 && (remainder < 0) != (y < 0)) {
    --quotient;
    remainder += y;
  }
  result = Value::number(isQuotient ? quotient : remainder);
  return true;
}

bool Operations::calculate(StringRef operation, const Value &left, const Value &right, Value &result) {
  if (operation == "+" && left.is(Value::String) && right.is(Value::String)) {
    std::string text = left.getText().str();
    return takeBytes(right.getText().size()) && makeText(text += right.getText(), result);
  }
  if (operation == "+" && left.isSequence() && right.getKind() == left.getKind()) {
    ListObject items = left.getList();
    if (!takeBytes((items.size() + right.getList().size()) * sizeof(Value)))
      return false;
    items.insert(items.end(), right.getList().begin(), right.getList().end());
    return makeList(std::move(items), result, left.getKind());
  }
  if (!left.isNumber() || !right.isNumber()) {
    if (operation == "*" && !left.is(Value::Undefined) && !right.is(Value::Undefined))
      return multiply(left, right, result);
    if (left.is(Value::String) && operation == "+" && !right.is(Value::Undefined))
      return fail("a value of type " + right.getTypeName() + " cannot be added to a string");
    return failOn(left.isNumber() || right.is(Value::Undefined) ? right : left, "'" + operation + "'");
  }
  if (operation == "/" || operation == "//" || operation == "%")
    return divide(operation, left, right, result);
  if (operation == "**") {
    double power = std::pow(left.getReal(), right.getReal());
    bool isWhole = left.isWhole() && right.isWhole() && right.getInteger() >= 0;
    if (!std::isfinite(power) || (isWhole && std::fabs(power) > 9007199254740992.0))
      return fail("a number is too large");
    result = isWhole ? Value::number(static_cast<int64_t>(power)) : Value::number(power);
    return true;
  }
  if (!left.isWhole() || !right.isWhole()) {
    double x = left.getReal(), y = right.getReal();
    result = Value::number(operation == "+" ? x + y : operation == "-" ? x - y : x * y);
    return true;
  }
  int64_t x = left.getInteger(), y = right.getInteger(), number = 0;
  if (operation == "+"   ? __builtin_add_overflow(x, y, &number)
      : operation == "-" ? __builtin_sub_overflow(x, y, &number)
                         : __builtin_mul_overflow(x, y, &number))
    return fail("a number is too large");
  result = Value::number(number);
  return true;
}

bool Operations::contains(const Value &container, const Value &item, bool &truth) {
  if (container.is(Value::String)) {
    StringRef text;
    if (item.is(Value::Undefined))
      return failOn(item, "");
    // Naive search may take the product of both sizes.
    if (!getString(item, text) || !takeSteps(container.getText().size() / 16 * (text.size() / 64 + 1)))
      return false;
    truth = container.getText().contains(text);
    return true;
  }
  truth = false;
  if (container.is(Value::Dict)) {
    auto found = findKey(heap, container.getDict(), item);
    if (!found)
      return fail("it takes too many steps");
    truth = *found;
    return true;
  }
  ListObject items;
  if (!iterate(container, items))
    return false;
  for (const Value &known : items) {
    auto equal = areEqual(heap, known, item);
    if (!equal)
      return fail("it takes too many steps");
    if (*equal) {
      truth = true;
      break;
    }
  }
  return true;
}

bool Operations::compare(StringRef operation, const Value &left, const Value &right, bool &truth) {
  if (operation == "in" || operation == "not in") {
    if (!contains(right, left, truth))
      return false;
    truth = truth == (operation == "in");
    return true;
  }
  bool isEquality = operation == "==" || operation == "!=";
  bool swaps = operation == ">" || operation == "<=";
  std::optional<bool> answer = isEquality ? areEqual(heap, left, right)
                               : swaps    ? isLess(heap, right, left)
                                          : isLess(heap, left, right);
  if (!answer && !isEquality && !isSpent()) {
    if (left.is(Value::Undefined) || right.is(Value::Undefined))
      return failOn(left.is(Value::Undefined) ? left : right, "");
    return fail("values of types " + left.getTypeName() + " and " + right.getTypeName() + " have no order");
  }
  if (!answer)
    return fail("it takes too many steps");
  // x >= y as not (x < y), which numbers that are none would tell.
  bool isNegated = operation == "!=" || operation == ">=" || operation == "<=";
  truth = *answer != isNegated;
  return true;
}

} // namespace halftone::chat::jinja
