//===- Rotate.cpp - inputs of linears in a basis that codes suit ------------===//
//
// x Wᵀ = (x H) (W H)ᵀ for an orthogonal H. A channel that is large in all tokens costs
// every code of a token its precision; a Hadamard matrix spreads it over many.
//
//===----------------------------------------------------------------------===//

#include "passes/Quantize/Channels.h"
#include "passes/Quantize/Passes.h"

#include "dialects/HTQ/HTQOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

namespace halftone::quantize {
#define GEN_PASS_DEF_ROTATE
#include "passes/Quantize/Passes.h.inc"
} // namespace halftone::quantize

using namespace mlir;
using namespace halftone;
using namespace halftone::quantize;

namespace {

constexpr llvm::StringLiteral kPass = "htq-rotate";

using Linears = SmallVector<ht::LinearOp>;
using Matrix = std::pair<int64_t, int64_t>; ///< order and stride

class Rotator {
public:
  explicit Rotator(ModuleOp module) : editor(module) {}

  /// Decides how `linears`, which read `x`, have it rotated, and does that to `x`.
  void rotateInput(Value x, Matrix matrix, Linears &linears) {
    std::string where;
    if (auto heads = findHeads(x, linears); heads && canRotateRows(heads->first, heads->second)) {
      matrix = {llvm::bit_floor(static_cast<uint64_t>(heads->second & -heads->second)), 1};
      rotateRows(heads->first, matrix);
      where = std::string(", folded into ") + heads->first.name;
    } else {
      OpBuilder builder(x.getContext());
      builder.setInsertionPointAfterValue(x);
      Value rotated = rotate(builder, linears.front().getLoc(), x, matrix);
      for (ht::LinearOp linear : linears)
        linear.getInputMutable().set(rotated);
    }
    for (ht::LinearOp linear : linears) {
      linear->removeAttr(htq::HTQDialect::kRotationAttr);
      columns[{getParameter(linear.getWeight()).getNameAttr(), matrix}].push_back(&linear.getWeightMutable());
      remark::passed(linear.getLoc(), remark::RemarkOpts::name("rotation").category(kPass))
          << llvm::formatv("{0}x{1}{2}", matrix.first, matrix.second, where).str();
    }
  }

  /// Rotates the columns of the weights of all linears whose inputs are.
  void rotateColumns() {
    for (auto &[key, operands] : columns)
      editor.edit(operands, "rotated", [matrix = key.second](OpBuilder &builder, Location loc, Value value) {
        return rotate(builder, loc, value, matrix);
      });
  }

private:
  /// Whether what makes heads of this width has parameters of its own, and a power of two divides it.
  bool canRotateRows(const Producer &producer, int64_t width) {
    return width % 2 == 0 && editor.isOnlyUse(*producer.matrix) &&
           llvm::all_of(producer.vectors, [&](OpOperand *vector) { return editor.isOnlyUse(*vector); });
  }

  void rotateRows(const Producer &producer, Matrix matrix) {
    editor.edit(producer.matrix, "rotated", [&](OpBuilder &builder, Location loc, Value value) -> Value {
      auto turn = [&](Value x) -> Value {
        return ht::TransposeOp::create(builder, loc, x, ArrayRef<int64_t>{1, 0});
      };
      return turn(rotate(builder, loc, turn(value), matrix));
    });
    for (OpOperand *vector : producer.vectors)
      editor.edit(vector, "rotated", [&](OpBuilder &builder, Location loc, Value value) {
        return rotate(builder, loc, value, matrix);
      });
  }

  static Value rotate(OpBuilder &builder, Location loc, Value value, Matrix matrix) {
    return htq::HadamardOp::create(builder, loc, value.getType(), matrix.first, matrix.second, value);
  }

  RecipeEditor editor;
  /// Weights, and the readers that want their columns rotated by a matrix.
  llvm::MapVector<std::pair<Attribute, Matrix>, SmallVector<OpOperand *>> columns;
};

struct RotatePass : quantize::impl::RotateBase<RotatePass> {
  void runOnOperation() override {
    llvm::MapVector<std::pair<Value, Matrix>, Linears> inputs;
    getOperation().walk([&](ht::LinearOp linear) {
      if (auto rotation = linear->getAttrOfType<DenseI64ArrayAttr>(htq::HTQDialect::kRotationAttr))
        inputs[{linear.getInput(), {rotation[0], rotation[1]}}].push_back(linear);
    });
    Rotator rotator(getOperation());
    for (auto &[key, linears] : inputs)
      rotator.rotateInput(key.first, key.second, linears);
    rotator.rotateColumns();
  }
};

} // namespace
