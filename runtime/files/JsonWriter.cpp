//===- JsonWriter.cpp - named arrays to JSON ------------------------------===//

#include "runtime/files/Json.h"

#include <cmath>

namespace halftone::rt {

Text elementText(const halftone_tensor &tensor, size_t index) {
  if (!isFloat(tensor.dtype))
    return formatted("%lld", static_cast<long long>(loadInteger(
                                 tensor.dtype, tensor.data, index)));
  double value = loadElement(tensor.dtype, tensor.data, index);
  if (std::isnan(value))
    return formatted("NaN");
  if (std::isinf(value))
    return formatted(value < 0 ? "-Infinity" : "Infinity");
  int digits = tensor.dtype == HALFTONE_F64   ? 17
               : tensor.dtype == HALFTONE_F32 ? 9
                                              : 5;
  return formatted("%.*g", digits, value);
}

/// Writes the sub-array of dimensions `depth` and up; `index` is its first
/// element and moves on.
static void writeArray(OutputFile &file, const halftone_tensor &tensor,
                       uint32_t depth, size_t &index) {
  if (depth == tensor.rank) {
    Text text = elementText(tensor, index++);
    file.write(text.c_str(), text.size());
    return;
  }
  file.write("[");
  for (int64_t i = 0; i < tensor.dims[depth]; ++i) {
    if (i)
      file.write(", ");
    writeArray(file, tensor, depth + 1, index);
  }
  file.write("]");
}

void writeJson(OutputFile &file, const halftone_tensor *tensors, size_t count) {
  file.write("{");
  for (size_t i = 0; i < count; ++i) {
    file.format("%s%s: ", i ? ",\n " : "", jsonText(tensors[i].name).c_str());
    size_t index = 0;
    writeArray(file, tensors[i], 0, index);
  }
  file.write("}\n");
}

} // namespace halftone::rt
