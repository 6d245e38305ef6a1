//===- NodeImporter.h - what a handler sees of its node ---------------------===//
//
// Handlers are written without error paths: the first failure is reported with
// the node's name and operator and remembered, everything after it yields null
// and does nothing, and the caller asks `failed()` at the end.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_NODEIMPORTER_H
#define HALFTONE_COMPILER_IMPORT_ONNX_NODEIMPORTER_H

#include "compiler/Import/ONNX/GraphImporter.h"
#include "compiler/Import/ONNX/Remedies.h"

#include "mlir/IR/Diagnostics.h"

namespace halftone::onnx {

class NodeImporter {
public:
  NodeImporter(GraphImporter &graph, const Node &node, Scope &scope, int64_t opset)
      : graph(graph), node(node), scope(scope), version(opset), loc(graph.getLocation(node)) {}

  mlir::Location getLoc() const { return loc; }
  mlir::OpBuilder &getBuilder() { return graph.getBuilder(); }
  mlir::MLIRContext *getContext() { return graph.getContext(); }
  Symbols &symbols() { return graph.getSymbols(); }
  GraphImporter &importer() { return graph; }
  int64_t opset() const { return version; }
  llvm::StringRef opType() const { return node.opType; }
  bool failed() const { return hasFailed; }
  /// Verifies an operation that the node became.
  bool verify(mlir::Operation *op);
  /// Reports an error at the node; the text follows its name and operator. The
  /// remedy says what can be done about it, or is empty.
  void error(const llvm::Twine &message, llvm::StringRef remedy = "");

  // Inputs.
  unsigned numInputs() const { return node.inputs.size(); }
  unsigned numOutputs() const { return node.outputs.size(); }
  llvm::StringRef outputName(unsigned index) const { return node.outputs[index]; }
  bool hasInput(unsigned index) const {
    return index < node.inputs.size() && !node.inputs[index].empty() && !scope.isAbsent(node.inputs[index]);
  }
  /// Whether something uses this output.
  bool wants(unsigned index) const;
  /// Input `index` as data, emitted if need be.
  mlir::Value input(unsigned index);
  /// The same, or null where it is absent.
  mlir::Value optionalInput(unsigned index) { return hasInput(index) ? input(index) : mlir::Value(); }
  /// What is known of it, or null.
  const SymbolicTensor *known(unsigned index);
  /// Its elements, where it is known or a small initializer; nullopt where neither.
  std::optional<SymbolicTensor> constants(unsigned index);
  /// What an input is, tensor or not; null after an error or where it is absent.
  Binding *anyInput(unsigned index);
  /// The elements of a sequence; an error where it is none.
  llvm::ArrayRef<Binding> sequence(unsigned index);
  mlir::RankedTensorType type(unsigned index);
  ht::Dims dims(unsigned index) { return ht::getDims(type(index)); }
  mlir::Type elementType(unsigned index) { return type(index).getElementType(); }
  int64_t rank(unsigned index) { return type(index).getRank(); }
  /// Input `index` as integer constants or expressions; an error where it
  /// depends on data.
  std::optional<llvm::SmallVector<int64_t>> integers(unsigned index, llvm::StringRef what);
  std::optional<ht::Dims> expressions(unsigned index, llvm::StringRef what);
  /// After a message that input `index` must be constant: how it can become so.
  std::string constantRemedy(unsigned index);
  /// A weight converted at compile time, or null where the input is no weight.
  mlir::Value castWeight(unsigned index, mlir::RankedTensorType type);
  /// `transform` of `value`: of a weight at compile time, else by operations.
  mlir::Value transformWeight(mlir::Value value, llvm::StringRef suffix,
                              llvm::function_ref<mlir::Value(mlir::Value)> transform) {
    return transformWeights(value, suffix, [&](mlir::ValueRange values) { return transform(values.front()); });
  }
  /// The same of several values, where all are weights or constants.
  mlir::Value transformWeights(mlir::ValueRange values, llvm::StringRef suffix,
                               llvm::function_ref<mlir::Value(mlir::ValueRange)> transform) {
    if (hasFailed)
      return {};
    mlir::Value weight = graph.deriveWeight(values, suffix, transform);
    return weight || hasFailed ? weight : transform(values);
  }

