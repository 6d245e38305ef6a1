//===- Operators.h - the table of ONNX operators ----------------------------===//
//
// One entry per operator: adding one is adding an entry and its handler.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_OPERATORS_H
#define HALFTONE_COMPILER_IMPORT_ONNX_OPERATORS_H

#include "compiler/Import/ONNX/NodeImporter.h"

namespace halftone::onnx {

/// Emits the operations of a node.
using Emit = void (*)(NodeImporter &node);
/// Computes the node's only output from known inputs; nullopt where it cannot,
/// in which case the operations are emitted.
using Evaluate = std::optional<SymbolicTensor> (*)(NodeImporter &node);

struct Operator {
  const char *domain; ///< "" is ai.onnx.
  const char *name;
  int since; ///< First opset of `domain` whose definition is handled,
  int until; ///< and the last (kNewest: all later ones so far).
  Emit emit;
  Evaluate evaluate = nullptr;
  const char *note = nullptr; ///< What is refused, for OPERATORS.md; null: nothing.
};

/// The opsets of ai.onnx that files may use. Older files are accepted where
/// every operator in them means the same today, as the table says.
constexpr int kOldestOpset = 13, kNewestOpset = 28;
constexpr int kNewest = 1 << 30;
/// The newest IR version that this importer was written against.
constexpr int kNewestIRVersion = 14;

/// f of input 0; of half precision it is computed in f32 and rounded once.
template <mlir::Value (*f)(NodeImporter &, mlir::Value)>
void emitRoundedOnce(NodeImporter &node) {
  mlir::Value x = node.input(0);
  if (!x)
    return;
  mlir::Type type = mlir::getElementTypeOrSelf(x);
  bool isNarrow = llvm::isa<mlir::FloatType>(type) && type.getIntOrFloatBitWidth() < 32;
  mlir::Value y = f(node, isNarrow ? node.cast(x, mlir::Float32Type::get(node.getContext())) : x);
  if (y)
    node.setResult(0, node.cast(y, type));
}

// Each in the file Operators<Kind>.cpp.
llvm::ArrayRef<Operator> attentionOperators();
llvm::ArrayRef<Operator> blockQuantizedOperators();
llvm::ArrayRef<Operator> quantizationOperators();
llvm::ArrayRef<Operator> quantizedProductOperators();
llvm::ArrayRef<Operator> contribAttentionOperators();
llvm::ArrayRef<Operator> groupedAttentionOperators();
llvm::ArrayRef<Operator> contribFusedOperators();
llvm::ArrayRef<Operator> contribNormalizationOperators();
llvm::ArrayRef<Operator> recurrentOperators();
llvm::ArrayRef<Operator> activationOperators();
llvm::ArrayRef<Operator> elementwiseOperators();
llvm::ArrayRef<Operator> shapeOperators();
llvm::ArrayRef<Operator> indexingOperators();
llvm::ArrayRef<Operator> contractionOperators();
llvm::ArrayRef<Operator> normalizationOperators();
llvm::ArrayRef<Operator> convolutionOperators();
llvm::ArrayRef<Operator> poolingOperators();
llvm::ArrayRef<Operator> channelNormOperators();
llvm::ArrayRef<Operator> einsumOperators();
llvm::ArrayRef<Operator> padOperators();
llvm::ArrayRef<Operator> resizeOperators();
llvm::ArrayRef<Operator> trigonometryOperators();
llvm::ArrayRef<Operator> oldOpsetOperators();
llvm::ArrayRef<Operator> sourceOperators();
llvm::ArrayRef<Operator> castOperators();
llvm::ArrayRef<Operator> scatterOperators();
llvm::ArrayRef<Operator> dataSizeOperators();
llvm::ArrayRef<Operator> orderOperators();
llvm::ArrayRef<Operator> controlFlowOperators();
llvm::ArrayRef<Operator> sequenceOperators();

/// All entries.
llvm::SmallVector<llvm::ArrayRef<Operator>> operatorTable();

/// The table for people: each operator with its opsets and what is refused, in Markdown.
void printOperators(llvm::raw_ostream &os);

/// The entry for an operator at this opset of its domain, or null.
const Operator *findOperator(llvm::StringRef domain, llvm::StringRef name, int64_t opset);

// Evaluators of known values (Evaluate.cpp), by the operator they stand for.
std::optional<SymbolicTensor> evaluateAdd(NodeImporter &node);
std::optional<SymbolicTensor> evaluateSub(NodeImporter &node);
std::optional<SymbolicTensor> evaluateMul(NodeImporter &node);
std::optional<SymbolicTensor> evaluateDiv(NodeImporter &node);
std::optional<SymbolicTensor> evaluateMod(NodeImporter &node);
std::optional<SymbolicTensor> evaluateMin(NodeImporter &node);
std::optional<SymbolicTensor> evaluateMax(NodeImporter &node);
std::optional<SymbolicTensor> evaluatePow(NodeImporter &node);
std::optional<SymbolicTensor> evaluateNeg(NodeImporter &node);
std::optional<SymbolicTensor> evaluateSqrt(NodeImporter &node);
std::optional<SymbolicTensor> evaluateFloor(NodeImporter &node);
std::optional<SymbolicTensor> evaluateCeil(NodeImporter &node);
std::optional<SymbolicTensor> evaluateReciprocal(NodeImporter &node);
std::optional<SymbolicTensor> evaluateEqual(NodeImporter &node);
std::optional<SymbolicTensor> evaluateLess(NodeImporter &node);
std::optional<SymbolicTensor> evaluateLessOrEqual(NodeImporter &node);
std::optional<SymbolicTensor> evaluateGreater(NodeImporter &node);
std::optional<SymbolicTensor> evaluateGreaterOrEqual(NodeImporter &node);
std::optional<SymbolicTensor> evaluateAnd(NodeImporter &node);
std::optional<SymbolicTensor> evaluateOr(NodeImporter &node);
std::optional<SymbolicTensor> evaluateNot(NodeImporter &node);
std::optional<SymbolicTensor> evaluateWhere(NodeImporter &node);
std::optional<SymbolicTensor> evaluateCast(NodeImporter &node);
std::optional<SymbolicTensor> evaluateIdentity(NodeImporter &node);
// EvaluateShape.cpp
std::optional<SymbolicTensor> evaluateShape(NodeImporter &node);
std::optional<SymbolicTensor> evaluateSize(NodeImporter &node);
std::optional<SymbolicTensor> evaluateRange(NodeImporter &node);
std::optional<SymbolicTensor> evaluateConstantOfShape(NodeImporter &node);
std::optional<SymbolicTensor> evaluateReshape(NodeImporter &node);
std::optional<SymbolicTensor> evaluateSqueeze(NodeImporter &node);
std::optional<SymbolicTensor> evaluateUnsqueeze(NodeImporter &node);
std::optional<SymbolicTensor> evaluateConcat(NodeImporter &node);
std::optional<SymbolicTensor> evaluateGather(NodeImporter &node);
std::optional<SymbolicTensor> evaluateOneHot(NodeImporter &node);
std::optional<SymbolicTensor> evaluateSlice(NodeImporter &node);
std::optional<SymbolicTensor> evaluateExpand(NodeImporter &node);
std::optional<SymbolicTensor> evaluateTranspose(NodeImporter &node);
std::optional<SymbolicTensor> evaluateReduceProd(NodeImporter &node);
std::optional<SymbolicTensor> evaluateReduceSum(NodeImporter &node);
std::optional<SymbolicTensor> evaluateReduceMax(NodeImporter &node);
std::optional<SymbolicTensor> evaluateReduceMin(NodeImporter &node);

} // namespace halftone::onnx

#endif
