//===- Intrinsics.cpp - the catalogue of multiplying instructions -----------===//

#include "dialects/HTK/Intrinsics.h"

#include "dialects/HTQ/Terms.h"

using namespace mlir;

namespace halftone::htk {

ArrayRef<Intrinsic> getIntrinsics() {
  // Rates: one tile product takes 16 cycles; two vector instructions start in a cycle,
  // one of vdpbf16ps. A madd is two multiplications and two additions of i16 pairs.
  static const Intrinsic intrinsics[] = {
      {"amx_int8", "amx-int8", 512, ProductKind::Bytes, 16, 16, 64, 1024, 8},
      {"avx512_vnni", "avx512vnni", 512, ProductKind::Bytes, 1, 16, 4, 128, 1},
      {"avx512_madd", "", 512, ProductKind::Bytes, 1, 16, 4, 32, 1},
      {"avx_vnni", "avxvnni", 256, ProductKind::Bytes, 1, 8, 4, 64, 1},
      {"avx2_madd", "", 256, ProductKind::Bytes, 1, 8, 4, 16, 1},
      {"amx_bf16", "amx-bf16", 512, ProductKind::BF16, 16, 16, 32, 512, 8},
      {"avx512_bf16", "avx512bf16", 512, ProductKind::BF16, 1, 16, 2, 32, 1},
      {"avx512_fma", "", 512, ProductKind::Values, 1, 16, 1, 32, 1},
      {"avx2_fma", "", 256, ProductKind::Values, 1, 8, 1, 16, 1},
  };
  return intrinsics;
}

ProductKind getProductKind(Attribute inputTerm, Attribute weightTerm) {
  if (htq::isIntegerProduct(inputTerm, weightTerm))
    return ProductKind::Bytes;
  auto isBF16 = [](Attribute term) {
    auto leaf = dyn_cast<TypeAttr>(term);
    return leaf && leaf.getValue().isBF16();
  };
  return isBF16(inputTerm) && isBF16(weightTerm) ? ProductKind::BF16 : ProductKind::Values;
}

SmallVector<const Intrinsic *> selectIntrinsics(CpuAttr cpu, ProductKind kind) {
  const Intrinsic *tile = nullptr, *vector = nullptr;
  for (const Intrinsic &entry : getIntrinsics()) {
    if (entry.kind != kind || entry.vectorBits != cpu.getVectorBits())
      continue;
    if (!entry.feature.empty() && !cpu.has(entry.feature))
      continue;
    const Intrinsic *&best = entry.isTile() ? tile : vector;
    if (!best || best->rate < entry.rate)
      best = &entry;
  }
  // Every processor converts to f32 and multiplies.
  if (!vector)
    return selectIntrinsics(cpu, ProductKind::Values);
  SmallVector<const Intrinsic *> selected;
  if (tile)
    selected.push_back(tile);
  selected.push_back(vector);
  return selected;
}

} // namespace halftone::htk
