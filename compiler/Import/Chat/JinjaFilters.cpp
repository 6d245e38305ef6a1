//===- JinjaFilters.cpp - value | filter ------------------------------------===//

#include "compiler/Import/Chat/JinjaOperations.h"
#include "compiler/Import/Chat/JinjaText.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace halftone::chat::jinja {

using llvm::StringRef;

/// "yes" in the form "argument or a default".
static bool isTrue(const std::optional<Value> &value, bool fallback = false) {
  return value ? value->isTrue() : fallback;
}

bool Operations::applyFilter(StringRef name, const Value &value, const CallArguments &arguments,
                             Value &result) {
  bool known = true;
  if (!takeSteps(1) || !filterText(name, value, arguments, result, known))
    return false;
  if (known)
    return true;
  known = true;
  if (!filterList(name, value, arguments, result, known))
    return false;
  return known || fail("the filter '" + name + "' is not supported");
}

/// Filters of one value.
bool Operations::filterText(StringRef name, const Value &value, const CallArguments &arguments, Value &result,
                            bool &known) {
  std::optional<Value> values[3];
  if (name == "default" || name == "d") {
    if (!bind(name, arguments, {"default_value", "boolean"}, values))
      return false;
    bool replaces = value.is(Value::Undefined) || (isTrue(values[1]) && !value.isTrue());
    result = !replaces ? value : values[0] ? *values[0] : Value::string("");
    return true;
  }
  if (name == "tojson")
    return toJson(value, arguments, result);
  if (name == "int")
    return toInteger(value, arguments, result);
  if (name == "float")
    return toReal(value, arguments, result);
  if (name == "abs") {
    if (!value.isNumber())
      return failOn(value, "'abs'");
    if (value.getReal() < 0)
      return negate(value, result);
    result = value.is(Value::Boolean) ? Value::number(value.getInteger()) : value;
    return true;
  }
  static constexpr StringRef kOfText[] = {"trim",       "upper",   "lower",  "title",
                                          "capitalize", "replace", "string", "indent"};
  if (!llvm::is_contained(kOfText, name)) {
    known = false;
    return true;
  }
  Value input;
  if (!toText(value, input))
    return false;
  StringRef text = input.getText();
  if (name == "trim") {
    StringRef set;
    if (!bind(name, arguments, {"chars"}, values) ||
        (values[0] && !values[0]->is(Value::None) && !getString(*values[0], set)))
      return false;
    bool isGiven = values[0] && !values[0]->is(Value::None);
    result = Value::string(strip(text, isGiven ? std::optional(set) : std::nullopt));
    return takeBytes(text.size());
  }
  if (name == "replace")
    return replaceText(text, arguments, result);
  if (name == "indent")
    return indent(text, arguments, result);
  result = input;
  return bind(name, arguments, {}, values) && (name == "string" || changeCase(text, name, result));
}

bool Operations::filterList(StringRef name, const Value &value, const CallArguments &arguments, Value &result,
                            bool &known) {
  std::optional<Value> values[3];
  if (name == "length" || name == "count") {
    int64_t length;
    if (!bind(name, arguments, {}, values) || !getLength(value, length))
      return false;
    result = Value::number(length);
    return true;
  }
  if (name == "map")
    return mapItems(value, arguments, result);
  if (name == "select" || name == "reject" || name == "selectattr" || name == "rejectattr")
    return selectItems(name, value, arguments, result);
  if (name == "join")
    return joinItems(value, arguments, result);
  if (name == "sort")
    return sortItems(value, arguments, result);
  if (name == "dictsort")
    return sortDict(value, arguments, result);
  if (name == "unique")
    return uniqueItems(value, arguments, result);
  if (name == "sum")
    return sumItems(value, arguments, result);
  if (name == "min" || name == "max")
    return extremeItem(name == "max", value, arguments, result);
  if (name == "items") {
    if (value.is(Value::Undefined))
      return makeList({}, result, Value::Generator);
    if (!value.is(Value::Dict))
      return failOn(value, "'items'");
    return bind(name, arguments, {}, values) && callDictMethod(value.getDict(), "items", {}, result) &&
           makeList(result.getList(), result, Value::Generator);
  }
  ListObject items;
  if (name == "list")
    return bind(name, arguments, {}, values) && iterate(value, items) && makeList(std::move(items), result);
  if (name == "first" || name == "last") {
    if (!bind(name, arguments, {}, values) || !iterate(value, items))
      return false;
    result = items.empty()     ? Value::undefined("an item of an empty list")
             : name == "first" ? items.front()
                               : items.back();
    return true;
  }
  if (name == "reverse") {
    if (!bind(name, arguments, {}, values) || !iterate(value, items))
      return false;
    std::reverse(items.begin(), items.end());
    if (!value.is(Value::String))
      return makeList(std::move(items), result, Value::Generator);
    std::string text;
    for (const Value &item : items)
      text += item.getText();
    return makeText(std::move(text), result);
  }
  known = false;
  return true;
}

