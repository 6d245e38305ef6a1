//===- LowerLinear.cpp - y = x Wᵀ, tile by tile ------------------------------===//
//
// A work item is a tile of rows of x by one panel of 64 outputs, whose sums a
// LinearProduct makes and leaves in L1; the operations after the root read them there,
// so code for the epilogue exists once, at a cost of 48 cache accesses in 24 k FMAs.
// Linears that meet in one result have their sums side by side.
//
// Order: blocks of rows that stay in L2, in a block panels outermost, so that a panel is read
// from memory once for a block; results of a kernel one after the other. What products need
// of x (codes of it, where the kernel quantizes; sums of codes) is made once for a block.
//
// Threads take contiguous runs of tiles in that order. Each quantizes the blocks that it has
// tiles of, so that none waits for another, at the cost of quantizing what others do too. With
// many rows, threads take rows of their own, at the cost of reading all weights each.
//
// With a tile instruction there are two such nests, and the number of rows decides.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/LinearParts.h"
#include "passes/CPU/LinearProducts.h"
#include "passes/CPU/LoopNests.h"

#include "dialects/HTK/Roots.h"
#include "dialects/HTQ/Terms.h"

#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

constexpr int64_t kPanel = htk::Packing::kPanel;
/// Rows for each thread, and outputs for each row, from which on a thread makes its own rows only.
constexpr int64_t kOwnRows = 64, kColumnsPerRow = 2;

class LinearEmitter {
public:
  using Products = SmallVector<std::unique_ptr<LinearProduct>, 2>;
  using MakeProduct = function_ref<std::unique_ptr<LinearProduct>(htk::LinearOp)>;

  LinearEmitter(KernelBuilder &kernel, LinearInput &input, ArrayRef<LinearPart> parts, int64_t tileRows,
                MakeProduct makeProduct)
      : k(kernel), emitter(kernel), input(input), parts(parts), tileRows(tileRows), makeProduct(makeProduct) {
    outer = k.getDims(parts.front().output);
    outer.pop_back();
    rows = k.getProduct(outer);
    for (const LinearPart &part : parts)
      panels += part.getPanels() * part.results.size();
  }

  void emit() {
    takeShare();
    int64_t blockTiles = input.getBlockRows(tileRows) / tileRows, blockItems = blockTiles * panels;
    Value tiles = k.ceilDiv(k.sub(lastRow, firstRow), tileRows);
    k.loop(k.div(firstItem, k.constant(blockItems)), k.ceilDiv(lastItem, blockItems), 1, [&](Value index) {
      Value tile = k.mul(index, blockTiles);
      block.item = k.mul(index, blockItems);
      block.tiles = k.min(k.constant(blockTiles), k.sub(tiles, tile));
      block.row = k.add(firstRow, k.mul(tile, tileRows));
      block.rows = k.min(k.mul(block.tiles, tileRows), k.sub(lastRow, block.row));
      input.emitBlock(block.row, block.rows);
      int64_t panel = 0;
      for (const LinearPart &part : parts) {
        emitPart(part, panel);
        panel += part.getPanels() * part.results.size();
      }
    });
  }

private:
  /// This thread's rows, and its tiles among these by all panels.
  void takeShare() {
    firstRow = k.constant(0), lastRow = rows;
    auto countItems = [&] { return k.mul(k.ceilDiv(k.sub(lastRow, firstRow), tileRows), panels); };
    std::tie(firstItem, lastItem) = k.getShare(countItems());
    if (!input.isMade())
      return;
    Value threads = htk::NumThreadsOp::create(k.b, k.loc, k.b.getIndexType(), k.step);
    Value leastRows = k.max(k.mul(threads, kOwnRows), k.constant(panels * kPanel / kColumnsPerRow));
    Value hasFew = k.less(rows, leastRows);
    auto [ownFirst, ownLast] = k.getShare(rows);
    firstRow = k.select(hasFew, firstRow, ownFirst);
    lastRow = k.select(hasFew, lastRow, ownLast);
    firstItem = k.select(hasFew, firstItem, k.constant(0));
    lastItem = k.select(hasFew, lastItem, countItems());
  }

