//===- ConvertToLLVM.cpp - lowered kernels become LLVM dialect --------------===//
//
// The offsets below are those of halftone_step in runtime/include/halftone/abi.h,
// which this file includes so that they cannot disagree.
//
//===----------------------------------------------------------------------===//

#include "passes/CPU/Passes.h"

#include "dialects/HTQ/HTQDialect.h"
#include "runtime/include/halftone/abi.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MathToLibm/MathToLibm.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/FunctionCallUtils.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

#include <cstddef>

namespace halftone::cpu {
#define GEN_PASS_DEF_CONVERTTOLLVM
#include "passes/CPU/Passes.h.inc"
} // namespace halftone::cpu

using namespace mlir;
using namespace halftone;

namespace {

/// `*(type *)((char *)pointer + offset)`.
Value loadField(OpBuilder &b, Location loc, Value pointer, int64_t offset, Type type) {
  Value address = LLVM::GEPOp::create(b, loc, pointer.getType(), b.getI8Type(), pointer,
                                      ArrayRef<LLVM::GEPArg>(static_cast<int32_t>(offset)));
  return LLVM::LoadOp::create(b, loc, type, address);
}

/// A flat buffer at `pointer`; its size is never asked for.
Value makeBuffer(ConversionPatternRewriter &b, Location loc, const LLVMTypeConverter &converter, Type type,
                 Value pointer) {
  auto descriptor = MemRefDescriptor::poison(b, loc, converter.convertType(type));
  descriptor.setAllocatedPtr(b, loc, pointer);
  descriptor.setAlignedPtr(b, loc, pointer);
  Value zero = LLVM::ConstantOp::create(b, loc, converter.getIndexType(), 0);
  Value one = LLVM::ConstantOp::create(b, loc, converter.getIndexType(), 1);
  descriptor.setOffset(b, loc, zero);
  descriptor.setSize(b, loc, 0, zero);
  descriptor.setStride(b, loc, 0, one);
  return descriptor;
}

struct SymbolLowering : ConvertOpToLLVMPattern<htk::SymbolOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(htk::SymbolOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Value array =
        loadField(b, op.getLoc(), adaptor.getStep(), offsetof(halftone_step, symbols), getPtrType());
    b.replaceOp(op, loadField(b, op.getLoc(), array, op.getIndex() * sizeof(int64_t), b.getI64Type()));
    return success();
  }
};

struct NumThreadsLowering : ConvertOpToLLVMPattern<htk::NumThreadsOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(htk::NumThreadsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    b.replaceOp(op, loadField(b, op.getLoc(), adaptor.getStep(), offsetof(halftone_step, num_threads),
                              b.getI64Type()));
    return success();
  }
};

/// htk.input and htk.output: the i-th pointer of an array in the step.
template <typename OpTy>
struct CallerBufferLowering : ConvertOpToLLVMPattern<OpTy> {
  CallerBufferLowering(const LLVMTypeConverter &converter, int64_t field)
      : ConvertOpToLLVMPattern<OpTy>(converter), field(field) {}
  LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Type pointer = this->getPtrType();
    Value array = loadField(b, op.getLoc(), adaptor.getStep(), field, pointer);
    Value buffer = loadField(b, op.getLoc(), array, op.getIndex() * sizeof(void *), pointer);
    b.replaceOp(op, makeBuffer(b, op.getLoc(), *this->getTypeConverter(), op.getType(), buffer));
    return success();
  }
  int64_t field;
};

/// Memory at a constant offset from a pointer in the step.
Value offsetBuffer(ConversionPatternRewriter &b, Operation *op, const LLVMTypeConverter &converter,
                   Value step, int64_t field, int64_t offset) {
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value base = loadField(b, op->getLoc(), step, field, pointer);
  Value offsetValue = LLVM::ConstantOp::create(b, op->getLoc(), b.getI64Type(), offset);
  Value address = LLVM::GEPOp::create(b, op->getLoc(), pointer, b.getI8Type(), base, ValueRange{offsetValue});
  return makeBuffer(b, op->getLoc(), converter, op->getResult(0).getType(), address);
}

