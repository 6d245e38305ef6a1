//===- GraphImporter.h - state of one import --------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_GRAPHIMPORTER_H
#define HALFTONE_COMPILER_IMPORT_ONNX_GRAPHIMPORTER_H

#include "compiler/Import/ONNX/Constants.h"
#include "compiler/Import/ONNX/Importer.h"
#include "compiler/Import/ONNX/PastDimensions.h"
#include "compiler/Import/ONNX/Remedies.h"
#include "compiler/Import/ONNX/Survey.h"
#include "compiler/Import/ONNX/SymbolicValue.h"
#include "compiler/Import/ONNX/TensorData.h"

#include "dialects/HT/HTOps.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace halftone::onnx {

/// What the importer has for one ONNX value. A tensor is a known small one,
/// operations that compute it, an initializer not used so far, or several of
/// these. A sequence is the list of its elements and an optional a list of at
/// most one, and text is a tensor of strings: all exist at import alone.
struct Binding {
  enum class Kind { Tensor, Sequence, Optional, Text };

  Kind kind = Kind::Tensor;
  std::vector<Binding> elements; ///< Of a sequence or an optional.
  const Tensor *text = nullptr;
  mlir::RankedTensorType type;   ///< The rest is a tensor's.
  mlir::Value value;
  std::optional<SymbolicTensor> known;
  const Tensor *initializer = nullptr;
  llvm::StringRef name; ///< Of the initializer.
  bool failed = false;  ///< What makes it was refused: nothing is known of it.
};

/// Names visible to a run of nodes: a graph, a branch or a function body.
struct Scope {
  llvm::StringMap<Binding> values;
  Scope *parent = nullptr;            ///< Branches see the names around them.
  const Node *call = nullptr;         ///< In a function body: the calling node,
  const Scope *caller = nullptr;      ///< where its attributes are looked up,
  const Function *function = nullptr; ///< and the function.
  llvm::ArrayRef<OperatorSet> operatorSets;
  llvm::StringSet<> live; ///< Values that something uses.
  unsigned depth = 0;

  llvm::StringSet<> absent; ///< Inputs of a function that the call left out.

  Binding *lookup(llvm::StringRef name);
  bool isAbsent(llvm::StringRef name) const;
};

/// What an input holds that is a sequence or an optional.
struct ElementShapes {
  bool present = true;
  std::vector<llvm::SmallVector<int64_t>> shapes;
};

class GraphImporter {
public:
  GraphImporter(const Model &model, llvm::StringRef path, mlir::MLIRContext &context,
                const ImportOptions &options);

  mlir::OwningOpRef<mlir::ModuleOp> run();

  /// After `run` failed: why.
  ImportFailure getFailure() const { return cause; }

  /// Reports that `node` cannot be imported: "node 'x' (Op): <cause>", with the
  /// remedy as a note. The node's name, its operator and the cause are the
  /// diagnostic's metadata.
  void refuse(const Node &node, const llvm::Twine &cause, llvm::StringRef remedy);

  mlir::MLIRContext *getContext() { return &context; }
  mlir::OpBuilder &getBuilder() { return builder; }
  Symbols &getSymbols() { return symbols; }
  TensorReader &getTensors() { return tensors; }
  ImportReport *getReport() { return options.report; }

  /// The value as data, emitting what it takes; null after an error at `loc`.
  mlir::Value materialize(Binding &binding, mlir::Location loc);
  mlir::Value materialize(const SymbolicTensor &known, mlir::Location loc);

  /// Binds `tensor` as a constant or a weight; an error names `what`.
  mlir::LogicalResult bindTensor(Binding &binding, const Tensor &tensor, mlir::Location loc,
                                 llvm::StringRef what);

  /// A weight whose initializer is that of `binding` converted to `type`; null
  /// where `binding` is no weight.
  mlir::Value castWeight(Binding &binding, mlir::RankedTensorType type, mlir::Location loc);
  /// Where all `values` are weights or constants, one weight at least: one whose
  /// recipe goes on from theirs with `transform`, called "<first weight>.<suffix>".
  /// Else null.
  mlir::Value deriveWeight(mlir::ValueRange values, llvm::StringRef suffix,
                           llvm::function_ref<mlir::Value(mlir::ValueRange)> transform);

  /// The elements of an initializer of at most SymbolicTensor::kMaxElements.
  std::optional<SymbolicTensor> readInitializer(const Binding &binding);

  /// Imports the live nodes of `scope` in order.
  mlir::LogicalResult importNodes(llvm::ArrayRef<Node> nodes, Scope &scope);
  /// Imports `body`, a graph of `node`, in place, and appends what its outputs are.
  mlir::LogicalResult importBody(const Graph &body, const Node &node, llvm::ArrayRef<Binding> inputs,
                                 Scope &scope, std::vector<Binding> &outputs);
  /// Counts `steps` more nodes; false, after an error, where they are too many.
  bool spend(size_t steps);

  /// A copy of `binding` for another name; both share what is emitted.
  Binding share(Binding &binding, mlir::Location loc);

  /// The attribute of `node`, where it refers to one of the enclosing function
  /// that of the call; null where there is none.
  const Attribute *findAttribute(const Node &node, const Scope &scope, llvm::StringRef name) const;

  /// Inputs of the model that `binding` is computed from, for messages.
  llvm::SmallVector<std::string> findSources(const Binding &binding);