  /// The tiles of the block that are this thread's, by the panels of a part, the first of which is `panel`.
  void emitPart(const LinearPart &part, int64_t panel) {
    int64_t count = part.getPanels();
    auto emitResult = [&](Value firstPanel, Value output) {
      Value first = k.add(block.item, k.mul(firstPanel, block.tiles));
      Value begin = k.max(firstItem, first), end = k.min(lastItem, k.add(first, k.mul(block.tiles, count)));
      k.branch(k.less(begin, end), [&] {
        Products products;
        for (htk::LinearOp root : part.roots) {
          products.push_back(makeProduct(root));
          products.back()->beginBlock(input.getPosition(block.row), block.rows);
        }
        k.loop(begin, end, 1, [&](Value item) {
          Value within = k.sub(item, first), tile = k.rem(within, block.tiles);
          Value row = k.add(block.row, k.mul(tile, tileRows));
          Value rowCount = k.min(k.constant(tileRows), k.sub(k.add(block.row, block.rows), row));
          Value panelIndex = k.div(within, block.tiles);
          for (auto &product : products)
            product->emitTile(input.getPosition(row), rowCount, panelIndex);
          emitEpilogue(part, products, output, row, rowCount, panelIndex);
        });
        products.front()->endBlocks();
      });
    };
    if (part.results.size() == 1)
      return emitResult(k.constant(panel), k.getOutput(part.results.front()));
    // The same code on the buffers of each result in turn.
    k.loop(k.constant(0), k.constant(part.results.size()), 1, [&](Value index) {
      Block *body = k.b.getInsertionBlock();
      llvm::SmallPtrSet<Operation *, 8> selects;
      auto choose = [&](ArrayRef<Value> buffers) {
        Value chosen = buffers.front();
        for (auto [i, buffer] : llvm::enumerate(buffers.drop_front())) {
          chosen = k.select(k.less(k.constant(i), index), buffer, chosen);
          selects.insert(chosen.getDefiningOp());
        }
        return chosen;
      };
      SmallVector<std::pair<Value, Value>> chosen;
      for (auto &[argument, others] : part.arguments) {
        SmallVector<Value> buffers{k.getBuffer(cast<BlockArgument>(argument))};
        for (Value other : others)
          buffers.push_back(k.getBuffer(cast<BlockArgument>(other)));
        if (!llvm::all_equal(buffers))
          chosen.push_back({buffers.front(), choose(buffers)});
      }
      Value output = choose(llvm::map_to_vector(part.results, [&](unsigned i) { return k.getOutput(i); }));
      emitResult(k.add(k.mul(index, count), panel), output);
      for (auto [first, buffer] : chosen)
        first.replaceUsesWithIf(buffer, [&](OpOperand &use) {
          return body->findAncestorOpInBlock(*use.getOwner()) && !selects.contains(use.getOwner());
        });
    });
  }

  /// The part's result for the tile, from its sums.
  void emitEpilogue(const LinearPart &part, Products &products, Value buffer, Value row, Value rowCount,
                    Value panelIndex) {
    int64_t columns = part.getColumns();
    Value firstColumn = k.mul(panelIndex, kPanel);
    bool ragged = columns % kPanel != 0;
    Value width =
        ragged ? k.min(k.constant(kPanel), k.sub(k.constant(columns), firstColumn)) : k.constant(kPanel);
    k.loop(k.constant(0), rowCount, 1, [&](Value r) {
      SmallVector<Value> rowIndices = k.delinearize(k.add(row, r), outer);
      Value scale;
      if (input.getNumScales() == 1)
        scale = input.getScale(input.getPosition(k.add(row, r)), k.constant(0),
                               products.front()->getSumType());
      k.vectorLoop(width, k.lanes, [&](Index column, Lanes at) {
        for (auto [root, product] : llvm::zip_equal(part.roots, products)) {
          Value linear = htk::LinearOp(root).getResult();
          emitter.bind(linear, [&, linear, &product = product](ArrayRef<Index>, Lanes wanted) {
            Value sum = product->loadSums(r, column.base, wanted);
            if (scale)
              sum = arith::MulFOp::create(k.b, k.loc, sum, k.splat(scale, wanted.width));
            return k.convertFloat(sum, getElementTypeOrSelf(linear));
          });
        }
        Indices indices;
        for (Value index : rowIndices)
          indices.push_back({index, false});
        Value globalColumn = k.add(firstColumn, column.base);
        indices.push_back({globalColumn, column.lane});
        Value result = emitter.getVector(part.output, indices, at);
        k.store(result, buffer, k.add(k.mul(k.add(row, r), columns), globalColumn), at);
      });
    });
  }

