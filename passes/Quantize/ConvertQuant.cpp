//===- ConvertQuant.cpp - upstream's quantized types from and to terms ------===//
//
// `!quant.uniform` holds scales and zeros as literals of a type. What has more
// (codebooks, scales that are terms or tensors of a file) stays as it is.
//
// Neither pass may fold: upstream's `dcast` of a `qcast` folds to the value
// before both, which takes the rounding away.
//
//===----------------------------------------------------------------------===//

#include "passes/Quantize/Passes.h"

#include "dialects/HTQ/HTQOps.h"
#include "dialects/HTQ/Terms.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace halftone::quantize {
#define GEN_PASS_DEF_CONVERTTOQUANT
#define GEN_PASS_DEF_CONVERTFROMQUANT
#include "passes/Quantize/Passes.h.inc"
} // namespace halftone::quantize

using namespace mlir;
using namespace halftone;

namespace {

void remarkMissed(Operation *op, StringRef pass, const Twine &why) {
  remark::missed(op->getLoc(), remark::RemarkOpts::name("kept").category(pass)) << why.str();
}

/// `value` as elements of `type`, which has as many bits.
Value castBits(OpBuilder &builder, Location loc, Value value, Type type) {
  auto to = ht::withElementType(cast<RankedTensorType>(value.getType()), type);
  if (value.getType() == to)
    return value;
  if (auto before = value.getDefiningOp<ht::BitcastOp>(); before && before.getInput().getType() == to)
    return before.getInput();
  return ht::BitcastOp::create(builder, loc, to, value);
}

/// Erases those of `operations` that nothing uses, from the last on, and constants of theirs alone.
void eraseDead(ArrayRef<Operation *> operations) {
  for (Operation *op : llvm::reverse(operations)) {
    if (!isOpTriviallyDead(op))
      continue;
    llvm::SmallSetVector<Operation *, 3> constants;
    for (Value operand : op->getOperands())
      if (Operation *constant = operand.getDefiningOp<ht::ConstantOp>())
        constants.insert(constant);
    op->erase();
    for (Operation *constant : constants)
      if (constant->use_empty())
        constant->erase();
  }
}

//===----------------------------------------------------------------------===//
// From terms
//===----------------------------------------------------------------------===//

/// A tensor that is a literal, or nothing.
DenseElementsAttr getLiteral(Value value) {
  auto constant = value.getDefiningOp<ht::ConstantOp>();
  return constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
}

class TypeMaker {
public:
  TypeMaker(RankedTensorType codes, Type expressed) : codes(codes), expressed(expressed) {}

