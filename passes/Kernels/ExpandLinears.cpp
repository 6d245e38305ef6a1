//===- ExpandLinears.cpp - linears of computed weights are products ---------===//

#include "passes/Kernels/Passes.h"

#include "dialects/HTK/HTKDialect.h"
#include "dialects/HTK/Packing.h"
#include "dialects/HTQ/HTQOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

namespace halftone::kernels {
#define GEN_PASS_DEF_EXPANDLINEARS
#include "passes/Kernels/Passes.h.inc"
} // namespace halftone::kernels

using namespace mlir;
using namespace halftone;

namespace {

bool isParameter(Value weight) { return weight.getDefiningOp<ht::GetWeightOp>() != nullptr; }

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

/// Null if kernels can read the weight's leaves packed, else the reason.
const char *whyNotPacked(htq::LinearOp linear) {
  ht::Dims x = ht::getDims(linear.getInput().front()), y = ht::getDims(linear.getResult());
  if (!llvm::all_of(linear.getWeight(), isParameter))
    return "the weight is not a parameter of the model";
  int64_t n = *ht::getConstant(y.back()), k = *ht::getConstant(x.back());
  if (const char *reason = htk::whyNotPacked(linear.getInputTerm(), linear.getWeightTerm(), n, k))
    return reason;
  for (auto [value, leaf] :
       llvm::zip_equal(linear.getWeight(), htk::getPackedLeaves(linear.getWeightTerm(), n, k)))
    if (value.getType() != leaf.rows)
      return "its codebook has not one entry for each code";
  return nullptr;
}

/// The linear on the values of its terms.
ht::LinearOp dequantize(htq::LinearOp linear) {
  OpBuilder b(linear);
  auto result = cast<RankedTensorType>(linear.getType());
  auto getValue = [&](Attribute term, ValueRange leaves) -> Value {
    if (isa<TypeAttr>(term))
      return leaves.front();
    auto type =
        ht::withElementType(cast<RankedTensorType>(leaves.front().getType()), result.getElementType());
    return htq::DequantizeOp::create(b, linear.getLoc(), type, term, leaves);
  };
  Value x = getValue(linear.getInputTerm(), linear.getInput()),
        w = getValue(linear.getWeightTerm(), linear.getWeight());
  if (getElementTypeOrSelf(x) != result.getElementType())
    x = ht::CastOp::create(b, linear.getLoc(),
                           ht::withElementType(cast<RankedTensorType>(x.getType()), result.getElementType()),
                           x);
  auto plain = ht::LinearOp::create(b, linear.getLoc(), result, x, w, Value());
  linear.replaceAllUsesWith(plain.getResult());
  linear.erase();
  return plain;
}

struct ExpandLinearsPass : kernels::impl::ExpandLinearsBase<ExpandLinearsPass> {
  void runOnOperation() override {
    for (auto linear : llvm::make_early_inc_range(getOperation().getOps<htq::LinearOp>()))
      if (const char *reason = whyNotPacked(linear)) {
        remark::missed(linear.getLoc(),
                       remark::RemarkOpts::name("dequantized").category("htk-expand-linears"))
            << "computed with values instead of codes: " << reason;
        dequantize(linear);
      }
    for (auto linear : llvm::make_early_inc_range(getOperation().getOps<ht::LinearOp>()))
      if (!isParameter(linear.getWeight()))
        expand(linear);
  }
};

} // namespace