/// htk.arena and htk.state.
template <typename OpTy>
struct SessionBufferLowering : ConvertOpToLLVMPattern<OpTy> {
  SessionBufferLowering(const LLVMTypeConverter &converter, int64_t field)
      : ConvertOpToLLVMPattern<OpTy>(converter), field(field) {}
  LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    b.replaceOp(op, offsetBuffer(b, op, *this->getTypeConverter(), adaptor.getStep(), field, op.getOffset()));
    return success();
  }
  int64_t field;
};

struct PayloadLowering : ConvertOpToLLVMPattern<htk::PayloadOp> {
  PayloadLowering(const LLVMTypeConverter &converter, const llvm::StringMap<int64_t> &offsets)
      : ConvertOpToLLVMPattern(converter), offsets(offsets) {}
  LogicalResult matchAndRewrite(htk::PayloadOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    auto offset = offsets.find(op.getWeight());
    if (offset == offsets.end())
      return b.notifyMatchFailure(op, "the weight has no place in the payload");
    b.replaceOp(op, offsetBuffer(b, op, *getTypeConverter(), adaptor.getStep(),
                                 offsetof(halftone_step, payload), offset->second));
    return success();
  }
  const llvm::StringMap<int64_t> &offsets;
};

struct BarrierLowering : ConvertOpToLLVMPattern<htk::BarrierOp> {
  BarrierLowering(const LLVMTypeConverter &converter, LLVM::LLVMFuncOp barrier)
      : ConvertOpToLLVMPattern(converter), barrier(barrier) {}
  LogicalResult matchAndRewrite(htk::BarrierOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    b.replaceOpWithNewOp<LLVM::CallOp>(op, barrier, ValueRange{adaptor.getStep(), adaptor.getThread()});
    return success();
  }
  mutable LLVM::LLVMFuncOp barrier;
};

/// index < 0 ? index + bound : index, then a fault unless it is in range.
struct CheckIndexLowering : ConvertOpToLLVMPattern<htk::CheckIndexOp> {
  CheckIndexLowering(const LLVMTypeConverter &converter, const llvm::StringMap<int32_t> &sites)
      : ConvertOpToLLVMPattern(converter), sites(sites) {}
  LogicalResult matchAndRewrite(htk::CheckIndexOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Type i64 = b.getI64Type(), i32 = b.getI32Type();
    Value zero = LLVM::ConstantOp::create(b, loc, i64, 0);
    Value negative = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, adaptor.getIndex(), zero);
    Value fromEnd = LLVM::AddOp::create(b, loc, adaptor.getIndex(), adaptor.getBound());
    Value index = LLVM::SelectOp::create(b, loc, negative, fromEnd, adaptor.getIndex());
    Value inside = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ult, index, adaptor.getBound());
    Value safe = LLVM::SelectOp::create(b, loc, inside, index, zero);

    // One store decides who is reported: any site that a thread saw is right.
    Block *before = b.getInsertionBlock();
    Block *after = b.splitBlock(before, b.getInsertionPoint());
    Block *fault = b.createBlock(after);
    b.setInsertionPointToEnd(before);
    LLVM::CondBrOp::create(b, loc, inside, after, ValueRange(), fault, ValueRange());
    b.setInsertionPointToEnd(fault);
    Value address =
        LLVM::GEPOp::create(b, loc, getPtrType(), b.getI8Type(), adaptor.getStep(),
                            ArrayRef<LLVM::GEPArg>(static_cast<int32_t>(offsetof(halftone_step, fault))));
    Value site = LLVM::ConstantOp::create(b, loc, i32, sites.lookup(op.getSite()));
    LLVM::StoreOp::create(b, loc, site, address, /*alignment=*/4, /*isVolatile=*/false,
                          /*isNonTemporal=*/false,
                          /*isInvariantGroup=*/false, LLVM::AtomicOrdering::monotonic);
    LLVM::BrOp::create(b, loc, ValueRange(), after);
    b.setInsertionPointToStart(after);
    b.replaceOp(op, safe);
    return success();
  }
  const llvm::StringMap<int32_t> &sites;
};

struct ConvertToLLVMPass : cpu::impl::ConvertToLLVMBase<ConvertToLLVMPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    collect(module);
    if (failed(expandMath(module)) || failed(convert(module)))
      return signalPassFailure();
  }

