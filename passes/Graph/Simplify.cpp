//===- Simplify.cpp - one form for what exporters write in many -------------===//

#include "passes/Graph/Passes.h"
#include "passes/Graph/SimplifyPatterns.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace halftone::graph {
#define GEN_PASS_DEF_SIMPLIFY
#include "passes/Graph/Passes.h.inc"
} // namespace halftone::graph

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;
using namespace halftone::graph;

//===----------------------------------------------------------------------===//
// Broadcasts
//===----------------------------------------------------------------------===//

namespace {

/// The type of elementwise `op` over other operands; null where they do not broadcast.
RankedTensorType getElementwiseType(Operation *op, ValueRange operands) {
  Dims dims;
  for (Value operand : operands) {
    auto wider = broadcast(dims, getDims(operand));
    if (!wider)
      return {};
    dims = *wider;
  }
  return getTensorType(dims, getElementTypeOrSelf(op->getResult(0)));
}

/// elementwise(broadcast(x), y) -> broadcast(elementwise(x, y)); the broadcast
/// vanishes where y has the full shape. Computes no more and often far less.
struct SinkBroadcast : RewritePattern {
  SinkBroadcast(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isElementwise(op))
      return failure();
    SmallVector<Value> operands(op->getOperands());
    bool changed = false;
    for (Value &operand : operands)
      if (auto broadcast = operand.getDefiningOp<BroadcastOp>()) {
        operand = broadcast.getInput();
        changed = true;
      }
    if (!changed)
      return rewriter.notifyMatchFailure(op, "no broadcast operand");
    RankedTensorType type = getElementwiseType(op, operands);
    if (!type)
      return rewriter.notifyMatchFailure(op, "sources do not broadcast");
    Operation *narrow = rewriter.clone(*op);
    narrow->setOperands(operands);
    narrow->getResult(0).setType(type);
    Value result = narrow->getResult(0);
    if (type != op->getResult(0).getType())
      result = BroadcastOp::create(rewriter, op->getLoc(), op->getResult(0).getType(), result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// A splat operand becomes a scalar, where that leaves the result's shape.
struct ShrinkSplat : RewritePattern {
  ShrinkSplat(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!isElementwise(op) || op->getNumOperands() < 2)
      return failure();
    for (OpOperand &operand : op->getOpOperands()) {
      auto type = cast<RankedTensorType>(operand.get().getType());
      auto constant = operand.get().getDefiningOp<ConstantOp>();
      auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
      if (type.getRank() == 0 || !elements || elements.empty() || !elements.isSplat())
        continue;
      SmallVector<Value> others;
      for (OpOperand &other : op->getOpOperands())
        if (&other != &operand)
          others.push_back(other.get());
      if (getElementwiseType(op, others) != op->getResult(0).getType())
        continue;
      auto scalarType = RankedTensorType::get({}, type.getElementType());
      Value scalar =
          ConstantOp::create(rewriter, constant.getLoc(),
                             DenseElementsAttr::get(scalarType, elements.getSplatValue<Attribute>()));
      rewriter.modifyOpInPlace(op, [&] { operand.set(scalar); });
      return success();
    }
    return failure();
  }
};

/// A broadcast of the leading axes of a matmul operand that the other operand has anyway.
struct DropMatMulBroadcast : OpRewritePattern<MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatMulOp op, PatternRewriter &rewriter) const override {
    for (OpOperand &operand : op->getOpOperands()) {
      auto broadcast = operand.get().getDefiningOp<BroadcastOp>();
      if (!broadcast || getDims(broadcast.getInput()).size() < 2)
        continue;
      SmallVector<Value> operands(op->getOperands());
      operands[operand.getOperandNumber()] = broadcast.getInput();
      SmallVector<Type> types;
      if (failed(MatMulOp::inferReturnTypes(op.getContext(), std::nullopt, MatMulOp::Adaptor(operands),
                                            types)) ||
          types.front() != op.getType())
        continue;
      rewriter.modifyOpInPlace(op, [&] { operand.set(broadcast.getInput()); });
      return success();
    }
    return failure();
  }
};

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// 1 / x -> reciprocal(x).
struct DivideOne : OpRewritePattern<DivOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(DivOp op, PatternRewriter &rewriter) const override {
    if (getSplat(op.getLhs()) != 1.0 || op.getRhs().getType() != op.getType() ||
        !isa<FloatType>(getElementTypeOrSelf(op.getType())))
      return failure();
    rewriter.replaceOpWithNewOp<ReciprocalOp>(op, op.getRhs());
    return success();
  }
};

/// reciprocal(sqrt(x)) -> rsqrt(x).
struct ReciprocalOfSqrt : OpRewritePattern<ReciprocalOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(ReciprocalOp op, PatternRewriter &rewriter) const override {
    auto sqrt = op.getInput().getDefiningOp<SqrtOp>();
    if (!sqrt)
      return failure();
    rewriter.replaceOpWithNewOp<RsqrtOp>(op, sqrt.getInput());
    return success();
  }
};

/// x ^ 2 -> x * x; x ^ 0.5 -> sqrt(x); x ^ -0.5 -> rsqrt(x); x ^ -1 -> reciprocal(x).
struct SimplePower : OpRewritePattern<PowOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(PowOp op, PatternRewriter &rewriter) const override {
    auto exponent = getSplat(op.getRhs());
    if (!exponent || op.getLhs().getType() != op.getType())
      return failure();
    if (*exponent == 2)
      rewriter.replaceOpWithNewOp<MulOp>(op, op.getLhs(), op.getLhs());
    else if (*exponent == 1)
      rewriter.replaceOp(op, op.getLhs());
    else if (*exponent == 0.5)
      rewriter.replaceOpWithNewOp<SqrtOp>(op, op.getLhs());
    else if (*exponent == -0.5)
      rewriter.replaceOpWithNewOp<RsqrtOp>(op, op.getLhs());
    else if (*exponent == -1)
      rewriter.replaceOpWithNewOp<ReciprocalOp>(op, op.getLhs());
    else
      return rewriter.notifyMatchFailure(op, "exponent has no operation of its own");
    return success();
  }
};

struct Simplify : graph::impl::SimplifyBase<Simplify> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<SinkBroadcast, ShrinkSplat, DropMatMulBroadcast, DivideOne, ReciprocalOfSqrt, SimplePower>(
        context);
    addPositionPatterns(set);
    addMovementPatterns(set);
    addHeadPatterns(set);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    // Rewrites are exact, so a graph on which two of them chase each other is still
    // right when the driver gives up: worth a remark, not an error.
    if (failed(applyPatternsGreedily(getOperation(), patterns)))
      remark::failed(getOperation().getLoc(), remark::RemarkOpts::name("convergence").category("ht-simplify"))
          << "did not converge";
  }

  FrozenRewritePatternSet patterns;
};

} // namespace
