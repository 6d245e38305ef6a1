//===- LowerLinear.cpp - y = x Wᵀ in register tiles -------------------------===//
//
// A tile is up to 6 rows of x by one panel of 64 outputs, which is walked in parts
// of as many vectors as RegisterTile holds: one with 512-bit vectors, four with
// 256-bit ones.
//
// The tile's sums go to a scratch of 6 x 64 floats, and the operations after the
// root read them there, still in L1: code for the epilogue exists once, however
// many tile heights there are, at a cost of 48 cache accesses in 24 k FMAs.
//
// Order: where x fits in L2, panels are outermost, so each weight is read from
// memory once; else blocks of 96 rows, so that a block of x and a panel stay in
// L2. Threads take contiguous runs of tiles in that order.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/LoopNests.h"
#include "passes/CPU/RegisterTile.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

constexpr int64_t kTileRows = 6;
/// Tiles in a block of rows when x does not fit in L2.
constexpr int64_t kBlockTiles = 16;
/// Bytes of x that may stay in L2 beside the weights that stream through.
constexpr int64_t kResidentBytes = 1 << 20;

class LinearEmitter {
public:
  LinearEmitter(KernelBuilder &kernel, htk::LinearOp root)
      : k(kernel), emitter(kernel), root(root),
        real(kernel.getComputeType(getElementTypeOrSelf(root.getType()))) {
    auto weight = cast<RankedTensorType>(root.getWeight().getType());
    panels = weight.getDimSize(0);
    depth = weight.getDimSize(1);
    panel = weight.getDimSize(2);
    tileColumns = std::min<int64_t>(panel, getTileVectors(k, real) * k.lanes);
    outer = k.getDims(root.getInput());
    outer.pop_back();
    rows = k.constant(1);
    for (Value dim : outer)
      rows = k.mul(rows, dim);
    columns = cast<RankedTensorType>(root.getType()).getShape().back();
    x = root.getInput();
    weights = k.getBuffer(cast<BlockArgument>(root.getWeight()));
    sums = k.scratch(kTileRows * panel, real);
  }

  void emit() {
    Value tiles = k.ceilDiv(rows, kTileRows);
    Value resident = k.less(rows, k.constant(kResidentBytes / (depth * 4) + 1));
    Value blockTiles = k.select(resident, tiles, k.constant(kBlockTiles));
    auto [begin, end] = k.getShare(k.mul(tiles, panels));
    k.loop(begin, end, 1, [&](Value item) {
      Value blockItems = k.mul(blockTiles, panels);
      Value block = k.div(item, blockItems), within = k.rem(item, blockItems);
      Value firstTile = k.mul(block, blockTiles);
      Value tilesHere = k.min(blockTiles, k.sub(tiles, firstTile));
      Value panelIndex = k.div(within, tilesHere);
      Value tile = k.add(firstTile, k.rem(within, tilesHere));
      Value row = k.mul(tile, kTileRows);
      Value rowCount = k.min(k.constant(kTileRows), k.sub(rows, row));
      emitSums(row, rowCount, panelIndex);
      emitEpilogue(row, rowCount, panelIndex);
    });
  }

private:
  /// sums[r, c] for the tile, by code specialised on the number of rows.
  void emitSums(Value row, Value rowCount, Value panelIndex) {
    auto cases = llvm::to_vector(llvm::seq<int64_t>(1, kTileRows));
    auto choice = scf::IndexSwitchOp::create(k.b, k.loc, TypeRange(), rowCount, cases, cases.size());
    OpBuilder::InsertionGuard guard(k.b);
    auto fill = [&](Region &region, int64_t height) {
      k.b.setInsertionPointToEnd(&region.emplaceBlock());
      for (int64_t column = 0; column < panel; column += tileColumns)
        emitTile(row, height, panelIndex, column);
      scf::YieldOp::create(k.b, k.loc);
    };
    fill(choice.getDefaultRegion(), kTileRows);
    for (auto [i, height] : llvm::enumerate(cases))
      fill(choice.getCaseRegions()[i], height);
  }

  void emitTile(Value row, int64_t height, Value panelIndex, int64_t column) {
    int64_t vectors = tileColumns / k.lanes;
    SmallVector<Value> rowStarts;
    for (int64_t r = 0; r < height; ++r)
      rowStarts.push_back(k.mul(k.add(row, r), depth));
    Value panelStart = k.add(k.mul(panelIndex, depth * panel), column);
    Type element = cast<RankedTensorType>(root.getWeight().getType()).getElementType();

    auto x = [&](int64_t r, Value i) { return loadInput(k.add(rowStarts[r], i)); };
    auto w = [&](int64_t v, Value i) {
      Value at = k.add(panelStart, k.mul(i, panel));
      return k.convertFloat(k.load(weights, k.add(at, v * k.lanes), element, {k.lanes, {}}), real);
    };
    SmallVector<Value> tile = RegisterTile{real, height, vectors, x, w}.emit(k, k.constant(depth));
    for (int64_t r = 0; r < height; ++r)
      for (int64_t v = 0; v < vectors; ++v)
        k.store(tile[r * vectors + v], sums, k.constant(r * panel + column + v * k.lanes), {k.lanes, {}});
  }

  Value loadInput(Value position) {
    Value value = k.load(k.getBuffer(cast<BlockArgument>(x)), position,
                         cast<RankedTensorType>(x.getType()).getElementType(), Lanes());
    return k.convertFloat(value, real);
  }

  /// The kernel's result for the tile, from its sums.
  void emitEpilogue(Value row, Value rowCount, Value panelIndex) {
    Value output = k.getYield().getOperand(0);
    SmallVector<Value> dims = k.getDims(output);
    Type rootElement = getElementTypeOrSelf(root.getType());
    Value firstColumn = k.mul(panelIndex, panel);
    bool ragged = columns % panel != 0;
    Value width =
        ragged ? k.min(k.constant(panel), k.sub(k.constant(columns), firstColumn)) : k.constant(panel);
    k.loop(k.constant(0), rowCount, 1, [&](Value r) {
      SmallVector<Value> rowIndices = k.delinearize(k.add(row, r), outer);
      k.vectorLoop(width, k.lanes, [&](Index column, Lanes at) {
        Value local = k.add(k.mul(r, panel), column.base);
        emitter.bind(root.getResult(), [&](ArrayRef<Index>, Lanes wanted) {
          return k.convertFloat(k.load(sums, local, real, wanted), rootElement);
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
  Type real; ///< what is multiplied and summed in
  int64_t panels, depth, panel, tileColumns, columns;
  SmallVector<Value> outer;
  Value rows, x, weights, sums;
};

} // namespace

LogicalResult lowerLinear(KernelBuilder &kernel, htk::LinearOp root) {
  if (!isa<BlockArgument>(root.getInput()) || !isa<BlockArgument>(root.getWeight()))
    return root.emitOpError() << "expects its operands in memory";
  int64_t panel = cast<RankedTensorType>(root.getWeight().getType()).getDimSize(2);
  if (panel % (kernel.lanes == 16 ? 16 : 2 * kernel.lanes) != 0)
    return root.emitOpError() << "panels of " << panel << " rows do not fit vectors of " << kernel.lanes;
  LinearEmitter(kernel, root).emit();
  return success();
}

} // namespace halftone::cpu
