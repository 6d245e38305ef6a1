//===- LowerLinear.cpp - y = x Wᵀ, tile by tile ------------------------------===//
//
// A work item is a tile of rows of x by one panel of 64 outputs, whose sums a
// LinearProduct makes and leaves in L1; the operations after the root read them there,
// so code for the epilogue exists once, at a cost of 48 cache accesses in 24 k FMAs.
//
// Order: blocks of rows that stay in L2, in a block panels outermost, so that a panel is read
// from memory once for a block. What a product needs of x (sums of codes) is made once for
// a block. Threads take contiguous runs of tiles in that order.
//
// With a tile instruction there are two such nests, and the number of rows decides.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/LinearProducts.h"
#include "passes/CPU/LoopNests.h"

#include "dialects/HTQ/Terms.h"

#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

class LinearEmitter {
public:
  LinearEmitter(KernelBuilder &kernel, htk::LinearOp root, LinearProduct &product)
      : k(kernel), emitter(kernel), root(root), product(product) {
    outer = k.getDims(root.getInput().front());
    outer.pop_back();
    rows = k.getProduct(outer);
    columns = cast<RankedTensorType>(root.getType()).getShape().back();
    panels = llvm::divideCeil(columns, panel);
  }

  void emit() {
    int64_t tileRows = product.getTileRows(), blockTiles = product.getBlockRows() / tileRows;
    Value tiles = k.ceilDiv(rows, tileRows), blockItems = k.constant(blockTiles * panels);
    auto [begin, end] = k.getShare(k.mul(tiles, panels));
    Value blocks = k.div(k.add(end, k.sub(blockItems, k.constant(1))), blockItems);
    k.loop(k.div(begin, blockItems), blocks, 1, [&, begin = begin, end = end](Value block) {
      Value firstItem = k.mul(block, blockItems), firstTile = k.mul(block, blockTiles);
      Value tilesHere = k.min(k.constant(blockTiles), k.sub(tiles, firstTile));
      Value firstRow = k.mul(firstTile, tileRows);
      product.beginBlock(firstRow, k.min(k.mul(tilesHere, tileRows), k.sub(rows, firstRow)));
      Value last = k.min(end, k.add(firstItem, blockItems));
      k.loop(k.max(begin, firstItem), last, 1, [&](Value item) {
        Value within = k.sub(item, firstItem);
        Value panelIndex = k.div(within, tilesHere);
        Value row = k.mul(k.add(firstTile, k.rem(within, tilesHere)), tileRows);
        Value rowCount = k.min(k.constant(tileRows), k.sub(rows, row));
        product.emitTile(row, rowCount, panelIndex);
        emitEpilogue(row, rowCount, panelIndex);
      });
    });
    product.endBlocks();
  }

private:
  static constexpr int64_t panel = htk::Packing::kPanel;

  /// x's scale of a row, where there is one for all of k.
  Value getInputScale(Value row) {
    if (root.getInput().size() < 2)
      return {};
    auto type = cast<RankedTensorType>(root.getInput()[1].getType());
    if (type.getShape().back() != 1)
      return {};
    Value buffer = k.getBuffer(cast<BlockArgument>(root.getInput()[1]));
    return k.convertFloat(k.load(buffer, row, type.getElementType(), Lanes()), product.getSumType());
  }

  /// The kernel's result for the tile, from its sums.
  void emitEpilogue(Value row, Value rowCount, Value panelIndex) {
    Value output = k.getYield().getOperand(0);
    Type rootElement = getElementTypeOrSelf(root.getType());
    Value firstColumn = k.mul(panelIndex, panel);
    bool ragged = columns % panel != 0;
    Value width =
        ragged ? k.min(k.constant(panel), k.sub(k.constant(columns), firstColumn)) : k.constant(panel);
    k.loop(k.constant(0), rowCount, 1, [&](Value r) {
      SmallVector<Value> rowIndices = k.delinearize(k.add(row, r), outer);
      Value scale = getInputScale(k.add(row, r));
      k.vectorLoop(width, k.lanes, [&](Index column, Lanes at) {
        emitter.bind(root.getResult(), [&](ArrayRef<Index>, Lanes wanted) {
          Value sum = product.loadSums(r, column.base, wanted);
          if (scale)
            sum = arith::MulFOp::create(k.b, k.loc, sum, k.splat(scale, wanted.width));
          return k.convertFloat(sum, rootElement);
        });
        Indices indices;
        for (Value index : rowIndices)
          indices.push_back({index, false});
        Value globalColumn = k.add(firstColumn, column.base);
        indices.push_back({globalColumn, column.lane});
        Value result = emitter.getVector(output, indices, at);
        Value position = k.add(k.mul(k.add(row, r), columns), globalColumn);
        k.store(result, k.getOutput(0), position, at);
      });
    });
  }

  KernelBuilder &k;
  ElementEmitter emitter;
  htk::LinearOp root;
  LinearProduct &product;
  int64_t columns, panels;
  SmallVector<Value> outer;
  Value rows;
};

} // namespace

LogicalResult lowerLinear(KernelBuilder &kernel, htk::LinearOp root) {
  if (!llvm::all_of(root->getOperands(), llvm::IsaPred<BlockArgument>))
    return root.emitOpError() << "expects its operands in memory";
  htk::ProductKind kind = htk::getProductKind(root.getInputTerm(), root.getWeightTerm());
  SmallVector<const htk::Intrinsic *> intrinsics = htk::selectIntrinsics(kernel.cpu, kind);
  const htk::Intrinsic &tile = *intrinsics.front(), &vector = *intrinsics.back();
  auto emitVectors = [&] {
    auto product =
        vector.kind == htk::ProductKind::Values
            ? makeValueProduct(kernel, root, kernel.getComputeType(getElementTypeOrSelf(root.getType())))
            : makeDotProduct(kernel, root, vector);
    LinearEmitter(kernel, root, *product).emit();
  };
  const char *reason = tile.isTile() ? whyNotTiles(root, tile) : nullptr;
  if (reason)
    remark::missed(root.getLoc(), remark::RemarkOpts::name("no tiles").category("htk-lower-kernels"))
        << vector.name << " instead of " << tile.name << ": " << reason;
  if (!tile.isTile() || reason) {
    emitVectors();
    return success();
  }
  SmallVector<Value> outer = kernel.getDims(root.getInput().front());
  outer.pop_back();
  kernel.branch(kernel.less(kernel.getProduct(outer), kernel.constant(tile.leastRows)), emitVectors,
                [&] { LinearEmitter(kernel, root, *makeTileProduct(kernel, root, tile, vector)).emit(); });
  return success();
}

} // namespace halftone::cpu
