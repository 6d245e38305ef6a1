//===- Passes.h - which format every tensor has ----------------------------===//

#ifndef HALFTONE_PASSES_QUANTIZE_PASSES_H
#define HALFTONE_PASSES_QUANTIZE_PASSES_H

#include "dialects/HT/HTOps.h"
#include "dialects/HTQ/HTQDialect.h"

#include "mlir/Dialect/Quant/IR/Quant.h"

#include "mlir/Pass/Pass.h"

namespace halftone::quantize {

#define GEN_PASS_DECL
#include "passes/Quantize/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "passes/Quantize/Passes.h.inc"

} // namespace halftone::quantize

#endif
