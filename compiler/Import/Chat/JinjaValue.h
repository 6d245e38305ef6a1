//===- JinjaValue.h - what templates compute with ---------------------------===//
//
// Values are small and copied; what they point to lies in a Heap, which lives as
// long as one rendering. Templates are hostile input, so the Heap counts what a
// rendering takes, in steps and bytes, and everything stops when it is too much.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_CHAT_JINJAVALUE_H
#define HALFTONE_COMPILER_IMPORT_CHAT_JINJAVALUE_H

#include "llvm/ADT/StringRef.h"

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace halftone::chat::jinja {

/// A date is a format for strftime between two of these, which UTF-8 does not have.
constexpr char kDateMark = '\xff';

class Value;
struct Scope;
struct Statement;

using ListObject = std::vector<Value>;
using DictObject = std::vector<std::pair<Value, Value>>; ///< in order of insertion
struct LoopObject;
struct CallableObject;
struct NamespaceObject;

class Value {
public:
  enum Kind : uint8_t {
    Undefined, ///< its text says what of
    None,
    Boolean,
    Integer,
    Float,
    String,
    List,
    Tuple,
    Dict,
    Generator, ///< items that can be had once
    Namespace,
    Loop,
    Callable
  };

  Value() : kind(Undefined), text("a value") {}
  static Value undefined(llvm::StringRef what) { return Value(Undefined, what); }
  static Value none() { return Value(None, ""); }
  static Value boolean(bool truth) {
    Value value(Boolean, "");
    value.integer = truth;
    return value;
  }
  static Value number(int64_t number) {
    Value value(Integer, "");
    value.integer = number;
    return value;
  }
  static Value number(double number) {
    Value value(Float, "");
    value.real = number;
    return value;
  }
  static Value string(llvm::StringRef text) { return Value(String, text); }
  static Value list(const ListObject &items, Kind kind = List) { return Value(kind, &items); }
  static Value dict(const DictObject &items) { return Value(Dict, &items); }
  static Value generator(ListObject &items) { return Value(Generator, &items); }
  static Value name(NamespaceObject &object) { return Value(Namespace, &object); }
  static Value loop(LoopObject &object) { return Value(Loop, &object); }
  static Value callable(const CallableObject &object) { return Value(Callable, &object); }

  Kind getKind() const { return kind; }
  bool is(Kind which) const { return kind == which; }
  bool isSequence() const { return kind == List || kind == Tuple; }
  bool isWhole() const { return kind == Integer || kind == Boolean; }
  bool isNumber() const { return isWhole() || kind == Float; }

  llvm::StringRef getText() const { return text; }
  int64_t getInteger() const { return integer; }
  double getReal() const { return kind == Float ? real : static_cast<double>(integer); }
  const ListObject &getList() const { return *static_cast<const ListObject *>(object); }
  const DictObject &getDict() const { return *static_cast<const DictObject *>(object); }
  ListObject &getGenerator() const { return *static_cast<ListObject *>(const_cast<void *>(object)); }
  NamespaceObject &getNamespace() const {
    return *static_cast<NamespaceObject *>(const_cast<void *>(object));
  }
  LoopObject &getLoop() const { return *static_cast<LoopObject *>(const_cast<void *>(object)); }
  const CallableObject &getCallable() const { return *static_cast<const CallableObject *>(object); }

  bool isTrue() const;
  /// As Python calls its type.
  llvm::StringRef getTypeName() const;

private:
  Value(Kind kind, llvm::StringRef text) : kind(kind), text(text) {}
  Value(Kind kind, const void *object) : kind(kind), object(object) {}

  Kind kind;
  union {
    llvm::StringRef text;
    int64_t integer;
    double real;
    const void *object;
  };
};

struct NamespaceObject {
  std::vector<std::pair<std::string, Value>> attributes;
};

/// The variable `loop`.
struct LoopObject {
  const ListObject *items = nullptr;
  size_t index = 0;
  std::optional<ListObject> changed; ///< what loop.changed() had the last time
};

struct CallableObject {
  const Statement *macro = nullptr; ///< or a method of `self`, or a global function
  Scope *scope = nullptr;           ///< where the macro was defined
  Value self;
  llvm::StringRef name;
};

/// Names and their values. A loop's body, a macro's call has one of its own.
struct Scope {
  Scope *outer = nullptr;
  std::vector<std::pair<llvm::StringRef, Value>> variables;

  Value *find(llvm::StringRef name);
  void set(llvm::StringRef name, Value value);
};

/// How much work may be done, over several renderings.
struct Budget {
  uint64_t steps = 20'000'000;
  uint64_t bytes = uint64_t(2) << 30;
};

class Heap {
public:
  explicit Heap(Budget &budget) : budget(budget) {}

  // Each says whether the budget allows it; nothing is undone where it does not.
  bool takeSteps(uint64_t count) { return take(budget.steps, count); }
  bool takeBytes(uint64_t count) {
    return take(ownBytes, count) && take(budget.bytes, count) && take(budget.steps, count / 64);
  }
  bool isSpent() const { return spent; }

  /// Objects that live as long as this. A large one is paid for by takeBytes first.
  llvm::StringRef keep(std::string text) { return texts.emplace_back(std::move(text)); }
  ListObject &makeList(size_t size = 0) { return lists.emplace_back(size); }
  DictObject &makeDict() { return dicts.emplace_back(); }
  NamespaceObject &makeNamespace() { return namespaces.emplace_back(); }
  LoopObject &makeLoop() { return loops.emplace_back(); }
  CallableObject &makeCallable() { return callables.emplace_back(); }
  Scope &makeScope(Scope *outer) {
    Scope &scope = scopes.emplace_back();
    scope.outer = outer;
    return scope;
  }

private:
  bool take(uint64_t &left, uint64_t count) {
    spent = spent || count > left;
    left = spent ? left : left - count;
    return !spent;
  }

  Budget &budget;
  uint64_t ownBytes = uint64_t(128) << 20; ///< that this rendering may take
  bool spent = false;
  std::deque<std::string> texts;
  std::deque<ListObject> lists;
  std::deque<DictObject> dicts;
  std::deque<NamespaceObject> namespaces;
  std::deque<LoopObject> loops;
  std::deque<CallableObject> callables;
  std::deque<Scope> scopes;
};

/// No text of a template, or of what it writes, is longer by much.
constexpr size_t kLongestText = size_t(1) << 22;

/// Values as text. False where that is too much, or a value has none.
class ValueWriter {
public:
  ValueWriter(Heap &heap, std::string &out) : heap(heap), out(out) {}

  /// Appends str(value) or, if `quoted`, repr(value).
  bool write(const Value &value, bool quoted = false, unsigned depth = 0);

  struct Json {
    int64_t indent = -1; ///< none
    std::string itemSeparator = ", ", keySeparator = ": ";
    bool asciiOnly = false, sortKeys = false;
  };
  /// Appends json.dumps(value); false too for what is no JSON.
  bool writeJson(const Value &value, const Json &style, unsigned depth = 0);

private:
  bool grow();
  bool newLine(const Json &style, unsigned depth);

  Heap &heap;
  std::string &out;
};

/// value == other; nullopt where the budget is spent.
std::optional<bool> areEqual(Heap &heap, const Value &value, const Value &other, unsigned depth = 0);

/// value < other; nullopt where they have no order.
std::optional<bool> isLess(Heap &heap, const Value &value, const Value &other, unsigned depth = 0);

/// The place of a key.
std::optional<const Value *> findKey(Heap &heap, const DictObject &dict, const Value &key);

} // namespace halftone::chat::jinja

#endif