  // Attributes; an error where one has another type.
  bool hasAttribute(llvm::StringRef name) { return findAttribute(name) != nullptr; }
  int64_t integer(llvm::StringRef name, int64_t absent);
  int64_t requiredInteger(llvm::StringRef name);
  double real(llvm::StringRef name, double absent);
  llvm::StringRef string(llvm::StringRef name, llvm::StringRef absent);
  std::optional<llvm::SmallVector<int64_t>> integers(llvm::StringRef name);
  const Tensor *tensor(llvm::StringRef name);
  const Graph *subgraph(llvm::StringRef name);
  const Attribute *findAttribute(llvm::StringRef name);

  /// `axis` counted from the front; an error outside [-rank, rank).
  int64_t axis(int64_t axis, int64_t rank);
  /// Distinct axes counted from the front, ascending.
  llvm::SmallVector<int64_t> sortedAxes(llvm::ArrayRef<int64_t> axes, int64_t rank);

  // Results.
  void setResult(unsigned index, mlir::Value value);
  void setResult(unsigned index, SymbolicTensor known);
  void setResult(unsigned index, Binding binding);
  void setSequence(unsigned index, std::vector<Binding> elements);
  void forward(unsigned result, unsigned input);
  /// A copy of what input `index` is, to be part of something else.
  Binding share(unsigned index);
  /// `value`, which may be null after a failure, as a binding of its own.
  static Binding bind(mlir::Value value);
  static Binding bind(SymbolicTensor known);
  /// The binding as data; null after an error, as where it is no tensor.
  mlir::Value materialize(Binding &binding);
  /// Imports `body` in place: what its outputs are, or nullopt after an error.
  std::optional<std::vector<Binding>> importBody(const Graph &body, llvm::ArrayRef<Binding> inputs = {});
  /// Counts steps of work that a file asks for beyond its nodes.
  bool spend(size_t steps) { return !(hasFailed |= !graph.spend(steps)); }
  /// Binds a tensor of the node itself; large ones are named after its output.
  mlir::LogicalResult bindConstant(Binding &binding, const Tensor &tensor);