bool Operations::mapItems(const Value &value, const CallArguments &arguments, Value &result) {
  ListObject items;
  if (value.isTrue() && !iterate(value, items))
    return false;
  CallArguments inner = arguments;
  StringRef filter;
  std::optional<Value> values[2];
  bool byAttribute = arguments.positional.empty();
  if (byAttribute) {
    if (!bind("map", arguments, {"attribute", "default"}, values, 1))
      return false;
  } else {
    if (!getString(arguments.positional.front(), filter))
      return false;
    inner.positional.erase(inner.positional.begin());
  }
  for (Value &item : items) {
    Value from = item;
    if (!takeSteps(1) ||
        !(byAttribute ? getPath(from, *values[0], item) : applyFilter(filter, from, inner, item)))
      return false;
    if (byAttribute && item.is(Value::Undefined) && values[1])
      item = *values[1];
  }
  return makeList(std::move(items), result, Value::Generator);
}

bool Operations::selectItems(StringRef name, const Value &value, const CallArguments &arguments,
                             Value &result) {
  bool byAttribute = name.ends_with("attr"), keeps = name.starts_with("select");
  ListObject items, kept;
  if (value.isTrue() && !iterate(value, items))
    return false;
  CallArguments inner = arguments;
  Value path;
  if (byAttribute) {
    if (inner.positional.empty())
      return fail(name + " needs the name of an attribute");
    path = inner.positional.front();
    inner.positional.erase(inner.positional.begin());
  }
  StringRef test;
  if (!inner.positional.empty()) {
    if (!getString(inner.positional.front(), test))
      return false;
    inner.positional.erase(inner.positional.begin());
  }
  for (const Value &item : items) {
    Value tested = item;
    bool truth = false;
    if (!takeSteps(1) || (byAttribute && !getPath(item, path, tested)))
      return false;
    if (test.empty())
      truth = tested.isTrue();
    else if (!applyTest(test, tested, inner, truth))
      return false;
    if (truth == keeps)
      kept.push_back(item);
  }
  return makeList(std::move(kept), result, Value::Generator);
}

bool Operations::joinItems(const Value &value, const CallArguments &arguments, Value &result) {
  std::optional<Value> values[2];
  ListObject items;
  std::string text, separator;
  if (!bind("join", arguments, {"d", "attribute"}, values) || !iterate(value, items) ||
      (values[0] && !appendText(*values[0], separator)))
    return false;
  for (auto [i, item] : llvm::enumerate(items)) {
    Value part = item;
    if (values[1] && !values[1]->is(Value::None) && !getPath(item, *values[1], part))
      return false;
    if (!takeBytes(separator.size()))
      return false;
    text += i ? separator : "";
    if (!appendText(part, text))
      return false;
  }
  return makeText(std::move(text), result);
}

/// What an item is compared by.
bool Operations::sortKey(const Value &item, const std::optional<Value> &path, bool caseSensitive,
                         Value &result) {
  result = item;
  if (path && !path->is(Value::None) && !getPath(item, *path, result))
    return false;
  return caseSensitive || !result.is(Value::String) || changeCase(result.getText(), "lower", result);
}

