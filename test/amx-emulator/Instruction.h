//===- Instruction.h - the encodings of the tile instructions --------------===//

#pragma once

#include "Tiles.h"

#include <ucontext.h>

namespace halftone::amx {

enum class Operation : uint8_t { LoadConfig, StoreConfig, Release, Zero, Load, Store, Multiply };

struct Instruction {
  const char *name;
  Operation operation;
  Product product;        ///< of Multiply
  unsigned length;        ///< in bytes
  unsigned reg, rm, vvvv; ///< tiles: destination, left and right of Multiply; reg of the others
  uintptr_t address;      ///< of the memory operand
  ptrdiff_t stride;       ///< the index register of Load and Store, scaled
};

/// Reads the instruction at code (all but its first byte, which was C4), with the
/// registers of the moment in its address. Returns false if it is no tile instruction.
bool decode(const uint8_t *code, const greg_t *registers, Instruction &instruction);

} // namespace halftone::amx
