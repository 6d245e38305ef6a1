//===- Npz.h - named arrays in numpy's .npz format ------------------------===//
//
// A zip archive of .npy files, as numpy.savez writes it: stored, not deflated.
// Sizes beyond 4 GiB (zip64) are read and written.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_RUNTIME_FILES_NPZ_H
#define HALFTONE_RUNTIME_FILES_NPZ_H

#include "runtime/files/ByteReader.h"
#include "runtime/files/OutputFile.h"
#include "runtime/files/Tensor.h"

namespace halftone::rt {

/// Appends the archive's arrays to `tensors`. `path` is for messages.
bool readNpz(Bytes bytes, const char *path, Array<Tensor> &tensors,
             Diagnostic &diagnostic);

/// From this size on a member or an archive needs zip64 records.
inline constexpr uint64_t zip64Limit = 0xffffffff;

/// Writes the archive; errors are kept by the file. A test lowers `limit` to
/// have zip64 records without gigabytes.
void writeNpz(OutputFile &file, const halftone_tensor *tensors, size_t count,
              uint64_t limit = zip64Limit);

} // namespace halftone::rt

#endif