  KernelBuilder &k;
  ElementEmitter emitter;
  LinearInput &input;
  ArrayRef<LinearPart> parts;
  int64_t tileRows;
  MakeProduct makeProduct;
  SmallVector<Value> outer;
  Value rows, firstRow, lastRow, firstItem, lastItem;
  int64_t panels = 0; ///< of all results
  struct {
    Value row, rows, tiles, item; ///< its first row and item
  } block;
};

} // namespace

/// Whether there is a tile instruction for all linears, which share a nest.
static bool haveTiles(ArrayRef<Operation *> roots,
                      function_ref<SmallVector<const htk::Intrinsic *>(htk::LinearOp)> select) {
  unsigned count = 0;
  for (Operation *root : roots) {
    auto linear = cast<htk::LinearOp>(root);
    auto intrinsics = select(linear);
    const htk::Intrinsic &tile = *intrinsics.front(), &vector = *intrinsics.back();
    if (!tile.isTile())
      continue;
    const char *reason = whyNotTiles(linear, tile);
    if (!reason) {
      ++count;
      continue;
    }
    remark::missed(linear.getLoc(), remark::RemarkOpts::name("no tiles").category("htk-lower-kernels"))
        << (llvm::Twine(vector.name) + " instead of " + tile.name + ": " + reason).str();
  }
  return count == roots.size();
}

LogicalResult lowerLinear(KernelBuilder &kernel, htk::LinearOp first) {
  SmallVector<Operation *> roots = htk::getRoots(*first->getBlock());
  for (Operation *root : roots) {
    auto linear = dyn_cast<htk::LinearOp>(root);
    if (!linear || !llvm::all_of(linear.getWeight(), llvm::IsaPred<BlockArgument>))
      return root->emitOpError() << "expects linears with weights in memory";
  }
  auto parts = getLinearParts(kernel.getYield());
  auto input = LinearInput::create(kernel, first);
  if (failed(parts) || failed(input))
    return failure();

  auto select = [&](htk::LinearOp root) {
    return htk::selectIntrinsics(kernel.cpu, htk::getProductKind(root.getInputTerm(), root.getWeightTerm()));
  };
  auto emitVectors = [&] {
    LinearEmitter(kernel, *input, *parts, kRegisterRows, [&](htk::LinearOp root) {
      const htk::Intrinsic &vector = *select(root).back();
      Type real = kernel.getComputeType(getElementTypeOrSelf(root.getType()));
      return vector.kind == htk::ProductKind::Values ? makeValueProduct(kernel, root, *input, real)
                                                     : makeDotProduct(kernel, root, *input, vector);
    }).emit();
  };
  if (!haveTiles(roots, select))
    return emitVectors(), success();
  SmallVector<Value> outer = kernel.getDims(first.getResult());
  outer.pop_back();
  int64_t leastRows = select(first).front()->leastRows;
  kernel.branch(kernel.less(kernel.getProduct(outer), kernel.constant(leastRows)), emitVectors, [&] {
    LinearEmitter(kernel, *input, *parts, kTileRows, [&](htk::LinearOp root) {
      return makeTileProduct(kernel, root, *input, *select(root).front(), *select(root).back());
    }).emit();
  });
  return success();
}

} // namespace halftone::cpu
