//===- JinjaMethods.cpp - value.method(…) -----------------------------------===//

#include "compiler/Import/Chat/JinjaOperations.h"
#include "compiler/Import/Chat/JinjaText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

namespace halftone::chat::jinja {

using llvm::StringRef;

bool Operations::callMethod(const CallableObject &method, const CallArguments &arguments, Value &result) {
  const Value &self = method.self;
  switch (self.getKind()) {
  case Value::String:
    return takeBytes(self.getText().size()) && callTextMethod(self.getText(), method.name, arguments, result);
  case Value::Dict:
    return callDictMethod(self.getDict(), method.name, arguments, result);
  case Value::List:
  case Value::Tuple:
    return callListMethod(self.getList(), method.name, arguments, result);
  case Value::Loop:
    return callLoopMethod(self.getLoop(), method.name, arguments, result);
  default:
    return fail("the method '" + method.name + "' is not supported");
  }
}

bool Operations::callDictMethod(const DictObject &dict, StringRef name, const CallArguments &arguments,
                                Value &result) {
  std::optional<Value> values[2];
  if (name == "get") {
    if (!bind("get", arguments, {"key", "default"}, values, 1))
      return false;
    auto found = findKey(heap, dict, *values[0]);
    if (!found)
      return fail("it takes too many steps");
    result = *found ? **found : values[1].value_or(Value::none());
    return true;
  }
  if (name != "items" && name != "keys" && name != "values")
    return fail("the method '" + name + "' of dict is not supported");
  if (!bind(name, arguments, {}, values))
    return false;
  ListObject items;
  for (auto &[key, value] : dict) {
    Value &item = items.emplace_back(name == "keys" ? key : value);
    if (!takeSteps(1) || (name == "items" && !makeList({key, value}, item, Value::Tuple)))
      return false;
  }
  return makeList(std::move(items), result);
}

bool Operations::callListMethod(const ListObject &list, StringRef name, const CallArguments &arguments,
                                Value &result) {
  std::optional<Value> values[1];
  if (name != "index" && name != "count")
    return fail("the method '" + name + "' of list is not supported");
  if (!bind(name, arguments, {"value"}, values, 1))
    return false;
  int64_t count = 0;
  for (auto [i, item] : llvm::enumerate(list)) {
    bool equal;
    if (!compare("==", item, *values[0], equal))
      return false;
    if (equal && name == "index") {
      result = Value::number(static_cast<int64_t>(i));
      return true;
    }
    count += equal;
  }
  result = Value::number(count);
  return name == "count" || fail("a list has no such item");
}

bool Operations::callLoopMethod(LoopObject &loop, StringRef name, const CallArguments &arguments,
                                Value &result) {
  if (!arguments.named.empty())
    return fail("loop." + name + " has no arguments with names");
  const auto &given = arguments.positional;
  if (name == "cycle") {
    if (given.empty())
      return fail("loop.cycle needs items");
    result = given[loop.index % given.size()];
    return true;
  }
  ListObject now(given.begin(), given.end());
  bool changed = !loop.changed || loop.changed->size() != now.size();
  for (size_t i = 0; !changed && i < now.size(); ++i)
    if (!compare("!=", (*loop.changed)[i], now[i], changed))
      return false;
  loop.changed = std::move(now);
  result = Value::boolean(changed);
  return true;
}

//===----------------------------------------------------------------------===//
// Strings
//===----------------------------------------------------------------------===//

/// The letters of ASCII alone: a table of all others has no use in chat templates.
bool Operations::changeCase(StringRef text, StringRef how, Value &result) {
  if (!llvm::isASCII(text))
    return fail("'" + how + "' is not supported beyond ASCII");
  std::string changed;
  bool inWord = false;
  for (char letter : text) {
    bool upper = how == "upper" || (!inWord && (how == "title" || (how == "capitalize" && changed.empty())));
    changed += upper ? llvm::toUpper(letter) : llvm::toLower(letter);
    inWord = llvm::isAlpha(letter);
  }
  return makeText(std::move(changed), result);
}

bool Operations::testCase(StringRef text, StringRef name, bool &truth) {
  if (!llvm::isASCII(text))
    return fail("'" + name + "' is not supported beyond ASCII");
  bool isUpper = name == "isupper";
  auto isOf = [](char first) { return [first](char c) { return c >= first && c < first + 26; }; };
  if (isUpper || name == "islower")
    truth = llvm::any_of(text, isOf(isUpper ? 'A' : 'a')) && llvm::none_of(text, isOf(isUpper ? 'a' : 'A'));
  else if (name == "isspace")
    truth = !text.empty() && strip(text).empty();
  else
    truth = !text.empty() && llvm::all_of(text, [&](char c) {
      return name == "isalpha" ? llvm::isAlpha(c) : name == "isalnum" ? llvm::isAlnum(c) : llvm::isDigit(c);
    });
  return true;
}

bool Operations::replaceText(StringRef text, const CallArguments &arguments, Value &result) {
  std::optional<Value> values[3];
  StringRef old, fresh;
  int64_t count = -1;
  if (!bind("replace", arguments, {"old", "new", "count"}, values, 2) || !getString(*values[0], old) ||
      !getString(*values[1], fresh) ||
      (values[2] && !values[2]->is(Value::None) && !getWhole(*values[2], count)))
    return false;
  std::string replaced;
  for (; count != 0; --count) {
    // What is empty is found before every code point, and at the end.
    size_t at = old.empty() ? 0 : text.find(old);
    if (at == StringRef::npos || !takeBytes(fresh.size() + at))
      break;
    replaced += text.take_front(at);
    replaced += fresh;
    text = text.drop_front(at + old.size());
    if (old.empty()) {
      if (text.empty())
        break;
      size_t point = firstPoint(text);
      replaced += text.take_front(point);
      text = text.drop_front(point);
    }
  }
  replaced += text;
  return !isSpent() && makeText(std::move(replaced), result);
}

bool Operations::splitText(StringRef text, const CallArguments &arguments, bool fromEnd, Value &result) {
  std::optional<Value> values[2];
  int64_t most = -1;
  if (!bind(fromEnd ? "rsplit" : "split", arguments, {"sep", "maxsplit"}, values) ||
      (values[1] && !getWhole(*values[1], most)))
    return false;
  std::vector<StringRef> parts;
  if (values[0] && !values[0]->is(Value::None)) {
    StringRef separator;
    if (!getString(*values[0], separator))
      return false;
    if (separator.empty())
      return fail("a separator is empty");
    for (; most != 0; --most) {
      size_t at = fromEnd ? text.rfind(separator) : text.find(separator);
      if (at == StringRef::npos)
        break;
      parts.push_back(fromEnd ? text.drop_front(at + separator.size()) : text.take_front(at));
      text = fromEnd ? text.take_front(at) : text.drop_front(at + separator.size());
    }
    parts.push_back(text);
  } else
    while (true) { // At white space, of which there is none in the parts.
      text = fromEnd ? stripRight(text) : stripLeft(text);
      if (text.empty())
        break;
      size_t end = 0;
      if (most-- == 0) {
        parts.push_back(fromEnd ? stripLeft(text) : text);
        break;
      }
      if (fromEnd && most >= 0)
        return fail("'rsplit' at white space is not supported with 'maxsplit'");
      while (end < text.size() && stripLeft(text.drop_front(end)).size() == text.size() - end)
        end += firstPoint(text.drop_front(end));
      parts.push_back(text.take_front(end));
      text = text.drop_front(end);
    }
  if (fromEnd && values[0] && !values[0]->is(Value::None))
    std::reverse(parts.begin(), parts.end());
  ListObject items;
  for (StringRef part : parts)
    items.push_back(Value::string(part));
  return makeList(std::move(items), result);
}

/// find, index and their like, count.
bool Operations::findText(StringRef text, StringRef name, const CallArguments &arguments, Value &result) {
  std::optional<Value> values[1];
  StringRef sought;
  if (!bind(name, arguments, {"sub"}, values, 1) || !getString(*values[0], sought) ||
      !takeSteps(text.size() / 16 * (sought.size() / 64 + 1)))
    return false;
  if (name == "count") {
    size_t count = sought.empty() ? countPoints(text) + 1 : text.count(sought);
    result = Value::number(static_cast<int64_t>(count));
    return true;
  }
  size_t at = name.starts_with("r") ? text.rfind(sought) : text.find(sought);
  if (at == StringRef::npos && name.ends_with("index"))
    return fail("a string has no such part");
  result = Value::number(at == StringRef::npos ? int64_t(-1)
                                               : static_cast<int64_t>(countPoints(text.take_front(at))));
  return true;
}

/// "{}", "{0}" and "{name}", without further formatting.
bool Operations::formatText(StringRef text, const CallArguments &arguments, Value &result) {
  std::string formatted;
  for (size_t next = 0; !text.empty();) {
    size_t at = std::min(text.find_first_of("{}"), text.size());
    formatted += text.take_front(at);
    text = text.drop_front(at);
    if (text.consume_front("{{") || text.consume_front("}}")) {
      formatted += text.data()[-1];
      continue;
    }
    if (text.empty())
      break;
    auto [field, rest] = text.drop_front().split('}');
    const Value *value = nullptr;
    size_t index = next;
    if (field.empty() || (llvm::isDigit(field.front()) && !field.getAsInteger(10, index))) {
      next += field.empty();
      value = index < arguments.positional.size() ? &arguments.positional[index] : nullptr;
    } else
      for (auto &[name, given] : arguments.named)
        value = name == field ? &given : value;
    if (!value)
      return fail("the format has a part '{" + field + "}', which is not supported or not given");
    if (!appendText(*value, formatted))
      return false;
    text = rest;
  }
  return makeText(std::move(formatted), result);
}

bool Operations::callTextMethod(StringRef text, StringRef name, const CallArguments &arguments,
                                Value &result) {
  std::optional<Value> values[2];
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    StringRef set;
    if (!bind(name, arguments, {"chars"}, values))
      return false;
    bool isGiven = values[0] && !values[0]->is(Value::None);
    if (isGiven && !getString(*values[0], set))
      return false;
    if (!takeSteps(text.size() / 16 * (set.size() / 64 + 1)))
      return false;
    auto chars = isGiven ? std::optional(set) : std::nullopt;
    result = Value::string(name == "strip"    ? strip(text, chars)
                           : name == "lstrip" ? stripLeft(text, chars)
                                              : stripRight(text, chars));
    return true;
  }
  if (name == "split" || name == "rsplit")
    return splitText(text, arguments, name == "rsplit", result);
  if (name == "replace")
    return replaceText(text, arguments, result);
  if (name == "format")
    return formatText(text, arguments, result);
  if (name == "find" || name == "rfind" || name == "index" || name == "rindex" || name == "count")
    return findText(text, name, arguments, result);
  if (name == "upper" || name == "lower" || name == "title" || name == "capitalize")
    return bind(name, arguments, {}, values) && changeCase(text, name, result);
  if (name == "isupper" || name == "islower" || name == "isspace" || name == "isalpha" || name == "isalnum" ||
      name == "isdigit") {
    bool truth;
    if (!bind(name, arguments, {}, values) || !testCase(text, name, truth))
      return false;
    result = Value::boolean(truth);
    return true;
  }
  if (name == "startswith" || name == "endswith") {
    if (!bind(name, arguments, {"prefix"}, values, 1))
      return false;
    bool isPrefix = name == "startswith", truth = false;
    for (const Value &part : values[0]->is(Value::Tuple) ? values[0]->getList() : ListObject{*values[0]}) {
      StringRef affix;
      if (!getString(part, affix))
        return false;
      truth = truth || (isPrefix ? text.starts_with(affix) : text.ends_with(affix));
    }
    result = Value::boolean(truth);
    return true;
  }
  if (name == "removeprefix" || name == "removesuffix") {
    StringRef affix;
    if (!bind(name, arguments, {"affix"}, values, 1) || !getString(*values[0], affix))
      return false;
    name == "removeprefix" ? text.consume_front(affix) : text.consume_back(affix);
    result = Value::string(text);
    return true;
  }
  if (name == "splitlines") {
    if (!bind(name, arguments, {}, values))
      return false;
    ListObject lines;
    for (StringRef rest = text; !rest.empty();) {
      size_t end = rest.find_first_of("\n\r");
      lines.push_back(Value::string(rest.take_front(end)));
      if (lines.back().getText().find_first_of("\v\f\x1c\x1d\x1e\xc2\xe2") != StringRef::npos)
        return fail("'splitlines' is not supported with line ends beyond \\n and \\r");
      rest = rest.drop_front(std::min(end, rest.size()));
      if (!rest.consume_front("\r\n"))
        rest = rest.drop_front(rest.empty() ? 0 : 1);
    }
    return makeList(std::move(lines), result);
  }
  if (name == "join") {
    ListObject items;
    std::string joined;
    if (!bind(name, arguments, {"items"}, values, 1) || !iterate(*values[0], items))
      return false;
    for (auto [i, item] : llvm::enumerate(items)) {
      StringRef part;
      if (!getString(item, part) || !takeBytes(part.size() + text.size()))
        return false;
      joined += i ? text : "";
      joined += part;
    }
    return makeText(std::move(joined), result);
  }
  return fail("the method '" + name + "' of str is not supported");
}

} // namespace halftone::chat::jinja
