//===- Ptx.cpp - `--gpu-to-ptx` and `--gpu-to-llvmir` -----------------------===//
//
// LLVM's own NVPTX backend makes the text: no CUDA toolkit has a part in it. Cubins
// are upstream's gpu-module-to-binary, which calls ptxas.
//
//===----------------------------------------------------------------------===//

#include "compiler/Emit/Ptx.h"

#include "dialects/HTK/HTKDialect.h"
#include "dialects/HTQ/HTQDialect.h"

#include "mlir/Dialect/DLTI/DLTI.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVM/NVVM/Target.h"
#include "mlir/Target/LLVM/NVVM/Utils.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/CommandLine.h"

using namespace mlir;

namespace halftone::emit {

/// The one gpu.module inside `op`, lowered; null after an error.
static gpu::GPUModuleOp findDevice(Operation *op) {
  SmallVector<gpu::GPUModuleOp> modules;
  op->walk([&](gpu::GPUModuleOp module) { modules.push_back(module); });
  if (modules.size() != 1) {
    op->emitError() << "expected one gpu.module, got " << modules.size();
    return {};
  }
  for (Operation &inner : *modules.front().getBody())
    if (!isa<LLVM::LLVMDialect>(inner.getDialect())) {
      inner.emitError() << inner.getName() << " is no code of LLVM: run htk-gpu-to-nvvm first";
      return {};
    }
  return modules.front();
}

constexpr llvm::StringLiteral kTriple = "nvptx64-nvidia-cuda";
/// The first that multiplies bf16, and has a maximum that keeps NaN.
constexpr unsigned kLeastChip = 80;

/// Whether LLVM makes code for `chip`, and kernels are made for it.
static LogicalResult checkChip(Operation *op, StringRef chip) {
  NVVM::SerializeGPUModuleBase::init();
  std::string error;
  llvm::Triple triple(kTriple);
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return op->emitError() << "this LLVM has no NVPTX backend: " << error;
  std::unique_ptr<llvm::MCSubtargetInfo> info(target->createMCSubtargetInfo(triple, "", ""));
  StringRef digits = chip;
  unsigned number;
  if (!info->isCPUStringValid(chip) || !digits.consume_front("sm_") || digits.consumeInteger(10, number))
    return op->emitError() << "--chip: expected a GPU that LLVM knows, such as sm_80 or sm_90a, got '" << chip
                           << "'";
  if (number < kLeastChip)
    return op->emitError() << "--chip: kernels are for sm_" << kLeastChip << " and later, got '" << chip
                           << "'";
  return success();
}

static LogicalResult writePtx(Operation *op, StringRef chip, raw_ostream &os) {
  gpu::GPUModuleOp module = findDevice(op);
  if (!module || failed(checkChip(op, chip)))
    return failure();
  // An empty module has not loaded it.
  op->getContext()->loadDialect<NVVM::NVVMDialect>();
  auto target = NVVM::NVVMTargetAttr::get(op->getContext(), /*optLevel=*/2, kTriple, chip);
  gpu::TargetOptions options({}, {}, {}, {}, gpu::CompilationTarget::Assembly);
  auto serializer = cast<gpu::TargetAttrInterface>(Attribute(target));
  std::optional<SmallVector<char, 0>> text = serializer.serializeToObject(module, options);
  if (!text)
    return module.emitError() << "LLVM made no PTX of it";
  os << StringRef(text->data(), text->size()).rtrim('\0');
  return success();
}

static LogicalResult writeLLVM(Operation *op, raw_ostream &os) {
  gpu::GPUModuleOp module = findDevice(op);
  if (!module)
    return failure();
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = translateModuleToLLVMIR(module, context, module.getName());
  if (!code)
    return failure();
  os << *code;
  return success();
}

static void registerDialects(DialectRegistry &registry) {
  registry.insert<DLTIDialect, func::FuncDialect, gpu::GPUDialect, ht::HTDialect, htk::HTKDialect,
                  htq::HTQDialect, NVVM::NVVMDialect>();
  NVVM::registerNVVMTargetInterfaceExternalModels(registry);
  registerAllGPUToLLVMIRTranslations(registry);
}

void registerPtxTranslations() {
  static llvm::cl::opt<std::string> chip(
      "chip", llvm::cl::desc("The GPU that PTX is for, e.g. sm_80, sm_90a"), llvm::cl::init("sm_80"));
  TranslateFromMLIRRegistration ptx(
      "gpu-to-ptx", "the kernels of a gpu.module as PTX",
      [](Operation *op, raw_ostream &os) { return writePtx(op, chip, os); }, registerDialects);
  TranslateFromMLIRRegistration llvmIR(
      "gpu-to-llvmir", "the kernels of a gpu.module as the LLVM IR that PTX is made of", writeLLVM,
      registerDialects);
}

} // namespace halftone::emit
