//===- HTQDialect.h - formats as terms --------------------------------------===//

#ifndef HALFTONE_DIALECTS_HTQ_HTQDIALECT_H
#define HALFTONE_DIALECTS_HTQ_HTQDIALECT_H

#include "dialects/HT/HTDialect.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"

#include "dialects/HTQ/HTQDialect.h.inc"
#include "dialects/HTQ/HTQEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/HTQ/HTQAttrs.h.inc"

#endif
