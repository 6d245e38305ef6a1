//===- Interpreter.cpp - running blocks, functions and single operations ----===//

#include "compiler/Evaluate/Interpreter.h"

#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Handlers.h"
#include "dialects/HT/HTOps.h"

#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace halftone::evaluate {

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

std::string describe(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName().str();
  if (auto file = dyn_cast<FileLineColLoc>(location))
    return file.getFilename().str() + ":" + std::to_string(file.getLine()) + ":" +
           std::to_string(file.getColumn());
  if (auto fused = dyn_cast<FusedLoc>(location); fused && !fused.getLocations().empty())
    return describe(fused.getLocations().front());
  if (auto call = dyn_cast<CallSiteLoc>(location))
    return describe(call.getCallee());
  return "an unknown location";
}

llvm::Error makeError(Operation *op, const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), "'" + op->getName().getStringRef() +
                                                                     "' at " + describe(op->getLoc()) + ": " +
                                                                     message);
}

//===----------------------------------------------------------------------===//
// Frames
//===----------------------------------------------------------------------===//

Shape Frame::getShape(Type type) const {
  auto tensor = cast<RankedTensorType>(type);
  Shape shape(tensor.getShape());
  // Static types are read without a look at expressions: those live in the context, which the
  // threads of a weight evaluation share.
  auto dims = dyn_cast_if_present<ht::DimsAttr>(tensor.getEncoding());
  unsigned next = 0;
  for (int64_t &size : shape)
    if (ShapedType::isDynamic(size))
      size = dims ? evaluate(dims.getExprs()[next++]) : 0;
  return shape;
}

int64_t Frame::evaluate(AffineExpr expr) const { return ht::evaluate(expr, symbols); }

Tensor Frame::allocate(Value value) const {
  return Tensor::allocate(*getElementKind(getElementTypeOrSelf(value)), getShape(value));
}

/// For each operation of the block the values whose last use it holds, itself or in a region.
static DenseMap<Operation *, SmallVector<Value, 2>> findLastUses(Block &block) {
  DenseMap<Operation *, SmallVector<Value, 2>> last;
  llvm::DenseSet<Value> seen;
  for (Operation &op : llvm::reverse(block)) {
    op.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (operand.getParentBlock() == &block && seen.insert(operand).second)
          last[&op].push_back(operand);
    });
  }
  return last;
}

llvm::Error Frame::runOperation(Operation *op, SmallVectorImpl<Tensor> &results) {
  const Handler *handler = run.table->lookup(op->getName());
  if (!handler)
    return makeError(op, "the interpreter does not know this operation");
  for (Value value : op->getResults())
    if (isa<RankedTensorType>(value.getType()) &&
        llvm::any_of(getShape(value), [](int64_t n) { return n < 0; }))
      return makeError(op, "its result would have the shape " + toString(getShape(value)));
  if (llvm::Error error = (*handler)(op, *this, results))
    return error;
  for (auto [value, tensor] : llvm::zip_equal(op->getResults(), results))
    if (isa<RankedTensorType>(value.getType()) && getShape(value) != Shape(tensor.getShape()))
      return makeError(op, "made " + describe(tensor) + " where its type is " + toString(getShape(value)));
  if (run.observer)
    run.observer(op, results);
  return llvm::Error::success();
}

llvm::Expected<SmallVector<Tensor>> Frame::runBlock(Block &block, ArrayRef<Tensor> arguments) {
  auto lastUses = findLastUses(block);
  for (auto [argument, tensor] : llvm::zip_equal(block.getArguments(), arguments))
    if (!argument.use_empty())
      set(argument, tensor);
  for (Operation &op : block.without_terminator()) {
    SmallVector<Tensor> results;
    if (llvm::Error error = runOperation(&op, results))
      return std::move(error);
    for (auto [value, tensor] : llvm::zip_equal(op.getResults(), results))
      if (!value.use_empty())
        set(value, std::move(tensor));
    auto it = lastUses.find(&op);
    if (it != lastUses.end())
      for (Value value : it->second)
        values.erase(value);
  }
  SmallVector<Tensor> yielded;
  for (Value operand : block.getTerminator()->getOperands())
    yielded.push_back(get(operand));
  return yielded;
}

//===----------------------------------------------------------------------===//
// Symbols
//===----------------------------------------------------------------------===//

/// One more than the highest symbol that `op`, its types or its attributes use.
static unsigned countSymbols(Operation *op) {
  unsigned count = 0;
  auto look = [&](Attribute attribute) {
    auto dims = dyn_cast_if_present<ht::DimsAttr>(attribute);
    if (!dims)
      return;
    for (AffineExpr expr : dims.getExprs())
      expr.walk([&](AffineExpr part) {
        if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
          count = std::max(count, symbol.getPosition() + 1);
      });
  };
  auto lookAtType = [&](Type type) {
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      look(tensor.getEncoding());
  };
  llvm::for_each(op->getResultTypes(), lookAtType);
  for (NamedAttribute named : op->getAttrs())
    look(named.getValue());
  for (Region &region : op->getRegions())
    for (Block &block : region)
      llvm::for_each(block.getArgumentTypes(), lookAtType);
  return count;
}