  /// The type of codes under `term`, or null and a reason.
  quant::QuantizedType make(htq::AffineAttr term, Value scale, Value zero) {
    auto leaf = dyn_cast<TypeAttr>(term.getCodes());
    auto integer = leaf ? dyn_cast<IntegerType>(leaf.getValue()) : IntegerType();
    if (!integer || integer.getWidth() > quant::QuantizedType::MaxStorageBits)
      return fail("its codes are no integers of at most 32 bits");
    if (!isa<TypeAttr>(term.getScale()) || getElementTypeOrSelf(scale).isF64())
      return fail("its scale is a term, or of f64");
    DenseElementsAttr scales = getLiteral(scale), zeros = zero ? getLiteral(zero) : DenseElementsAttr();
    if (!scales || (zero && !zeros))
      return fail("its scale or zero is no constant");
    if (zero && !isa<IntegerType>(zeros.getElementType()))
      return fail("its zero is no integer");
    bool isSigned = !integer.isUnsigned();
    unsigned width = integer.getWidth();
    int64_t least = quant::QuantizedType::getDefaultMinimumForInteger(isSigned, width);
    int64_t greatest = quant::QuantizedType::getDefaultMaximumForInteger(isSigned, width);
    SmallVector<double> scaleValues;
    for (APFloat value : scales.getValues<APFloat>())
      scaleValues.push_back(value.convertToDouble());
    SmallVector<int64_t> zeroValues(scaleValues.size(), 0);
    if (zeros)
      for (auto [to, value] : llvm::zip_equal(zeroValues, zeros.getValues<APInt>())) {
        to = zeros.getElementType().isUnsignedInteger() ? value.getZExtValue() : value.getSExtValue();
        if (to < least || to > greatest)
          return fail("a zero is outside the range of its codes");
      }

    SmallVector<int32_t> axes;
    SmallVector<int64_t> blocks;
    for (auto [axis, block] : llvm::enumerate(term.getBlocks())) {
      int64_t size = codes.getDimSize(axis);
      if (block == htq::AffineAttr::kWhole || size == block)
        continue;
      if (ShapedType::isDynamic(size) || size % block != 0)
        return fail("its blocks do not divide its axes");
      axes.push_back(axis);
      blocks.push_back(block);
    }
    unsigned flags = isSigned ? quant::QuantizationFlags::Signed : 0;
    auto storage = IntegerType::get(codes.getContext(), width);
    // What upstream's types do not take (a scale of 0, a negative one) is the reason.
    ScopedDiagnosticHandler handler(codes.getContext(), [&](Diagnostic &diagnostic) {
      reason = diagnostic.str();
      return success();
    });
    auto emitError = [&] { return mlir::emitError(UnknownLoc::get(codes.getContext())); };
    if (axes.empty())
      return quant::UniformQuantizedType::getChecked(
          emitError, flags, storage, expressed, scaleValues.front(), zeroValues.front(), least, greatest);
    if (axes.size() == 1 && blocks.front() == 1)
      return quant::UniformQuantizedPerAxisType::getChecked(emitError, flags, storage, expressed, scaleValues,
                                                            zeroValues, axes.front(), least, greatest);
    ArrayRef<int64_t> shape = scales.getType().getShape();
    SmallVector<APFloat> expressedScales;
    for (APFloat value : scales.getValues<APFloat>()) {
      bool lossy;
      value.convert(cast<FloatType>(expressed).getFloatSemantics(), APFloat::rmNearestTiesToEven, &lossy);
      if (lossy)
        return fail("a scale is no " + debugString(expressed));
      expressedScales.push_back(value);
    }
    SmallVector<APInt> storedZeros;
    for (int64_t value : zeroValues)
      storedZeros.push_back(APInt(width, value, isSigned));
    return quant::UniformQuantizedSubChannelType::getChecked(
        emitError, flags, storage, expressed,
        DenseElementsAttr::get(RankedTensorType::get(shape, expressed), expressedScales),
        DenseElementsAttr::get(RankedTensorType::get(shape, storage), storedZeros), axes, blocks, least,
        greatest);
  }

  std::string reason;

private:
  static std::string debugString(Type type) {
    std::string text;
    llvm::raw_string_ostream(text) << type;
    return text;
  }

  quant::QuantizedType fail(const Twine &why) {
    reason = why.str();
    return {};
  }

  RankedTensorType codes;
  Type expressed;
};

struct ConvertToQuantPass : quantize::impl::ConvertToQuantBase<ConvertToQuantPass> {
  void runOnOperation() override {
    SmallVector<Operation *> converted;
    getOperation().walk([&](Operation *op) {
      if (convert(op))
        converted.push_back(op);
    });
    eraseDead(converted);
  }

  static constexpr StringLiteral kName = "htq-convert-to-quant";