private:
  /// Weight offsets, and numbered fault sites (0 means none) as a module attribute.
  void collect(ModuleOp module) {
    offsets.clear();
    sites.clear();
    for (auto weight : module.getOps<ht::WeightOp>())
      if (auto offset = weight->getAttrOfType<IntegerAttr>(htk::HTKDialect::kPayloadOffsetAttr))
        offsets[weight.getSymName()] = offset.getInt();
    Builder b(&getContext());
    SmallVector<Attribute> names;
    module.walk([&](htk::CheckIndexOp op) {
      if (sites.try_emplace(op.getSite(), names.size() + 1).second)
        names.push_back(op.getSiteAttr());
    });
    module->setAttr(htk::HTKDialect::kFaultSitesAttr, b.getArrayAttr(names));
  }

  /// Polynomials for what vectors need often; the rest becomes C library calls.
  LogicalResult expandMath(ModuleOp module) {
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return llvm::is_contained({"math.exp", "math.erf", "math.tanh"}, name);
    });
    vector::populateVectorMaskMaterializationPatterns(patterns, /*force32BitVectorIndices=*/false);
    vector::populateVectorMaskOpLoweringPatterns(patterns);
    arith::populateArithExpandOpsPatterns(patterns);
    arith::populateExpandBFloat16Patterns(patterns);
    return applyPatternsGreedily(module, std::move(patterns), GreedyRewriteConfig().enableFolding());
  }

  LogicalResult convert(ModuleOp module) {
    MLIRContext *context = &getContext();
    OpBuilder b(module.getBodyRegion());
    auto pointer = LLVM::LLVMPointerType::get(context);
    auto barrierType =
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), {pointer, b.getI64Type()});
    auto barrier = LLVM::LLVMFuncOp::create(b, module.getLoc(), "halftone_barrier", barrierType);

    {
      RewritePatternSet patterns(context);
      populateSCFToControlFlowConversionPatterns(patterns);
      // LLVM has no intrinsic for it; f32 became a polynomial above. A kernel of that name is not meant.
      SymbolTable symbols(module);
      if (auto kernel = symbols.lookup<func::FuncOp>("erf");
          kernel && failed(symbols.renameToUnique(kernel, {})))
        return failure();
      populateMathToLibmConversionPatterns(patterns);
      ConversionTarget target(*context);
      target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
      target.addIllegalDialect<scf::SCFDialect>();
      target.addIllegalOp<math::ErfOp>();
      if (failed(applyPartialConversion(module, target, std::move(patterns))))
        return failure();
    }

    LowerToLLVMOptions options(context);
    LLVMTypeConverter converter(context, options);
    RewritePatternSet patterns(context);
    patterns.add<SymbolLowering, NumThreadsLowering>(converter);
    patterns.add<SessionBufferLowering<htk::ArenaOp>>(converter, offsetof(halftone_step, arena));
    patterns.add<SessionBufferLowering<htk::StateOp>>(converter, offsetof(halftone_step, states));
    patterns.add<CallerBufferLowering<htk::InputOp>>(converter, offsetof(halftone_step, inputs));
    patterns.add<CallerBufferLowering<htk::OutputOp>>(converter, offsetof(halftone_step, outputs));
    patterns.add<PayloadLowering>(converter, offsets);
    patterns.add<BarrierLowering>(converter, barrier);
    patterns.add<CheckIndexLowering>(converter, sites);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    populateFuncToLLVMConversionPatterns(converter, patterns);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    ub::populateUBToLLVMConversionPatterns(converter, patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(*context);
    target.addLegalOp<ModuleOp>();
    target.addIllegalDialect<htk::HTKDialect>();
    target.addLegalOp<htk::PackOp>();        // In the initializers of weights.
    target.addLegalDialect<ht::HTDialect, htq::HTQDialect>(); // Weights stay for emission.
    // The graph's signature stays for emission.
    target.addDynamicallyLegalOp<func::FuncOp>(
        [](func::FuncOp function) { return function.getSymName() == "main"; });
    return applyPartialConversion(module, target, std::move(patterns));
  }

  llvm::StringMap<int64_t> offsets;
  llvm::StringMap<int32_t> sites;
};

} // namespace
