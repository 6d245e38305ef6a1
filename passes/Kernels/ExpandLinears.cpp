//===- ExpandLinears.cpp - linears of computed weights are products ---------===//

#include "passes/Kernels/Passes.h"

#include "mlir/IR/Builders.h"

namespace halftone::kernels {
#define GEN_PASS_DEF_EXPANDLINEARS
#include "passes/Kernels/Passes.h.inc"
} // namespace halftone::kernels

using namespace mlir;
using namespace halftone;

namespace {

void expand(ht::LinearOp linear) {
  OpBuilder b(linear);
  Location loc = linear.getLoc();
  Type element = getElementTypeOrSelf(linear.getType());
  Value weight = linear.getWeight();
  auto type = cast<RankedTensorType>(weight.getType());
  if (type.getElementType() != element)
    weight = ht::CastOp::create(b, loc, ht::withElementType(type, element), weight);
  weight = ht::TransposeOp::create(b, loc, weight, ArrayRef<int64_t>{1, 0});
  Value result = ht::MatMulOp::create(b, loc, linear.getInput(), weight);
  if (linear.getBias())
    result = ht::AddOp::create(b, loc, result, linear.getBias());
  linear.replaceAllUsesWith(result);
  linear.erase();
}

struct ExpandLinearsPass : kernels::impl::ExpandLinearsBase<ExpandLinearsPass> {
  void runOnOperation() override {
    for (auto linear : llvm::make_early_inc_range(getOperation().getOps<ht::LinearOp>()))
      if (!linear.getWeight().getDefiningOp<ht::GetWeightOp>())
        expand(linear);
  }
};

} // namespace