  static bool convert(Operation *op) {
    if (auto quantize = dyn_cast<htq::QuantizeOp>(op)) {
      TypeMaker maker(quantize.getResult().getType(), getElementTypeOrSelf(quantize.getInput()));
      auto type = maker.make(quantize.getTerm(), quantize.getScale(), quantize.getZero());
      if (!type) {
        remarkMissed(op, kName, maker.reason);
        return false;
      }
      OpBuilder builder(op);
      auto tensor = quantize.getResult().getType();
      Value coded = quant::QuantizeCastOp::create(builder, op->getLoc(), ht::withElementType(tensor, type),
                                                  quantize.getInput());
      Value stored = quant::StorageCastOp::create(builder, op->getLoc(),
                                                  ht::withElementType(tensor, type.getStorageType()), coded);
      quantize.getResult().replaceAllUsesWith(
          castBits(builder, op->getLoc(), stored, tensor.getElementType()));
      return true;
    }
    auto dequantize = dyn_cast<htq::DequantizeOp>(op);
    if (!dequantize)
      return false;
    auto affine = dyn_cast<htq::AffineAttr>(dequantize.getTerm());
    ValueRange leaves = dequantize.getLeaves();
    auto codes = cast<RankedTensorType>(leaves.front().getType());
    TypeMaker maker(codes, getElementTypeOrSelf(dequantize.getResult()));
    quant::QuantizedType type;
    if (!affine || leaves.size() != (affine.getZero() ? 3u : 2u))
      maker.reason = "it is no affine of stored tensors";
    else
      type = maker.make(affine, leaves[1], affine.getZero() ? leaves[2] : Value());
    if (!type) {
      remarkMissed(op, kName, maker.reason);
      return false;
    }
    OpBuilder builder(op);
    Value stored = castBits(builder, op->getLoc(), leaves.front(), type.getStorageType());
    Value coded =
        quant::StorageCastOp::create(builder, op->getLoc(), ht::withElementType(codes, type), stored);
    Value value =
        quant::DequantizeCastOp::create(builder, op->getLoc(), dequantize.getResult().getType(), coded);
    dequantize.getResult().replaceAllUsesWith(value);
    return true;
  }
};

//===----------------------------------------------------------------------===//
// To terms
//===----------------------------------------------------------------------===//

/// What a quantized type says, as a term and its parameters.
struct Parameters {
  htq::AffineAttr term;
  Value scale, zero; ///< zero is null where all are 0
};

class TermMaker {
public:
  TermMaker(OpBuilder &builder, Location loc, RankedTensorType coded)
      : builder(builder), loc(loc), type(cast<quant::QuantizedType>(coded.getElementType())),
        rank(coded.getRank()) {}

  /// The type of codes, null where a tensor of the graph cannot hold them.
  IntegerType getCodes() const {
    auto storage = dyn_cast<IntegerType>(type.getStorageType());
    if (!storage || !llvm::is_contained({2u, 3u, 4u, 5u, 6u, 8u, 16u, 32u}, storage.getWidth()))
      return {};
    return type.isSigned()
               ? storage
               : IntegerType::get(storage.getContext(), storage.getWidth(), IntegerType::Unsigned);
  }

  Parameters make() {
    SmallVector<int64_t> blocks(rank, htq::AffineAttr::kWhole), shape(rank, 1), zeros;
    SmallVector<float> scales;
    if (auto uniform = dyn_cast<quant::UniformQuantizedType>(type)) {
      scales.push_back(uniform.getScale());
      zeros.push_back(uniform.getZeroPoint());
    } else if (auto axis = dyn_cast<quant::UniformQuantizedPerAxisType>(type)) {
      scales.append(axis.getScales().begin(), axis.getScales().end());
      llvm::append_range(zeros, axis.getZeroPoints());
      blocks[axis.getQuantizedDimension()] = 1;
      shape[axis.getQuantizedDimension()] = scales.size();
    } else {
      auto parts = cast<quant::UniformQuantizedSubChannelType>(type);
      for (APFloat value : parts.getScales().getValues<APFloat>())
        scales.push_back(value.convertToDouble());
      for (APInt value : parts.getZeroPoints().getValues<APInt>())
        zeros.push_back(type.isSigned() ? value.getSExtValue() : value.getZExtValue());
      for (auto [dimension, block] : parts.getBlockSizeInfo())
        blocks[dimension] = block;
      shape.assign(parts.getScales().getType().getShape().begin(),
                   parts.getScales().getType().getShape().end());
    }
    Parameters parameters;
    auto literal = [&](DenseElementsAttr value) -> Value {
      return ht::ConstantOp::create(builder, loc, value);
    };
    Type f32 = builder.getF32Type();
    parameters.scale =
        literal(DenseElementsAttr::get(RankedTensorType::get(shape, f32), ArrayRef<float>(scales)));
    IntegerType codes = getCodes();
    bool hasZero = !llvm::all_of(zeros, [](int64_t zero) { return zero == 0; });
    if (hasZero) {
      SmallVector<APInt> values;
      for (int64_t zero : zeros)
        values.push_back(APInt(codes.getWidth(), zero, /*isSigned=*/true, /*implicitTrunc=*/true));
      parameters.zero = literal(DenseElementsAttr::get(RankedTensorType::get(shape, codes), values));
    }
    parameters.term = htq::getAffine(codes, blocks, f32, hasZero ? Type(codes) : Type());
    return parameters;
  }

private:
  OpBuilder &builder;
  Location loc;
  quant::QuantizedType type;
  int64_t rank;
};

struct ConvertFromQuantPass : quantize::impl::ConvertFromQuantBase<ConvertFromQuantPass> {
  static constexpr StringLiteral kName = "htq-convert-from-quant";

