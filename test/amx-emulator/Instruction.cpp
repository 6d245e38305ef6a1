//===- Instruction.cpp - the encodings of the tile instructions ------------===//
//
//   C4  R X B 00010  W vvvv L pp  opcode  modrm [sib] [displacement]
//
// R, X, B and vvvv are stored inverted; W and L are zero, R is one since there are
// eight tiles. Segment and address-size prefixes are not decoded: compilers have
// no use for them here.
//
//===----------------------------------------------------------------------===//

#include "Instruction.h"

#include <cstring>

namespace halftone::amx {

namespace {
enum Prefix : uint8_t { None, P66, PF3, PF2 };
enum Form : uint8_t {
  Memory,    // any memory operand
  Rows,      // memory with a SIB byte: base and stride
  Tile,      // modrm.reg is a tile, modrm.rm zero
  NoOperand, // modrm is C0
  ThreeTiles,
};

struct Encoding {
  uint8_t opcode;
  Prefix prefix;
  Form form;
  Operation operation;
  Product product;
  const char *name;
};
} // namespace

static constexpr Encoding encodings[] = {
    {0x49, None, Memory, Operation::LoadConfig, {}, "ldtilecfg"},
    {0x49, P66, Memory, Operation::StoreConfig, {}, "sttilecfg"},
    {0x49, None, NoOperand, Operation::Release, {}, "tilerelease"},
    {0x49, PF2, Tile, Operation::Zero, {}, "tilezero"},
    {0x4b, PF2, Rows, Operation::Load, {}, "tileloadd"},
    {0x4b, P66, Rows, Operation::Load, {}, "tileloaddt1"},
    {0x4b, PF3, Rows, Operation::Store, {}, "tilestored"},
    {0x5e, PF2, ThreeTiles, Operation::Multiply, Product::S8S8, "tdpbssd"},
    {0x5e, PF3, ThreeTiles, Operation::Multiply, Product::S8U8, "tdpbsud"},
    {0x5e, P66, ThreeTiles, Operation::Multiply, Product::U8S8, "tdpbusd"},
    {0x5e, None, ThreeTiles, Operation::Multiply, Product::U8U8, "tdpbuud"},
    {0x5c, PF3, ThreeTiles, Operation::Multiply, Product::BF16, "tdpbf16ps"},
    {0x5c, PF2, ThreeTiles, Operation::Multiply, Product::F16, "tdpfp16ps"},
};

static uintptr_t read(const greg_t *registers, unsigned number) {
  static constexpr int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  return static_cast<uintptr_t>(registers[order[number]]);
}

static bool matches(Form form, bool isMemory, bool hasSib, unsigned reg, unsigned rm, unsigned vvvv) {
  if (form != ThreeTiles && vvvv != 0)
    return false;
  switch (form) {
  case Memory:
    return isMemory && reg == 0;
  case Rows:
    return isMemory && hasSib;
  case Tile:
    return !isMemory && rm == 0;
  case NoOperand:
    return !isMemory && reg == 0 && rm == 0;
  case ThreeTiles:
    return !isMemory && vvvv < numTiles;
  }
  return false;
}

/// Sets address, stride and the end of the instruction.
static const uint8_t *decodeMemory(const uint8_t *at, const greg_t *registers, unsigned mod, unsigned rm,
                                   unsigned extendBase, unsigned extendIndex, Instruction &instruction) {
  uintptr_t base = 0;
  ptrdiff_t index = 0;
  unsigned displacementBytes = mod == 1 ? 1 : mod == 2 ? 4 : 0;
  bool ofNext = false;
  if (rm == 4) {
    unsigned sib = *at++, number = (sib >> 3 & 7) | extendIndex;
    if (number != 4)
      index = static_cast<ptrdiff_t>(read(registers, number) << (sib >> 6));
    if ((sib & 7) == 5 && mod == 0)
      displacementBytes = 4;
    else
      base = read(registers, (sib & 7) | extendBase);
  } else if (rm == 5 && mod == 0) {
    displacementBytes = 4;
    ofNext = true;
  } else {
    base = read(registers, rm | extendBase);
  }
  int32_t displacement = 0;
  if (displacementBytes == 1)
    displacement = static_cast<int8_t>(*at);
  else if (displacementBytes == 4)
    memcpy(&displacement, at, 4);
  at += displacementBytes;
  if (ofNext)
    base = reinterpret_cast<uintptr_t>(at);
  instruction.address = base + displacement;
  instruction.stride = index;
  return at;
}

bool decode(const uint8_t *code, const greg_t *registers, Instruction &instruction) {
  // R is one, the map 0F38, W and L zero.
  if ((code[1] & 0x9f) != 0x82 || (code[2] & 0x84) != 0)
    return false;
  bool extendIndex = !(code[1] & 0x40), extendBase = !(code[1] & 0x20);
  unsigned vvvv = ~code[2] >> 3 & 15, modrm = code[4];
  unsigned mod = modrm >> 6, reg = modrm >> 3 & 7, rm = modrm & 7;
  bool isMemory = mod != 3;
  if (!isMemory && (extendIndex || extendBase))
    return false;
  for (const Encoding &encoding : encodings) {
    if (encoding.opcode != code[3] || encoding.prefix != (code[2] & 3) ||
        !matches(encoding.form, isMemory, rm == 4, reg, rm, vvvv))
      continue;
    instruction = {};
    instruction.name = encoding.name;
    instruction.operation = encoding.operation;
    instruction.product = encoding.product;
    instruction.reg = reg;
    instruction.rm = rm;
    instruction.vvvv = vvvv;
    const uint8_t *end = code + 5;
    if (isMemory) {
      end = decodeMemory(end, registers, mod, rm, extendBase ? 8 : 0, extendIndex ? 8 : 0, instruction);
      // LDTILECFG and STTILECFG take an index like any other memory operand.
      if (encoding.form == Memory)
        instruction.address += instruction.stride;
    }
    instruction.length = end - code;
    return true;
  }
  return false;
}

} // namespace halftone::amx
