//===- Reference.h - products of tiles, as the manual writes them ----------===//

#pragma once

#include "Tiles.h"

namespace halftone::amx {

/// A product of m x k and k x n dwords.
struct ProductShape {
  unsigned m, k, n;
};

/// Tile 0 is m x n, 1 m x k, 2 k x n.
TileConfig makeConfig(ProductShape shape);

/// Rows of bytes, `stride` apart: c += a * b, one element after the other.
void referenceProduct(Product product, ProductShape shape, uint8_t *c, const uint8_t *a, const uint8_t *b,
                      unsigned stride);

/// Bytes that repeat from run to run.
class RandomBytes {
public:
  uint32_t next();
  void fill(uint8_t *bytes, unsigned count);
  /// Operands that show what a product is to show: any bytes for integers; floats
  /// whose products neither overflow nor vanish, or, if `special`, any floats at all.
  void fillOperand(Product product, bool special, uint8_t *bytes, unsigned count);
  /// The same for the tile that is added to.
  void fillSum(Product product, bool special, uint8_t *bytes, unsigned count);

private:
  uint64_t state = 88172645463325252;
};

} // namespace halftone::amx