namespace {

/// Binds symbols to the sizes of inputs, remembering which input said so.
class Binder {
public:
  explicit Binder(func::FuncOp function) : function(function), declared(ht::getSymbols(function)) {
    unsigned count = declared.size();
    function->walk([&](Operation *op) { count = std::max(count, countSymbols(op)); });
    values.assign(count, 0);
    boundBy.assign(count, std::nullopt);
    for (ht::SymbolAttr symbol : declared)
      names.push_back(symbol.getName());
  }

  llvm::Expected<SmallVector<int64_t>> bind(ArrayRef<Tensor> inputs) {
    if (inputs.size() != function.getNumArguments())
      return llvm::createStringError("@" + function.getName() + " takes " +
                                     Twine(function.getNumArguments()) + " inputs, got " +
                                     Twine(inputs.size()));
    for (auto [i, input] : llvm::enumerate(inputs))
      if (llvm::Error error = checkType(i, input))
        return std::move(error);
    // Dimensions that are a symbol first, then those from which one more symbol follows.
    for (bool progress = true; progress;) {
      progress = false;
      for (auto [i, input] : llvm::enumerate(inputs))
        for (auto [axis, dim] : llvm::enumerate(getDims(i)))
          progress |= solve(dim, input.getDim(axis), i);
    }
    for (auto [i, input] : llvm::enumerate(inputs))
      for (auto [axis, dim] : llvm::enumerate(getDims(i)))
        if (llvm::Error error = checkSize(i, axis, dim, input.getDim(axis)))
          return std::move(error);
    return checkSymbols();
  }

private:
  ht::Dims getDims(unsigned input) { return ht::getDims(function.getArgument(input)); }

  std::string quote(unsigned input) { return "input \"" + ht::getInputName(function, input) + "\""; }
  std::string getName(unsigned symbol) const {
    return symbol < names.size() ? names[symbol].str() : "s" + std::to_string(symbol);
  }

  llvm::Error checkType(unsigned index, const Tensor &input) {
    auto type = dyn_cast<RankedTensorType>(function.getArgumentTypes()[index]);
    auto kind = type ? getElementKind(type.getElementType()) : std::nullopt;
    if (!kind)
      return llvm::createStringError(quote(index) + " is not a tensor that the interpreter can hold");
    if (*kind != input.getKind())
      return llvm::createStringError(quote(index) + " has elements of type " + toString(input.getKind()) +
                                     ", expected " + toString(*kind));
    if (type.getRank() != input.getRank())
      return llvm::createStringError(quote(index) + " has shape " + toString(input.getShape()) +
                                     ", expected rank " + Twine(type.getRank()) + ": " +
                                     ht::toString(getDims(index), names));
    return llvm::Error::success();
  }

  /// Binds the one unbound symbol of a linear expression.
  bool solve(ht::Dim dim, int64_t size, unsigned input) {
    std::optional<unsigned> unknown;
    bool single = true;
    if (dim)
      dim.walk([&](AffineExpr part) {
        auto symbol = dyn_cast<AffineSymbolExpr>(part);
        if (!symbol || boundBy[symbol.getPosition()])
          return;
        single &= !unknown || *unknown == symbol.getPosition();
        unknown = symbol.getPosition();
      });
    if (!unknown || !single)
      return false;
    auto at = [&](int64_t value) {
      values[*unknown] = value;
      return ht::evaluate(dim, values);
    };
    int64_t offset = at(0), slope = at(1) - offset;
    values[*unknown] = 0;
    if (slope == 0 || at(2) != offset + 2 * slope || (size - offset) % slope != 0)
      return false;
    values[*unknown] = (size - offset) / slope;
    boundBy[*unknown] = input;
    return true;
  }

  llvm::Error checkSize(unsigned index, unsigned axis, ht::Dim dim, int64_t size) {
    if (!dim)
      return llvm::createStringError(quote(index) + " has a dynamic dimension without an expression");
    bool bound = true;
    std::string reason;
    dim.walk([&](AffineExpr part) {
      auto symbol = dyn_cast<AffineSymbolExpr>(part);
      if (!symbol)
        return;
      unsigned position = symbol.getPosition();
      bound &= boundBy[position].has_value();
      if (boundBy[position] && boundBy[position] != index)
        reason += ", where " + getName(position) + " is " + std::to_string(values[position]) + " from " +
                  quote(*boundBy[position]);
    });
    if (bound && ht::evaluate(dim, values) == size)
      return llvm::Error::success();
    return llvm::createStringError(quote(index) + ": dimension " + Twine(axis) + " is " + Twine(size) +
                                   ", expected " + ht::toString(dim, names) + reason);
  }

