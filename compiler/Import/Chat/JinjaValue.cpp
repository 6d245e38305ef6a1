//===- JinjaValue.cpp - what templates compute with -------------------------===//

#include "compiler/Import/Chat/JinjaValue.h"
#include "compiler/Import/Chat/JinjaText.h"

#include "llvm/ADT/STLExtras.h"

#include <cmath>

namespace halftone::chat::jinja {

using llvm::StringRef;

/// Lists may hold lists that hold lists …
static constexpr unsigned kDeepest = 50;

bool Value::isTrue() const {
  switch (kind) {
  case Undefined:
  case None:
    return false;
  case Boolean:
  case Integer:
    return integer != 0;
  case Float:
    return real != 0;
  case String:
    return !text.empty();
  case List:
  case Tuple:
    return !getList().empty();
  case Dict:
    return !getDict().empty();
  case Generator: // Whatever it holds.
  case Namespace:
  case Loop:
  case Callable:
    return true;
  }
  return false;
}

StringRef Value::getTypeName() const {
  static constexpr StringRef kNames[] = {"Undefined", "NoneType",    "bool",    "int",  "float",
                                         "str",       "list",        "tuple",   "dict", "generator",
                                         "Namespace", "LoopContext", "function"};
  return kNames[kind];
}

Value *Scope::find(StringRef name) {
  for (Scope *scope = this; scope; scope = scope->outer)
    for (auto &[known, value] : scope->variables)
      if (known == name)
        return &value;
  return nullptr;
}

void Scope::set(StringRef name, Value value) {
  for (auto &[known, old] : variables)
    if (known == name) {
      old = value;
      return;
    }
  variables.emplace_back(name, value);
}

bool ValueWriter::grow() { return heap.takeSteps(1) && out.size() < kLongestText; }

bool ValueWriter::write(const Value &value, bool quoted, unsigned depth) {
  if (depth > kDeepest || !grow())
    return false;
  switch (value.getKind()) {
  case Value::Undefined:
    out += quoted ? "Undefined" : "";
    return true;
  case Value::None:
    out += "None";
    return true;
  case Value::Boolean:
    out += value.getInteger() ? "True" : "False";
    return true;
  case Value::Integer:
    out += std::to_string(value.getInteger());
    return true;
  case Value::Float:
    out += formatFloat(value.getReal());
    return true;
  case Value::String:
    if (quoted)
      out += quoteText(value.getText());
    else
      out += value.getText();
    return heap.takeBytes(value.getText().size());
  case Value::List:
  case Value::Tuple: {
    bool isList = value.is(Value::List);
    const ListObject &list = value.getList();
    out += isList ? "[" : "(";
    for (size_t i = 0; i < list.size(); ++i) {
      out += i ? ", " : "";
      if (!write(list[i], true, depth + 1))
        return false;
    }
    out += isList ? "]" : list.size() == 1 ? ",)" : ")";
    return true;
  }
  case Value::Dict: {
    out += "{";
    StringRef separator = "";
    for (auto &[key, item] : value.getDict()) {
      out += separator;
      separator = ", ";
      if (!write(key, true, depth + 1))
        return false;
      out += ": ";
      if (!write(item, true, depth + 1))
        return false;
    }
    out += "}";
    return true;
  }
  case Value::Generator:
  case Value::Namespace:
  case Value::Loop:
  case Value::Callable:
    return false;
  }
  return false;
}

bool ValueWriter::newLine(const Json &style, unsigned depth) {
  if (style.indent < 0)
    return true;
  uint64_t width = static_cast<uint64_t>(style.indent) * depth;
  if (style.indent > 1000 || !heap.takeBytes(width))
    return false;
  out += '\n';
  out.append(width, ' ');
  return true;
}

bool ValueWriter::writeJson(const Value &value, const Json &style, unsigned depth) {
  if (depth > kDeepest || !grow())
    return false;
  switch (value.getKind()) {
  case Value::None:
    out += "null";
    return true;
  case Value::Boolean:
    out += value.getInteger() ? "true" : "false";
    return true;
  case Value::Integer:
    return write(value);
  case Value::Float:
    out += std::isnan(value.getReal())   ? "NaN"
           : std::isinf(value.getReal()) ? (value.getReal() < 0 ? "-Infinity" : "Infinity")
                                         : formatFloat(value.getReal());
    return true;
  case Value::String:
    out += jsonQuote(value.getText(), style.asciiOnly);
    return heap.takeBytes(value.getText().size());
  case Value::List:
  case Value::Tuple: {
    if (value.getList().empty()) {
      out += "[]";
      return true;
    }
    StringRef separator = "";
    out += "[";
    for (const Value &item : value.getList()) {
      out += separator;
      separator = style.itemSeparator;
      if (!newLine(style, depth + 1) || !writeJson(item, style, depth + 1))
        return false;
    }
    bool ended = newLine(style, depth);
    out += "]";
    return ended;
  }
  case Value::Dict: {
    if (value.getDict().empty()) {
      out += "{}";
      return true;
    }
    DictObject items = value.getDict();
    for (auto &[key, item] : items)
      if (!key.is(Value::String)) // Python has rules for other keys, which no template needs.
        return false;
    if (style.sortKeys)
      llvm::sort(items, [](auto &x, auto &y) { return x.first.getText() < y.first.getText(); });
    StringRef separator = "";
    out += "{";
    for (auto &[key, item] : items) {
      out += separator;
      separator = style.itemSeparator;
      if (!newLine(style, depth + 1))
        return false;
      out += jsonQuote(key.getText(), style.asciiOnly);
      out += style.keySeparator;
      if (!heap.takeBytes(key.getText().size()) || !writeJson(item, style, depth + 1))
        return false;
    }
    bool ended = newLine(style, depth);
    out += "}";
    return ended;
  }
  default:
    return false;
  }
}

std::optional<bool> areEqual(Heap &heap, const Value &value, const Value &other, unsigned depth) {
  if (depth > kDeepest || !heap.takeSteps(1))
    return std::nullopt;
  if (value.isNumber() && other.isNumber()) {
    if (value.isWhole() && other.isWhole())
      return value.getInteger() == other.getInteger();
    return value.getReal() == other.getReal();
  }
  if (value.getKind() != other.getKind())
    return false;
  switch (value.getKind()) {
  case Value::Undefined:
  case Value::None:
    return true;
  case Value::String:
    if (value.getText().size() == other.getText().size() && !heap.takeBytes(value.getText().size()))
      return std::nullopt;
    return value.getText() == other.getText();
  case Value::List:
  case Value::Tuple:
    if (value.getList().size() != other.getList().size())
      return false;
    for (auto [x, y] : llvm::zip_equal(value.getList(), other.getList())) {
      auto equal = areEqual(heap, x, y, depth + 1);
      if (!equal || !*equal)
        return equal;
    }
    return true;
  case Value::Dict:
    if (value.getDict().size() != other.getDict().size())
      return false;
    for (auto &[key, item] : value.getDict()) {
      auto found = findKey(heap, other.getDict(), key);
      if (!found)
        return std::nullopt;
      auto equal = *found ? areEqual(heap, item, **found, depth + 1) : std::optional(false);
      if (!equal || !*equal)
        return equal;
    }
    return true;
  case Value::Namespace:
    return &value.getNamespace() == &other.getNamespace();
  case Value::Loop:
    return &value.getLoop() == &other.getLoop();
  case Value::Callable:
    return &value.getCallable() == &other.getCallable();
  default:
    return false;
  }
}

std::optional<bool> isLess(Heap &heap, const Value &value, const Value &other, unsigned depth) {
  if (depth > kDeepest || !heap.takeSteps(1))
    return std::nullopt;
  if (value.isWhole() && other.isWhole())
    return value.getInteger() < other.getInteger();
  if (value.isNumber() && other.isNumber())
    return value.getReal() < other.getReal();
  if (value.getKind() != other.getKind())
    return std::nullopt;
  if (value.is(Value::String)) // UTF-8 has the order of its code points.
    return heap.takeBytes(value.getText().size()) ? std::optional(value.getText() < other.getText())
                                                  : std::nullopt;
  if (!value.isSequence())
    return std::nullopt;
  for (auto [x, y] : llvm::zip(value.getList(), other.getList())) {
    auto equal = areEqual(heap, x, y, depth + 1);
    if (!equal || !*equal)
      return equal ? isLess(heap, x, y, depth + 1) : std::nullopt;
  }
  return value.getList().size() < other.getList().size();
}

std::optional<const Value *> findKey(Heap &heap, const DictObject &dict, const Value &key) {
  for (auto &[known, value] : dict) {
    auto equal = areEqual(heap, known, key);
    if (!equal)
      return std::nullopt;
    if (*equal)
      return &value;
  }
  return nullptr;
}

} // namespace halftone::chat::jinja
