//===- LowerMatMul.cpp - products of two activations ------------------------===//
//
// A tile is up to 6 rows of x by one panel of as many columns of y as registers
// hold (RegisterTile), read where they are: rows of y are contiguous. A work item
// is (batch, panel, tile), tiles innermost, so that a panel of y stays in cache
// while x goes by. Rows past the last are computed on the last one and dropped;
// columns past the last are masked. What follows the root reads the tile's sums
// from a scratch in L1.
//
// Where y is a column, rows of x and y itself are contiguous along the sum: lanes
// run there.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/LoopNests.h"
#include "passes/CPU/RegisterTile.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

constexpr int64_t kTileRows = 6;

class MatMulEmitter {
public:
  MatMulEmitter(KernelBuilder &kernel, ht::MatMulOp root) : k(kernel), emitter(kernel), root(root) {
    Type stored = getElementTypeOrSelf(root.getType());
    element = isa<FloatType>(stored) ? k.getComputeType(stored) : k.getType(stored, 1);
    lhsDims = k.getDims(root.getLhs());
    rhsDims = k.getDims(root.getRhs());
    resultDims = k.getDims(root.getResult());
    isRow = lhsDims.size() == 1;
    isColumn = rhsDims.size() == 1;
    depth = lhsDims.back();
    rows = isRow ? k.constant(1) : lhsDims[lhsDims.size() - 2];
    columns = isColumn ? k.constant(1) : rhsDims.back();
    batchDims.assign(resultDims.begin(), resultDims.end() - (isRow ? 0 : 1) - (isColumn ? 0 : 1));
  }

  void emit() {
    // A panel is a tile wide, but where fewer columns are known to exist.
    vectors = getTileVectors(k, element);
    if (auto known = getConstant(columns))
      vectors = std::clamp<int64_t>(llvm::divideCeil(*known, k.lanes), 1, vectors);
    panel = vectors * k.lanes;
    sums = k.scratch(kTileRows * panel, element);
    Value tiles = k.ceilDiv(rows, kTileRows), panels = k.ceilDiv(columns, panel);
    auto [begin, end] = k.getShare(k.mul(k.mul(k.getProduct(batchDims), panels), tiles));
    k.loop(begin, end, 1, [&](Value item) {
      firstRow = k.mul(k.rem(item, tiles), kTileRows);
      Value rest = k.div(item, tiles);
      firstColumn = k.mul(k.rem(rest, panels), panel);
      batch = k.delinearize(k.div(rest, panels), batchDims);
      left = getStart(root.getLhs(), lhsDims, isRow);
      right = getStart(root.getRhs(), rhsDims, isColumn);
      width = k.min(k.constant(panel), k.sub(columns, firstColumn));
      rowCount = k.min(k.constant(kTileRows), k.sub(rows, firstRow));
      emitSums();
      emitEpilogue();
    });
  }

  /// Binds the result's elements where y is a column.
  void bindDots(ElementEmitter &dots) {
    dots.bind(root.getResult(), [this](ArrayRef<Index> indices, Lanes) -> Value {
      batch.clear();
      for (Index index : indices.take_front(batchDims.size()))
        batch.push_back(index.base);
      left = getStart(root.getLhs(), lhsDims, isRow);
      right = getStart(root.getRhs(), rhsDims, isColumn);
      Value start = isRow ? left : k.add(left, k.mul(indices[batchDims.size()].base, depth));
      Value zero = k.getZero(element, k.lanes);
      Value partial = k.vectorFold(depth, k.lanes, zero, [&](Index i, Lanes lanes, Value before) -> Value {
        Value x = load(root.getLhs(), k.add(start, i.base), lanes);
        Value y = load(root.getRhs(), k.add(right, i.base), lanes);
        if (isa<FloatType>(element))
          return vector::FMAOp::create(k.b, k.loc, x, y, before);
        return arith::AddIOp::create(k.b, k.loc, before, arith::MulIOp::create(k.b, k.loc, x, y));
      });
      return narrow(vector::ReductionOp::create(k.b, k.loc, vector::CombiningKind::ADD, partial));
    });
    dots.limitLanes(root.getResult(), [](int64_t) { return false; });
  }

  bool hasOneColumn() { return getConstant(columns) == 1; }

private:
  static std::optional<int64_t> getConstant(Value size) { return getConstantIntValue(size); }

  Value load(Value tensor, Value position, Lanes lanes) {
    Value value = k.load(k.getBuffer(cast<BlockArgument>(tensor)), position,
                         getElementTypeOrSelf(tensor.getType()), lanes);
    return isa<FloatType>(element) ? k.convertFloat(value, element) : value;
  }
  Value narrow(Value value) {
    return isa<FloatType>(element) ? k.convertFloat(value, getElementTypeOrSelf(root.getType())) : value;
  }