  void runOnOperation() override {
    SmallVector<Operation *> casts;
    getOperation().walk([&](Operation *op) {
      if (isa<quant::QuantizeCastOp, quant::DequantizeCastOp>(op) && convert(op))
        casts.push_back(op);
    });
    eraseDead(casts);
    casts.clear();
    getOperation().walk([&](quant::StorageCastOp op) {
      casts.push_back(op);
      auto before = op.getInput().getDefiningOp<quant::StorageCastOp>();
      if (before && before.getInput().getType() == op.getType())
        op.getResult().replaceAllUsesWith(before.getInput());
    });
    eraseDead(casts);
    getOperation().walk([&](quant::StorageCastOp op) {
      remarkMissed(op, kName, "a tensor of a quantized type stays at the boundary of the graph");
    });
    SmallVector<Operation *> bitcasts;
    getOperation().walk([&](ht::BitcastOp op) {
      bitcasts.push_back(op);
      auto before = op.getInput().getDefiningOp<ht::BitcastOp>();
      if (before && before.getInput().getType() == op.getType())
        op.getResult().replaceAllUsesWith(before.getInput());
    });
    eraseDead(bitcasts);
  }

  static bool convert(Operation *op) {
    auto isTo = isa<quant::QuantizeCastOp>(op);
    Value operand = op->getOperand(0), result = op->getResult(0);
    auto coded = dyn_cast<RankedTensorType>((isTo ? result : operand).getType());
    auto fail = [&](StringRef why) {
      remarkMissed(op, kName, why);
      return false;
    };
    if (!coded || (!coded.hasStaticShape() && !isa_and_present<ht::DimsAttr>(coded.getEncoding())))
      return fail("it is on no tensor of the graph");
    auto type = cast<quant::QuantizedType>(coded.getElementType());
    if (!isa<quant::UniformQuantizedType, quant::UniformQuantizedPerAxisType,
             quant::UniformQuantizedSubChannelType>(type))
      return fail("its type is not uniform");
    OpBuilder builder(op);
    Location loc = op->getLoc();
    TermMaker maker(builder, loc, coded);
    IntegerType codes = maker.getCodes();
    if (!codes)
      return fail("its storage type is none of the graph");
    if (isTo && (type.getStorageTypeMin() != quant::QuantizedType::getDefaultMinimumForInteger(
                                                 type.isSigned(), type.getStorageTypeIntegralWidth()) ||
                 type.getStorageTypeMax() != quant::QuantizedType::getDefaultMaximumForInteger(
                                                 type.isSigned(), type.getStorageTypeIntegralWidth())))
      return fail("its codes are clamped to less than their type");
    Parameters parameters = maker.make();
    auto stored = ht::withElementType(coded, type.getStorageType());
    if (isTo) {
      Value value =
          htq::QuantizeOp::create(builder, loc, ht::withElementType(coded, codes), parameters.term, operand,
                                  parameters.scale, parameters.zero, /*unsaturated=*/false);
      value = castBits(builder, loc, value, type.getStorageType());
      result.replaceAllUsesWith(quant::StorageCastOp::create(builder, loc, coded, value));
      return true;
    }
    Value value = quant::StorageCastOp::create(builder, loc, stored, operand);
    SmallVector<Value> leaves{castBits(builder, loc, value, codes), parameters.scale};
    if (parameters.zero)
      leaves.push_back(parameters.zero);
    result.replaceAllUsesWith(
        htq::DequantizeOp::create(builder, loc, result.getType(), parameters.term, leaves));
    return true;
  }
};

} // namespace