  // Building. Null operands (of a failed step) yield null.
  template <typename OpTy>
  mlir::Value infer(mlir::ValueRange operands, llvm::ArrayRef<mlir::NamedAttribute> attributes = {});
  template <typename OpTy>
  mlir::Value unary(mlir::Value x) {
    if (!check(x))
      return {};
    return OpTy::create(getBuilder(), loc, x.getType(), x);
  }
  mlir::Value add(mlir::Value x, mlir::Value y) { return infer<ht::AddOp>({x, y}); }
  mlir::Value sub(mlir::Value x, mlir::Value y) { return infer<ht::SubOp>({x, y}); }
  mlir::Value mul(mlir::Value x, mlir::Value y) { return infer<ht::MulOp>({x, y}); }
  mlir::Value div(mlir::Value x, mlir::Value y) { return infer<ht::DivOp>({x, y}); }
  mlir::Value compare(ht::ComparePredicate predicate, mlir::Value x, mlir::Value y);
  mlir::Value where(mlir::Value condition, mlir::Value x, mlir::Value y) {
    return infer<ht::WhereOp>({condition, x, y});
  }
  mlir::Value cast(mlir::Value x, mlir::Type elementType, bool saturate = false);
  mlir::Value bitcast(mlir::Value x, mlir::Type elementType);
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<ht::Dim> dims);
  mlir::Value broadcastTo(mlir::Value x, llvm::ArrayRef<ht::Dim> dims);
  mlir::Value transpose(mlir::Value x, llvm::ArrayRef<int64_t> permutation);
  mlir::Value slice(mlir::Value x, llvm::ArrayRef<ht::Dim> starts, llvm::ArrayRef<int64_t> strides,
                    llvm::ArrayRef<ht::Dim> sizes);
  mlir::Value concat(mlir::ValueRange parts, int64_t axis);
  /// `x` with the dimension `axis`, if it depends on a symbol, taken to be `size`:
  /// the symbol is bounded so. `x` itself where that cannot be.
  mlir::Value refine(mlir::Value x, int64_t axis, int64_t size);
  mlir::Value reduce(ht::ReduceKind kind, mlir::Value x, llvm::ArrayRef<int64_t> axes);
  mlir::Value matmul(mlir::Value x, mlir::Value y) { return infer<ht::MatMulOp>({x, y}); }
  mlir::Value softmax(mlir::Value x, int64_t axis);
  /// start, start + step, … as a tensor of one dimension.
  mlir::Value iota(ht::Dim size, int64_t start, int64_t step, mlir::Type elementType);
  /// A scalar constant of `elementType`.
  mlir::Value scalar(double value, mlir::Type elementType);
  /// A scalar of the element type of `like`.
  mlir::Value scalarLike(double value, mlir::Value like);
  mlir::Value dim(ht::Dim expr);
  /// The coordinate along `axis` of each element of a tensor of shape `dims`, with
  /// a last axis of 1: one column of a table of index tuples.
  mlir::Value coordinates(llvm::ArrayRef<ht::Dim> dims, int64_t axis, mlir::Type elementType);
  /// For each element of `indices` the tuple of its coordinates, with the element
  /// instead of the one along `axis`.
  mlir::Value indexTuples(mlir::Value indices, int64_t axis);
  /// Of a failed step, none: whoever indexes or looks into them asks `failed()` before.
  ht::Dims dimsOf(mlir::Value value) { return value ? ht::getDims(value) : ht::Dims(); }
  mlir::Type elementTypeOf(mlir::Value value) {
    return value ? mlir::getElementTypeOrSelf(value) : mlir::Type();
  }

private:
  /// Whether all steps so far went well.
  bool check(mlir::ValueRange operands) {
    return !hasFailed && llvm::all_of(operands, [](mlir::Value v) { return bool(v); });
  }
  /// What is bound to a tensor input.
  Binding *binding(unsigned index);
  /// Runs `create`, which may report errors at `loc`, under the node's name.
  bool underName(llvm::function_ref<bool()> create);

  GraphImporter &graph;
  const Node &node;
  Scope &scope;
  int64_t version;
  mlir::Location loc;
  bool hasFailed = false;
};

template <typename OpTy>
mlir::Value NodeImporter::infer(mlir::ValueRange operands, llvm::ArrayRef<mlir::NamedAttribute> attributes) {
  if (!check(operands))
    return {};
  // The op's builder would abort where inference fails, so it is asked first.
  mlir::OperationState state(loc, OpTy::getOperationName(), operands, {}, attributes);
  bool inferred = underName([&] {
    typename OpTy::Properties properties{};
    mlir::DictionaryAttr dictionary = getBuilder().getDictionaryAttr(attributes);
    if constexpr (!std::is_same_v<typename OpTy::Properties, mlir::EmptyProperties>)
      if (mlir::failed(
              OpTy::setPropertiesFromAttr(properties, dictionary, [&] { return mlir::emitError(loc); })))
        return false;
    typename OpTy::Adaptor adaptor(operands, dictionary, properties, {});
    return mlir::succeeded(OpTy::inferReturnTypes(getContext(), loc, adaptor, state.types));
  });
  return inferred ? getBuilder().create(state)->getResult(0) : mlir::Value();
}

} // namespace halftone::onnx

#endif
