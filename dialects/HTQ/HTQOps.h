//===- HTQOps.h - operations that apply a term ------------------------------===//

#ifndef HALFTONE_DIALECTS_HTQ_HTQOPS_H
#define HALFTONE_DIALECTS_HTQ_HTQOPS_H

#include "dialects/HTQ/HTQDialect.h"

#include "mlir/IR/OpImplementation.h"

#define GET_OP_CLASSES
#include "dialects/HTQ/HTQOps.h.inc"

#endif