  llvm::Expected<SmallVector<int64_t>> checkSymbols() {
    for (auto [i, symbol] : llvm::enumerate(declared))
      if (boundBy[i] && (values[i] < symbol.getMin() || values[i] > symbol.getMax()))
        return llvm::createStringError(quote(*boundBy[i]) + ": " + symbol.getName() + " is " +
                                       Twine(values[i]) + ", allowed are " + Twine(symbol.getMin()) + " to " +
                                       Twine(symbol.getMax()));
    // A symbol that no input determines is an error only where something needs it.
    std::optional<unsigned> missing;
    function.walk([&](Operation *op) {
      for (unsigned i = 0, end = countSymbols(op); i < end && op != function.getOperation(); ++i)
        if (!boundBy[i] && usesSymbol(op, i))
          missing = i;
    });
    if (missing)
      return llvm::createStringError("no input determines the symbol " + getName(*missing));
    return values;
  }

  static bool usesSymbol(Operation *op, unsigned position) {
    auto in = [&](Attribute attribute) {
      auto dims = dyn_cast_if_present<ht::DimsAttr>(attribute);
      return dims &&
             llvm::any_of(dims.getExprs(), [&](AffineExpr e) { return e.isFunctionOfSymbol(position); });
    };
    return llvm::any_of(op->getAttrs(), [&](NamedAttribute named) { return in(named.getValue()); }) ||
           llvm::any_of(op->getResultTypes(), [&](Type type) {
             auto tensor = dyn_cast<RankedTensorType>(type);
             return tensor && in(tensor.getEncoding());
           });
  }

  func::FuncOp function;
  SmallVector<ht::SymbolAttr> declared;
  SmallVector<StringRef> names;
  SmallVector<int64_t> values;
  SmallVector<std::optional<unsigned>> boundBy;
};

} // namespace

llvm::Expected<SmallVector<int64_t>> bindSymbols(func::FuncOp function, ArrayRef<Tensor> inputs) {
  return Binder(function).bind(inputs);
}

//===----------------------------------------------------------------------===//
// Functions and single operations
//===----------------------------------------------------------------------===//

static llvm::Expected<SmallVector<Tensor>> runFunction(func::FuncOp function, ArrayRef<Tensor> inputs,
                                                       Run &run) {
  if (function.isExternal() || !function.getBody().hasOneBlock())
    return makeError(function, "@" + function.getName() + " is not a function of one block");
  auto symbols = bindSymbols(function, inputs);
  if (!symbols)
    return symbols.takeError();
  return Frame(run, std::move(*symbols)).runBlock(function.getBody().front(), inputs);
}

static llvm::Error runCall(Operation *op, Frame &frame, SmallVectorImpl<Tensor> &results) {
  auto call = cast<func::CallOp>(op);
  auto callee = frame.getRun().symbolTables.lookupNearestSymbolFrom<func::FuncOp>(op, call.getCalleeAttr());
  if (!callee)
    return makeError(op, "no function is named @" + call.getCallee());
  SmallVector<Tensor> inputs;
  for (Value operand : call.getOperands())
    inputs.push_back(frame.get(operand));
  auto outputs = runFunction(callee, inputs, frame.getRun());
  if (!outputs)
    return outputs.takeError();
  llvm::append_range(results, *outputs);
  return llvm::Error::success();
}

const InterpreterTable &InterpreterTable::standard() {
  static const InterpreterTable table = [] {
    InterpreterTable table;
    addElementwise(table);
    addStructure(table);
    addContractions(table);
    addTransformer(table);
    addSelection(table);
    addQuantized(table);
    addKernels(table);
    addPackedWeights(table);
    table.add(func::CallOp::getOperationName(), runCall);
    return table;
  }();
  return table;
}

llvm::Expected<std::vector<Tensor>> interpret(func::FuncOp function, ArrayRef<Tensor> inputs,
                                              WeightSource &weights, const InterpretOptions &options) {
  Run run;
  run.weights = &weights;
  run.table = options.table ? options.table : &InterpreterTable::standard();
  run.observer = options.observer;
  auto outputs = runFunction(function, inputs, run);
  if (!outputs)
    return outputs.takeError();
  return std::vector<Tensor>(outputs->begin(), outputs->end());
}

llvm::Expected<std::vector<Tensor>> interpretOperation(Operation *op, ArrayRef<Tensor> operands,
                                                       const InterpreterTable *table) {
  if (countSymbols(op) != 0)
    return makeError(op, "depends on symbols");
  Run run;
  run.table = table ? table : &InterpreterTable::standard();
  Frame frame(run);
  for (auto [value, tensor] : llvm::zip_equal(op->getOperands(), operands))
    frame.set(value, tensor);
  SmallVector<Tensor> results;
  if (llvm::Error error = frame.runOperation(op, results))
    return std::move(error);
  return std::vector<Tensor>(results.begin(), results.end());
}

} // namespace halftone::evaluate
