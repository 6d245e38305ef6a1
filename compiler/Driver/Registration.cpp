//===- Registration.cpp - one place that knows every dialect and pass -------===//

#include "compiler/Driver/Registration.h"

#include "dialects/HT/HTDialect.h"
#include "dialects/HTK/HTKDialect.h"
#include "passes/Graph/Passes.h"
#include "passes/Kernels/Passes.h"
#include "passes/Layout/Passes.h"
#include "passes/Quantize/Passes.h"

#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

void halftone::registerDialects(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<ht::HTDialect, htk::HTKDialect>();
}

void halftone::registerPasses() {
  mlir::registerAllPasses();
  graph::registerPasses();
  kernels::registerHalftoneKernelsPasses();
  layout::registerHalftoneLayoutPasses();
  quantize::registerHalftoneQuantizePasses();
}
