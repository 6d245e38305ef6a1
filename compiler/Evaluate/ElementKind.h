//===- ElementKind.h - element types of host tensors ------------------------===//

#ifndef HALFTONE_COMPILER_EVALUATE_ELEMENTKIND_H
#define HALFTONE_COMPILER_EVALUATE_ELEMENTKIND_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/ErrorHandling.h"

#include <cstdint>

namespace halftone::evaluate {

/// Every kind: its name here, the name that MLIR gives it, bits of one element in a file, bytes in
/// memory. What is narrower than a byte takes one in memory, and an `i1` one in files too.
#define HALFTONE_ELEMENT_KINDS(X)                                                                            \
  X(I1, "i1", 8, 1)                                                                                          \
  X(I2, "i2", 2, 1)                                                                                          \
  X(I3, "i3", 3, 1)                                                                                         \
  X(I4, "i4", 4, 1)                                                                                          \
  X(I5, "i5", 5, 1)                                                                                         \
  X(I6, "i6", 6, 1)                                                                                         \
  X(I8, "i8", 8, 1)                                                                                          \
  X(I16, "i16", 16, 2)                                                                                       \
  X(I32, "i32", 32, 4)                                                                                       \
  X(I64, "i64", 64, 8)                                                                                       \
  X(UI2, "ui2", 2, 1)                                                                                        \
  X(UI3, "ui3", 3, 1)                                                                                       \
  X(UI4, "ui4", 4, 1)                                                                                        \
  X(UI5, "ui5", 5, 1)                                                                                       \
  X(UI6, "ui6", 6, 1)                                                                                       \
  X(UI8, "ui8", 8, 1)                                                                                        \
  X(UI16, "ui16", 16, 2)                                                                                     \
  X(UI32, "ui32", 32, 4)                                                                                     \
  X(UI64, "ui64", 64, 8)                                                                                     \
  X(F16, "f16", 16, 2)                                                                                       \
  X(BF16, "bf16", 16, 2)                                                                                     \
  X(F32, "f32", 32, 4)                                                                                       \
  X(F64, "f64", 64, 8)                                                                                       \
  X(F8E4M3FN, "f8E4M3FN", 8, 1)                                                                              \
  X(F8E4M3FNUZ, "f8E4M3FNUZ", 8, 1)                                                                          \
  X(F8E5M2, "f8E5M2", 8, 1)                                                                                  \
  X(F8E5M2FNUZ, "f8E5M2FNUZ", 8, 1)                                                                          \
  X(F8E8M0FNU, "f8E8M0FNU", 8, 1)                                                                            \
  X(F4E2M1FN, "f4E2M1FN", 4, 1)

enum class ElementKind : uint8_t {
#define HALFTONE_KIND(name, text, bits, bytes) name,
  HALFTONE_ELEMENT_KINDS(HALFTONE_KIND)
#undef HALFTONE_KIND
};

inline bool isFloat(ElementKind kind) { return kind >= ElementKind::F16; }
inline bool isUnsigned(ElementKind kind) { return kind >= ElementKind::UI2 && kind <= ElementKind::UI64; }
/// An 8- or 4-bit float: the types whose conversions may saturate.
inline bool isFloatCode(ElementKind kind) { return kind >= ElementKind::F8E4M3FN; }

/// Bytes of one element in memory.
inline int64_t getSize(ElementKind kind) {
  switch (kind) {
#define HALFTONE_KIND(name, text, bits, bytes)                                                               \
  case ElementKind::name:                                                                                    \
    return bytes;
    HALFTONE_ELEMENT_KINDS(HALFTONE_KIND)
#undef HALFTONE_KIND
  }
  llvm_unreachable("covered switch");
}

/// Bits of one element in a file.
inline int64_t getStoredBits(ElementKind kind) {
  switch (kind) {
#define HALFTONE_KIND(name, text, bits, bytes)                                                               \
  case ElementKind::name:                                                                                    \
    return bits;
    HALFTONE_ELEMENT_KINDS(HALFTONE_KIND)
#undef HALFTONE_KIND
  }
  llvm_unreachable("covered switch");
}

/// The element type as MLIR writes it: "f32", "ui8", ….
llvm::StringRef toString(ElementKind kind);

} // namespace halftone::evaluate

#endif