  /// Where diagnostics about `node` and its operations point.
  mlir::Location getLocation(const Node &node);

  /// Lowers the largest value of the symbol in `expr` so that `expr` <= `limit`;
  /// false where that is not possible.
  bool boundSymbol(ht::Dim expr, int64_t limit, mlir::Location loc, llvm::StringRef reason);
  /// Raises the smallest value of the symbols in `expr` so that `expr` >= `limit`;
  /// false where that is not possible.
  bool boundBelow(ht::Dim expr, int64_t limit, mlir::Location loc, llvm::StringRef reason);

private:
  /// An error about the file, with the cause's remedy as a note.
  mlir::InFlightDiagnostic error(Cause cause = Cause::Other);
  /// Remembers why the import fails; called where something is reported.
  void note(ImportFailure kind);
  /// Whether the import goes on after a step.
  bool goOnAfter(mlir::LogicalResult result);
  mlir::LogicalResult checkVersions();
  mlir::LogicalResult checkOperators(const Graph &graph);
  /// Binds the inputs that the user made constants and takes them from `inputs`.
  mlir::LogicalResult bindConstants(llvm::SmallVectorImpl<const ValueInfo *> &inputs, Scope &scope);
  mlir::LogicalResult bindInputs(const Graph &graph, Scope &scope);
  mlir::LogicalResult bindInput(const ValueInfo &input, llvm::ArrayRef<ht::Dim> dims, Scope &scope);
  /// Reads what the user says that `inputs` hold, before there are symbols.
  mlir::LogicalResult readElements(llvm::ArrayRef<const ValueInfo *> inputs);
  /// Binds an input that is a sequence or an optional to what it holds.
  mlir::LogicalResult bindElements(const ValueInfo &input, Scope &scope);
  Binding addArgument(llvm::StringRef name, mlir::RankedTensorType type);
  mlir::LogicalResult applyMaxima();
  mlir::LogicalResult bindInitializers(const Graph &graph, Scope &scope);
  mlir::LogicalResult importNode(const Node &node, Scope &scope);
  /// Nullopt for numbers that no expression has.
  std::optional<SymbolicTensor> readLiteral(mlir::DenseElementsAttr values);
  /// Computes what `node` became, from `op` on, where it is made of literals: its
  /// outputs are then known as they would be from a fold of the operator.
  void foldFrom(mlir::Operation *op, const Node &node, Scope &scope);
  mlir::LogicalResult inlineFunction(const Function &function, const Node &node, Scope &scope);
  mlir::LogicalResult finish(const Graph &graph, Scope &scope);
  /// What `binding`, part of `output`, adds to the results of the program.
  mlir::LogicalResult addResults(const ValueInfo &output, const llvm::Twine &name, Binding &binding,
                                 llvm::SmallVectorImpl<mlir::Value> &results,
                                 llvm::SmallVectorImpl<mlir::Attribute> &names);
  void reportUnsupported(const Node &node, int64_t opset, unsigned count);
  /// What stands for an output of a refused node, so that the nodes after it are
  /// looked at: a value of the type that the file declares, where it does.
  Binding getPlaceholder(llvm::StringRef name, const Scope &scope);
  ht::WeightOp createWeight(llvm::StringRef name, mlir::RankedTensorType type, mlir::Location loc);
  /// The value of `binding`'s initializer as a weight of `type`.
  mlir::Value getWeight(const Binding &binding, mlir::RankedTensorType type, mlir::Location loc);
  std::optional<ht::Dim> parseDimension(llvm::StringRef text);
  void removeDeadCode();
  llvm::SmallVector<mlir::DictionaryAttr> getNameAttributes(llvm::ArrayRef<mlir::Attribute> names);
  /// Enters the types of the values of `scope` into the report.
  void reportValues(const Scope &scope);

  const Model &model;
  std::string path;
  mlir::MLIRContext &context;
  const ImportOptions &options;
  mlir::Location fileLoc;
  mlir::OpBuilder builder;
  Symbols symbols;
  Constants constants;
  ExternalFiles files;
  TensorReader tensors;
  mlir::ModuleOp module;
  mlir::func::FuncOp main;
  std::optional<PastDimensions> past; ///< Of a decoder with keys and values of earlier tokens.
  llvm::StringMap<ElementShapes> elements;
  llvm::SmallVector<mlir::Attribute> argumentNames;
  llvm::StringSet<> weightNames;
  llvm::DenseMap<const Node *, unsigned> nodeIndex;
  /// By the type that a weight has, which need not be its tensor's.
  llvm::DenseMap<std::pair<const Tensor *, mlir::Type>, ht::WeightOp> weights;
  Functions functions;
  /// Operators that `checkOperators` reported.
  llvm::DenseSet<std::pair<std::pair<llvm::StringRef, llvm::StringRef>, int64_t>> missing;
  std::vector<ValueInfo> declared; ///< Read at the first placeholder.
  std::optional<llvm::StringMap<const ValueInfo *>> declarations;
  ImportFailure cause = ImportFailure::None;
  llvm::DenseSet<mlir::Attribute> resultNames;
  size_t inlined = 0;
  size_t refused = 0;
  bool atLimit = false; ///< Going on makes no sense.
};

} // namespace halftone::onnx

#endif
