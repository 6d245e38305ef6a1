//===- Json.h - named arrays as JSON --------------------------------------===//
//
//   {"input_ids": [[101, 2023, 102]], "attention_mask": [[1, 1, 1]]}
//
// The program's signature says the dtypes. As Python's json module does, NaN,
// Infinity and -Infinity are read and written.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_RUNTIME_FILES_JSON_H
#define HALFTONE_RUNTIME_FILES_JSON_H

#include "runtime/files/ByteReader.h"
#include "runtime/files/OutputFile.h"
#include "runtime/files/Tensor.h"

namespace halftone::rt {

/// Appends the arrays to `tensors`. Each must be one of `infos`, which gives
/// its dtype. `path` is for messages.
bool readJson(Bytes bytes, const char *path, const halftone_tensor_info *infos,
              uint32_t numInfos, Array<Tensor> &tensors,
              Diagnostic &diagnostic);

void writeJson(OutputFile &file, const halftone_tensor *tensors, size_t count);

/// One element, with as many digits as its type needs to be read back.
Text elementText(const halftone_tensor &tensor, size_t index);

/// Whether the text is one JSON value.
bool isJson(const char *text);

} // namespace halftone::rt

#endif