  /// Where the matrix of this batch begins, under numpy broadcasting of the leading axes.
  Value getStart(Value tensor, ArrayRef<Value> dims, bool isVector) {
    ht::Dims exprs = ht::getDims(tensor);
    size_t count = isVector ? 0 : dims.size() - 2;
    Value position = k.constant(0);
    for (auto [i, index] : llvm::enumerate(ArrayRef<Value>(batch).take_back(count)))
      position = k.add(k.mul(position, dims[i]), ht::getConstant(exprs[i]) == 1 ? k.constant(0) : index);
    return isVector ? position : k.mul(position, k.mul(dims[count], dims[count + 1]));
  }

  /// By code for one row (decoding) or for all, with whole panels or the last one.
  void emitSums() {
    auto whole = getConstant(columns), height = getConstant(rows);
    auto forHeight = [&](int64_t tileRows) {
      if (whole && *whole % panel == 0)
        emitTile(tileRows, /*masked=*/false);
      else if (whole && *whole < panel)
        emitTile(tileRows, /*masked=*/true);
      else
        k.branch(
            k.less(width, k.constant(panel)), [&] { emitTile(tileRows, /*masked=*/true); },
            [&] { emitTile(tileRows, /*masked=*/false); });
    };
    if (height)
      forHeight(std::min(*height, kTileRows));
    else
      k.branch(
          k.less(rowCount, k.constant(2)), [&] { forHeight(1); }, [&] { forHeight(kTileRows); });
  }

  void emitTile(int64_t height, bool masked) {
    SmallVector<Value> starts;
    for (int64_t r = 0; r < height; ++r) {
      Value row = k.min(k.add(firstRow, r), k.sub(rows, k.constant(1)));
      starts.push_back(k.add(left, k.mul(row, depth)));
    }
    SmallVector<Lanes> lanes(vectors, Lanes{k.lanes, {}});
    if (masked)
      for (int64_t v = 0; v < vectors; ++v)
        lanes[v].mask = vector::CreateMaskOp::create(k.b, k.loc, VectorType::get({k.lanes}, k.b.getI1Type()),
                                                     ValueRange{k.sub(width, k.constant(v * k.lanes))});
    auto x = [&](int64_t r, Value i) { return load(root.getLhs(), k.add(starts[r], i), Lanes()); };
    auto y = [&](int64_t v, Value i) {
      Value row = k.add(k.add(right, firstColumn), k.mul(i, columns));
      return load(root.getRhs(), k.add(row, v * k.lanes), lanes[v]);
    };
    SmallVector<Value> tile = RegisterTile{element, height, vectors, x, y}.emit(k, depth);
    for (auto [i, sum] : llvm::enumerate(tile))
      k.store(sum, sums, k.constant(static_cast<int64_t>(i) * k.lanes), {k.lanes, {}});
  }

  /// The kernel's result for the tile, from its sums.
  void emitEpilogue() {
    Value output = k.getYield().getOperand(0);
    k.loop(k.constant(0), rowCount, 1, [&](Value r) {
      k.vectorLoop(width, k.lanes, [&](Index column, Lanes at) {
        Value local = k.add(k.mul(r, panel), column.base);
        emitter.bind(root.getResult(), [&](ArrayRef<Index>, Lanes wanted) {
          return narrow(k.load(sums, local, element, wanted));
        });
        Indices indices;
        for (Value index : batch)
          indices.push_back({index, false});
        if (!isRow)
          indices.push_back({k.add(firstRow, r), false});
        indices.push_back({k.add(firstColumn, column.base), column.lane});
        k.store(emitter.getVector(output, indices, at), k.getOutput(0), k.linearize(resultDims, indices).base,
                at);
      });
    });
  }

  KernelBuilder &k;
  ElementEmitter emitter;
  ht::MatMulOp root;
  Type element; ///< what is multiplied and summed in
  SmallVector<Value> lhsDims, rhsDims, resultDims, batchDims;
  bool isRow, isColumn;
  int64_t vectors, panel;
  Value depth, rows, columns;
  Value sums, firstRow, firstColumn, width, rowCount, left, right;
  SmallVector<Value> batch;
};

} // namespace

LogicalResult lowerMatMul(KernelBuilder &kernel, ht::MatMulOp root) {
  if (!isa<BlockArgument>(root.getLhs()) || !isa<BlockArgument>(root.getRhs()))
    return root.emitOpError() << "expects its operands in memory";
  MatMulEmitter product(kernel, root);
  if (!product.hasOneColumn()) {
    product.emit();
    return success();
  }
  return lowerRows(kernel, root, [&](ElementEmitter &emitter) { product.bindDots(emitter); });
}

} // namespace halftone::cpu
