//===- Registration.cpp - one place that knows every dialect and pass -------===//

#include "compiler/Driver/Registration.h"

#include "compiler/Pipelines/Phases.h"
#include "dialects/HTK/HTKDialect.h"
#include "dialects/HTQ/HTQDialect.h"
#include "passes/CPU/Passes.h"
#include "passes/CUDA/Passes.h"
#include "passes/Graph/Passes.h"
#include "passes/Kernels/Passes.h"
#include "passes/Layout/Passes.h"
#include "passes/Quantize/Passes.h"
#include "passes/Verify/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"

void halftone::registerDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllGPUToLLVMIRTranslations(registry);
  registry.insert<ht::HTDialect, htq::HTQDialect, htk::HTKDialect>();
}

void halftone::registerPasses() {
  mlir::registerAllPasses();
  graph::registerPasses();
  kernels::registerHalftoneKernelsPasses();
  layout::registerHalftoneLayoutPasses();
  quantize::registerHalftoneQuantizePasses();
  cpu::registerHalftoneCPUPasses();
  cuda::registerHalftoneCUDAPasses();
  verify::registerHalftoneVerifyPasses();
  pipelines::registerPhasePipelines();
}