bool Operations::sortByKeys(ListObject &items, llvm::ArrayRef<Value> keys, bool reverse) {
  std::vector<size_t> order(items.size());
  for (auto [i, place] : llvm::enumerate(order))
    place = i;
  // Insertion keeps the order of equal items, and stops where there is none.
  for (size_t i = 1; i < order.size(); ++i)
    for (size_t j = i; j; --j) {
      bool swaps;
      size_t left = order[j - 1], right = order[j];
      if (!compare("<", reverse ? keys[left] : keys[right], reverse ? keys[right] : keys[left], swaps))
        return false;
      if (!swaps)
        break;
      std::swap(order[j - 1], order[j]);
    }
  ListObject sorted;
  for (size_t place : order)
    sorted.push_back(items[place]);
  items = std::move(sorted);
  return true;
}

bool Operations::sortItems(const Value &value, const CallArguments &arguments, Value &result) {
  std::optional<Value> values[3];
  ListObject items, keys;
  if (!bind("sort", arguments, {"reverse", "case_sensitive", "attribute"}, values) || !iterate(value, items))
    return false;
  for (const Value &item : items)
    if (!sortKey(item, values[2], isTrue(values[1]), keys.emplace_back()))
      return false;
  return sortByKeys(items, keys, isTrue(values[0])) && makeList(std::move(items), result);
}

bool Operations::sortDict(const Value &value, const CallArguments &arguments, Value &result) {
  std::optional<Value> values[3];
  if (!value.is(Value::Dict))
    return failOn(value, "'dictsort'");
  if (!bind("dictsort", arguments, {"case_sensitive", "by", "reverse"}, values) ||
      !callDictMethod(value.getDict(), "items", {}, result))
    return false;
  bool byValue = values[1] && values[1]->is(Value::String) && values[1]->getText() == "value";
  ListObject items = result.getList(), keys;
  for (const Value &item : items)
    if (!sortKey(item.getList()[byValue], std::nullopt, isTrue(values[0]), keys.emplace_back()))
      return false;
  return sortByKeys(items, keys, isTrue(values[2])) && makeList(std::move(items), result);
}

bool Operations::uniqueItems(const Value &value, const CallArguments &arguments, Value &result) {
  std::optional<Value> values[2];
  ListObject items, keys, kept;
  if (!bind("unique", arguments, {"case_sensitive", "attribute"}, values) || !iterate(value, items))
    return false;
  for (const Value &item : items) {
    Value key, known;
    bool isKnown;
    if (!sortKey(item, values[1], isTrue(values[0]), key) || !contains(Value::list(keys), key, isKnown))
      return false;
    if (isKnown)
      continue;
    keys.push_back(key);
    kept.push_back(item);
  }
  return makeList(std::move(kept), result, Value::Generator);
}

bool Operations::sumItems(const Value &value, const CallArguments &arguments, Value &result) {
  std::optional<Value> values[2];
  ListObject items;
  if (!bind("sum", arguments, {"attribute", "start"}, values) || !iterate(value, items))
    return false;
  result = values[1].value_or(Value::number(int64_t(0)));
  for (const Value &item : items) {
    Value part = item, sum = result;
    if (values[0] && !values[0]->is(Value::None) && !getPath(item, *values[0], part))
      return false;
    if (!takeSteps(1) || !calculate("+", sum, part, result))
      return false;
  }
  return true;
}

bool Operations::extremeItem(bool largest, const Value &value, const CallArguments &arguments,
                             Value &result) {
  std::optional<Value> values[2];
  ListObject items;
  if (!bind(largest ? "max" : "min", arguments, {"case_sensitive", "attribute"}, values) ||
      !iterate(value, items))
    return false;
  result = Value::undefined("an item of an empty list");
  Value best;
  for (auto [i, item] : llvm::enumerate(items)) {
    Value key;
    bool isBetter = true;
    if (!sortKey(item, values[1], isTrue(values[0]), key) ||
        (i && !compare(largest ? ">" : "<", key, best, isBetter)))
      return false;
    if (isBetter) {
      best = key;
      result = item;
    }
  }
  return true;
}

