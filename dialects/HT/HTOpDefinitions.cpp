//===- HTOpDefinitions.cpp - what ODS generates for the operations ----------===//
//
// Apart from the hand-written verifiers, so that a change to one of those does
// not compile all of this again.
//
//===----------------------------------------------------------------------===//

#include "dialects/HT/HTOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

#define GET_OP_CLASSES
#include "dialects/HT/HTOps.cpp.inc"
