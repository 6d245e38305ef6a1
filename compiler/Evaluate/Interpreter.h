//===- Interpreter.h - the definition of every operation --------------------===//
//
// Runs a function of the graph form on host tensors: slow and exact. Floats are
// computed and accumulated in double and rounded once to the result's element
// type; integers wrap. Every other execution of a model is measured against
// this one.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_INTERPRETER_H
#define HALFTONE_COMPILER_EVALUATE_INTERPRETER_H

#include "compiler/Evaluate/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <functional>

namespace halftone::evaluate {

class Frame;
class WeightSource;

/// What one operation does: reads operands from the frame, appends one tensor per result.
using Handler =
    std::function<llvm::Error(mlir::Operation *op, Frame &frame, llvm::SmallVectorImpl<Tensor> &results)>;

/// The handlers of operations by name. Another dialect's library adds its own:
///
///   InterpreterTable table = InterpreterTable::standard();
///   table.add<htk::FooOp>([](htk::FooOp op, Frame &frame) -> llvm::Expected<Tensor> { … });
class InterpreterTable {
public:
  /// `ht` and `func`.
  static const InterpreterTable &standard();

  void add(llvm::StringRef operationName, Handler handler) { handlers[operationName] = std::move(handler); }

  /// An operation with one result.
  template <typename OpTy, typename Function>
  void add(Function function) {
    add(OpTy::getOperationName(),
        [function](mlir::Operation *op, Frame &frame, llvm::SmallVectorImpl<Tensor> &results) -> llvm::Error {
          llvm::Expected<Tensor> result = function(llvm::cast<OpTy>(op), frame);
          if (!result)
            return result.takeError();
          results.push_back(std::move(*result));
          return llvm::Error::success();
        });
  }

  const Handler *lookup(mlir::OperationName name) const {
    auto it = handlers.find(name.getStringRef());
    return it == handlers.end() ? nullptr : &it->second;
  }

private:
  llvm::StringMap<Handler> handlers;
};

/// Sees each operation that made tensors, after it ran.
using Observer = std::function<void(mlir::Operation *op, llvm::ArrayRef<Tensor> results)>;

struct InterpretOptions {
  Observer observer;
  const InterpreterTable *table = nullptr;
};

/// Runs `function` on `inputs`, one tensor per argument. Symbols are bound from
/// the inputs' shapes; an input that does not fit gives an error with its name.
/// `weights` makes the values of `ht.get_weight`.
llvm::Expected<std::vector<Tensor>> interpret(mlir::func::FuncOp function, llvm::ArrayRef<Tensor> inputs,
                                              WeightSource &weights, const InterpretOptions &options = {});

/// Runs one operation that uses no symbol and no weight. The caller gives one tensor per operand.
llvm::Expected<std::vector<Tensor>> interpretOperation(mlir::Operation *op, llvm::ArrayRef<Tensor> operands,
                                                       const InterpreterTable *table = nullptr);

/// The values of the function's symbols for inputs of these shapes, or what does not fit.
llvm::Expected<llvm::SmallVector<int64_t>> bindSymbols(mlir::func::FuncOp function,
                                                       llvm::ArrayRef<Tensor> inputs);

//===----------------------------------------------------------------------===//
// For handlers
//===----------------------------------------------------------------------===//

/// What stays the same during one run.
struct Run {
  WeightSource *weights = nullptr;
  const InterpreterTable *table = nullptr;
  Observer observer;
  mlir::SymbolTableCollection symbolTables;
};

/// The live values of a function, or of a weight's initializer, while it runs.
class Frame {
public:
  Frame(Run &run, llvm::SmallVector<int64_t> symbols = {}) : run(run), symbols(std::move(symbols)) {}

  const Tensor &get(mlir::Value value) const { return values.find(value)->second; }
  void set(mlir::Value value, Tensor tensor) { values[value] = std::move(tensor); }

  /// The sizes of a tensor type under the symbols of this run.
  Shape getShape(mlir::Type type) const;
  Shape getShape(mlir::Value value) const { return getShape(value.getType()); }
  int64_t evaluate(mlir::AffineExpr expr) const;

  /// A zeroed tensor of the value's type.
  Tensor allocate(mlir::Value value) const;

  /// Runs a block on `arguments` and returns the operands of its terminator. Values of enclosing
  /// blocks stay visible; values are freed after their last use within the block.
  llvm::Expected<llvm::SmallVector<Tensor>> runBlock(mlir::Block &block, llvm::ArrayRef<Tensor> arguments);

  /// Runs one operation and appends its results.
  llvm::Error runOperation(mlir::Operation *op, llvm::SmallVectorImpl<Tensor> &results);

  Run &getRun() { return run; }
  size_t getNumLiveValues() const { return values.size(); }

private:
  Run &run;
  llvm::SmallVector<int64_t> symbols;
  llvm::DenseMap<mlir::Value, Tensor> values;
};

/// An error that names the operation and where it came from.
llvm::Error makeError(mlir::Operation *op, const llvm::Twine &message);

/// The user's name of an operation's location: a node name, else file and line.
std::string describe(mlir::Location location);

} // namespace halftone::evaluate

#endif
