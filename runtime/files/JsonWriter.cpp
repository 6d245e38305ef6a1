//===- JsonWriter.cpp - named arrays to JSON ------------------------------===//

#include "runtime/files/Json.h"

#include <cmath>

namespace halftone::rt {

Text elementText(const halftone_tensor &tensor, size_t index) {
  if (!isFloat(tensor.dtype)) {
    int64_t value = loadInteger(tensor.dtype, tensor.data, index);
    return tensor.dtype == HALFTONE_U64
               ? formatted("%llu", static_cast<unsigned long long>(value))
               : formatted("%lld", static_cast<long long>(value));
  }
  double value = loadElement(tensor.dtype, tensor.data, index);
  if (std::isnan(value))
    return formatted("NaN");
  if (std::isinf(value))
    return formatted(value < 0 ? "-Infinity" : "Infinity");
  // As many as tell any two values of the type apart; powers of two, of
  // f8e8m0fnu, are written like an f32.
  int digits = tensor.dtype == HALFTONE_F64         ? 17
               : tensor.dtype == HALFTONE_F32       ? 9
               : tensor.dtype == HALFTONE_F8E8M0FNU ? 9
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