bool Operations::toJson(const Value &value, const CallArguments &arguments, Value &result) {
  std::optional<Value> values[4];
  if (!bind("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}, values))
    return false;
  ValueWriter::Json style;
  style.asciiOnly = isTrue(values[0]);
  style.sortKeys = isTrue(values[3]);
  if (values[1] && !values[1]->is(Value::None)) {
    if (!getWhole(*values[1], style.indent))
      return false;
    style.indent = std::max<int64_t>(style.indent, 0);
    style.itemSeparator = ",";
  }
  if (values[2] && !values[2]->is(Value::None)) {
    StringRef separators[2];
    if (!values[2]->isSequence() || values[2]->getList().size() != 2)
      return fail("tojson needs two separators");
    for (unsigned i = 0; i < 2; ++i)
      if (!getString(values[2]->getList()[i], separators[i]))
        return false;
    style.itemSeparator = separators[0].take_front(100);
    style.keySeparator = separators[1].take_front(100);
  }
  std::string text;
  if (ValueWriter(heap, text).writeJson(value, style))
    return makeText(std::move(text), result);
  if (text.size() >= kLongestText)
    return fail("it writes too much");
  return isSpent() ? fail("it takes too many steps") : failOn(value, "'tojson'");
}

bool Operations::toInteger(const Value &value, const CallArguments &arguments, Value &result) {
  std::optional<Value> values[1];
  if (!bind("int", arguments, {"default"}, values))
    return false;
  result = values[0].value_or(Value::number(int64_t(0)));
  int64_t number;
  double real;
  if (value.isWhole())
    result = Value::number(value.getInteger());
  else if (value.is(Value::String)) {
    StringRef text = strip(value.getText());
    text.consume_front("+");
    if (!text.getAsInteger(10, number))
      result = Value::number(number);
    else if (!text.getAsDouble(real) && std::fabs(real) < 9e18)
      result = Value::number(static_cast<int64_t>(real));
  } else if (value.is(Value::Float) && std::fabs(value.getReal()) < 9e18)
    result = Value::number(static_cast<int64_t>(value.getReal()));
  else if (value.is(Value::Undefined))
    return failOn(value, "");
  return true;
}

bool Operations::toReal(const Value &value, const CallArguments &arguments, Value &result) {
  std::optional<Value> values[1];
  if (!bind("float", arguments, {"default"}, values))
    return false;
  result = values[0].value_or(Value::number(0.0));
  double real;
  if (value.isNumber())
    result = Value::number(value.getReal());
  else if (value.is(Value::String) && !strip(value.getText()).getAsDouble(real))
    result = Value::number(real);
  else if (value.is(Value::Undefined))
    return failOn(value, "");
  return true;
}

bool Operations::indent(StringRef text, const CallArguments &arguments, Value &result) {
  std::optional<Value> values[3];
  if (!bind("indent", arguments, {"width", "first", "blank"}, values))
    return false;
  std::string margin;
  int64_t width = 4;
  if (values[0] && values[0]->is(Value::String))
    margin = values[0]->getText();
  else if (values[0] && !getWhole(*values[0], width))
    return false;
  else if (width > 1000)
    return fail("the indentation is too wide");
  else
    margin.assign(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
  std::string indented;
  bool isFirst = true;
  do {
    auto [line, rest] = text.split('\n');
    bool isLast = line.size() == text.size();
    bool takes = isFirst ? isTrue(values[1]) : !line.empty() || isTrue(values[2]);
    if (takes && !takeBytes(margin.size()))
      return false;
    indented += isFirst ? "" : "\n";
    indented += takes ? margin : "";
    indented += line;
    isFirst = false;
    if (isLast)
      break;
    text = rest;
  } while (true);
  return makeText(std::move(indented), result);
}

} // namespace halftone::chat::jinja
