//===- DataType.h - element types: names, sizes, conversions --------------===//

#ifndef HALFTONE_RUNTIME_SUPPORT_DATATYPE_H
#define HALFTONE_RUNTIME_SUPPORT_DATATYPE_H

#include "halftone/abi.h"

#include <cstddef>
#include <cstdint>

namespace halftone::rt {

/// "f32"; "unknown" for a number that is no halftone_dtype.
const char *typeName(uint32_t dtype);

/// 0 for a number that is no halftone_dtype.
size_t typeBytes(uint32_t dtype);

bool isFloat(uint32_t dtype);

/// Elements × bytes. False when a dimension is negative or the product does not
/// fit in a signed 64-bit size.
[[nodiscard]] bool tensorBytes(uint32_t dtype, const int64_t *dims, size_t rank,
                               size_t &bytes);

/// Bits of an element that count: fewer than its bytes have for 2- and 4-bit
/// ones.
unsigned typeBits(uint32_t dtype);

/// Element `index` of an array; exact for all types but 64-bit integers beyond
/// 2^53.
double loadElement(uint32_t dtype, const void *data, size_t index);

/// Elements `first` .. `first + count - 1` of an array.
void loadElements(uint32_t dtype, const void *data, size_t first, size_t count,
                  double *values);

bool isUnsigned(uint32_t dtype);

/// The least and greatest value of an integer type (BOOL: 0 and 1; U64: as far
/// as int64_t goes).
void integerBounds(uint32_t dtype, int64_t &least, int64_t &greatest);

/// Stores into an integer or BOOL array; the value must be within the bounds,
/// or the bits of a U64.
void storeInteger(uint32_t dtype, void *data, size_t index, int64_t value);

/// Stores into a float array. False when the type has no value near: beyond the
/// largest of an 8- or 4-bit float without infinity, or a NaN where there is
/// none.
bool storeFloat(uint32_t dtype, void *data, size_t index, double value);

/// Reads from an integer or BOOL array; of a U64 the bits.
int64_t loadInteger(uint32_t dtype, const void *data, size_t index);

/// Gives the bits that do not count the values that they have in a program:
/// copies of the sign, or zeros.
void normalizeElements(uint32_t dtype, void *data, size_t count);

} // namespace halftone::rt

#endif
