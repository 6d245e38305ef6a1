//===- ExpandUpdates.cpp - updates of what is no state ----------------------===//

#include "passes/Graph/IndexExpr.h"
#include "passes/Graph/Passes.h"
#include "passes/Graph/Raise.h"

namespace halftone::graph {
#define GEN_PASS_DEF_EXPANDUPDATES
#include "passes/Graph/Passes.h.inc"
} // namespace halftone::graph

using namespace mlir;
using namespace halftone;
using namespace halftone::ht;
using namespace halftone::graph;

namespace {

constexpr llvm::StringLiteral kPass = "ht-expand-updates";

/// Whether programs have a place where `op` writes.
bool updatesState(UpdateOp op) {
  Value state = op.getState();
  while (auto before = state.getDefiningOp<UpdateOp>())
    state = before.getState();
  auto argument = dyn_cast<BlockArgument>(state);
  return argument && isState(op->getParentOfType<func::FuncOp>(), argument.getArgNumber());
}

/// Whether row b is updated by row b.
bool isInOrder(UpdateOp op) {
  auto rows = getIndexExpr(op.getSequences());
  Dims dims = getDims(op.getState());
  return rows && getConstant(rows->offset) == 0 && dims[0] == getDims(op.getInput())[0] &&
         getConstant(rows->strides[0]) == (getConstant(dims[0]) == 1 ? 0 : 1);
}

/// A choice between the old row and the new one, for every row.
void expand(UpdateOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  Dims dims = getDims(op.getState()), tokens = getDims(op.getInput());
  Dim one = getAffineConstantExpr(1, b.getContext());
  Type i64 = b.getI64Type();
  Dims column = {dims[0], dims[1], one};
  auto make = [&](int64_t number) { return makeSplat(b, loc, number, i64); };
  Value start = op.getStart();
  if (getElementTypeOrSelf(start) != i64)
    start = CastOp::create(b, loc, getTensorType(dims[0], i64), start);
  Value row = IotaOp::create(b, loc, getTensorType(dims[1], i64), 0, 1);
  // How far behind the first new token a row is, [batch, rows].
  Value fresh = SubOp::create(b, loc, row, graph::reshape(b, loc, start, {dims[0], one}));
  Value count =
      DimOp::create(b, loc, RankedTensorType::get({}, i64), DimsAttr::get(b.getContext(), tokens[1]));
  Value isNew = AndOp::create(b, loc, CompareOp::create(b, loc, ComparePredicate::GE, fresh, make(0)),
                              CompareOp::create(b, loc, ComparePredicate::LT, fresh, count));
  // Rows that are not new are read anywhere.
  Value last = SubOp::create(b, loc, count, make(1));
  Value token = MaxOp::create(b, loc, MinOp::create(b, loc, fresh, last), make(0));
  Value batch = IotaOp::create(b, loc, getTensorType(dims[0], i64), 0, 1);
  batch = BroadcastOp::create(b, loc, getTensorType(column, i64),
                              graph::reshape(b, loc, batch, {dims[0], one, one}));
  Value indices = ConcatOp::create(b, loc, ValueRange{batch, graph::reshape(b, loc, token, column)}, 2);
  Value chosen = GatherNDOp::create(b, loc, op.getInput(), indices);
  Dims perRow(dims.size(), one);
  perRow[0] = dims[0];
  perRow[1] = dims[1];
  Value result = WhereOp::create(b, loc, graph::reshape(b, loc, isNew, perRow), chosen, op.getState());
  op.replaceAllUsesWith(result);
  op.erase();
}

struct ExpandUpdates : graph::impl::ExpandUpdatesBase<ExpandUpdates> {
  void runOnOperation() override {
    SmallVector<UpdateOp> updates(getOperation().getOps<UpdateOp>());
    for (UpdateOp op : updates) {
      if (updatesState(op))
        continue;
      if (!isInOrder(op)) {
        op.emitOpError() << "of what is no state of the graph needs its sequences in order";
        return signalPassFailure();
      }
      remark::passed(op.getLoc(),
                     remark::RemarkOpts::name("ht.update").category(kPass).function(getOperation().getName()))
          << "a cache that is an input is copied at every step";
      expand(op);
    }
  }
};

} // namespace
