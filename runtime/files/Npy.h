//===- Npy.h - one array in numpy's .npy format ---------------------------===//
//
// Versions 1, 2 and 3; C order; little-endian. numpy has no bfloat16 and no
// floats and integers of 8 bits and less but its own: their arrays are written
// as ml_dtypes' are, as bits without a type ("<V2", "|V1"; ml_dtypes also
// writes
// "<f1"), and read as bits, or as unsigned integers of that width.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_RUNTIME_FILES_NPY_H
#define HALFTONE_RUNTIME_FILES_NPY_H

#include "runtime/files/ByteReader.h"
#include "runtime/files/Tensor.h"

namespace halftone::rt {

/// Reads an array that fills `bytes` exactly. `source` begins each message: the
/// file, or the file and the member. The tensor's name is left alone.
bool readNpy(Bytes bytes, const char *source, Tensor &tensor,
             Diagnostic &diagnostic);

/// Magic, version and header; the elements follow it, 64-byte aligned.
Text npyHeader(const halftone_tensor &tensor);

} // namespace halftone::rt

#endif
