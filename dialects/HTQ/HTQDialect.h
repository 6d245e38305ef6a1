//===- HTQDialect.h - formats as terms --------------------------------------===//

#ifndef HALFTONE_DIALECTS_HTQ_HTQDIALECT_H
#define HALFTONE_DIALECTS_HTQ_HTQDIALECT_H

#include "dialects/HT/HTDialect.h"

#include "dialects/HTQ/HTQDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/HTQ/HTQAttrs.h.inc"

#endif
