//===- JinjaOperations.h - what can be done with values ---------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_CHAT_JINJAOPERATIONS_H
#define HALFTONE_COMPILER_IMPORT_CHAT_JINJAOPERATIONS_H

#include "compiler/Import/Chat/JinjaValue.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"

namespace halftone::chat::jinja {

struct CallArguments {
  llvm::SmallVector<Value, 4> positional;
  llvm::SmallVector<std::pair<llvm::StringRef, Value>, 2> named;
};

/// Operators, filters, tests and methods, without names and control flow. All
/// return false after an error, the first of which is kept.
class Operations {
public:
  explicit Operations(Heap &heap) : heap(heap) {}

  // What went wrong: raise_exception() did, the budget is spent, or an error.
  bool wasRaised() const { return raised; }
  bool isSpent() const { return heap.isSpent(); }
  const std::string &getMessage() const { return message; }
  unsigned getErrorLine() const { return errorLine; }

protected:
  bool fail(const llvm::Twine &text);
  bool failRaised(llvm::StringRef text);
  /// The value has no such operation: it is of another type, or undefined.
  bool failOn(const Value &value, const llvm::Twine &operation);

  bool takeSteps(uint64_t count) { return heap.takeSteps(count) || fail("it takes too many steps"); }
  bool takeBytes(uint64_t count) { return heap.takeBytes(count) || fail("it takes too much memory"); }

  bool makeText(std::string text, Value &result);
  bool makeList(ListObject items, Value &result, Value::Kind kind = Value::List);
  /// Appends str(value).
  bool appendText(const Value &value, std::string &out);
  bool toText(const Value &value, Value &result);

  /// The items of what can be iterated.
  bool iterate(const Value &value, ListObject &items);
  bool getLength(const Value &value, int64_t &length);

  bool getAttribute(const Value &value, llvm::StringRef name, Value &result);
  bool getItem(const Value &value, const Value &key, Value &result);
  /// Attributes and indices with dots between them, as filters name them.
  bool getPath(const Value &value, const Value &path, Value &result);
  bool getSlice(const Value &value, llvm::ArrayRef<Value> bounds, Value &result);

  bool negate(const Value &value, Value &result);
  bool calculate(llvm::StringRef operation, const Value &left, const Value &right, Value &result);
  bool compare(llvm::StringRef operation, const Value &left, const Value &right, bool &truth);
  bool contains(const Value &container, const Value &item, bool &truth);

  bool applyFilter(llvm::StringRef name, const Value &value, const CallArguments &arguments, Value &result);
  bool applyTest(llvm::StringRef name, const Value &value, const CallArguments &arguments, bool &truth);
  bool callMethod(const CallableObject &method, const CallArguments &arguments, Value &result);

  /// Arguments by name; those that are not given stay empty. The first `required`
  /// ones must be.
  bool bind(const llvm::Twine &what, const CallArguments &arguments, llvm::ArrayRef<llvm::StringRef> names,
            llvm::MutableArrayRef<std::optional<Value>> values, size_t required = 0);
  bool getWhole(const Value &value, int64_t &number);
  bool getString(const Value &value, llvm::StringRef &text);

  Heap &heap;
  unsigned line = 0; ///< of what is being evaluated

private:
  bool hasMethod(const Value &value, llvm::StringRef name) const;
  bool getLoopAttribute(LoopObject &loop, llvm::StringRef name, Value &result);
  bool multiply(const Value &left, const Value &right, Value &result);
  bool divide(llvm::StringRef operation, const Value &left, const Value &right, Value &result);
  bool repeat(const Value &value, int64_t count, Value &result);

  bool filterList(llvm::StringRef name, const Value &value, const CallArguments &arguments, Value &result,
                  bool &known);
  bool filterText(llvm::StringRef name, const Value &value, const CallArguments &arguments, Value &result,
                  bool &known);
  bool selectItems(llvm::StringRef name, const Value &value, const CallArguments &arguments, Value &result);
  bool mapItems(const Value &value, const CallArguments &arguments, Value &result);
  bool joinItems(const Value &value, const CallArguments &arguments, Value &result);
  bool sortItems(const Value &value, const CallArguments &arguments, Value &result);
  bool sortDict(const Value &value, const CallArguments &arguments, Value &result);
  bool sortByKeys(ListObject &items, llvm::ArrayRef<Value> keys, bool reverse);
  bool uniqueItems(const Value &value, const CallArguments &arguments, Value &result);
  bool sumItems(const Value &value, const CallArguments &arguments, Value &result);
  bool extremeItem(bool largest, const Value &value, const CallArguments &arguments, Value &result);
  bool sortKey(const Value &item, const std::optional<Value> &path, bool caseSensitive, Value &result);
  bool toJson(const Value &value, const CallArguments &arguments, Value &result);
  bool toInteger(const Value &value, const CallArguments &arguments, Value &result);
  bool toReal(const Value &value, const CallArguments &arguments, Value &result);
  bool indent(llvm::StringRef text, const CallArguments &arguments, Value &result);

  bool callTextMethod(llvm::StringRef text, llvm::StringRef name, const CallArguments &arguments,
                      Value &result);
  bool callDictMethod(const DictObject &dict, llvm::StringRef name, const CallArguments &arguments,
                      Value &result);
  bool callListMethod(const ListObject &list, llvm::StringRef name, const CallArguments &arguments,
                      Value &result);
  bool callLoopMethod(LoopObject &loop, llvm::StringRef name, const CallArguments &arguments, Value &result);
  bool splitText(llvm::StringRef text, const CallArguments &arguments, bool fromEnd, Value &result);
  bool replaceText(llvm::StringRef text, const CallArguments &arguments, Value &result);
  bool formatText(llvm::StringRef text, const CallArguments &arguments, Value &result);
  bool changeCase(llvm::StringRef text, llvm::StringRef how, Value &result);
  bool testCase(llvm::StringRef text, llvm::StringRef name, bool &truth);
  bool findText(llvm::StringRef text, llvm::StringRef name, const CallArguments &arguments, Value &result);

  std::string message;
  unsigned errorLine = 0;
  bool raised = false;
};

} // namespace halftone::chat::jinja

#endif
