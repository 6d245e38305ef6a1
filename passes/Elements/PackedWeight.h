//===- PackedWeight.h - reading weights that htk.pack laid out --------------===//

#ifndef HALFTONE_PASSES_ELEMENTS_PACKEDWEIGHT_H
#define HALFTONE_PASSES_ELEMENTS_PACKEDWEIGHT_H

#include "dialects/HTK/Packing.h"
#include "dialects/HTQ/HTQDialect.h"
#include "passes/Elements/CodeBuilder.h"

namespace halftone::elements {

/// A linear's weight in its packed form. What is read are the kernel's lanes of rows
/// from row `at` of a panel on.
class PackedWeight {
public:
  /// table[indices[i] mod 16], both of 16 lanes.
  using Permutation = std::function<mlir::Value(mlir::Value table, mlir::Value indices)>;

  /// Bare weights are converted to `real`, f32 or f64; all else is f32. `permute` is null where the
  /// target has no such instruction.
  PackedWeight(CodeBuilder &kernel, htk::LinearOp linear, mlir::Type real, Permutation permute = {});

  const htk::Packing &getPacking() const { return packing; }
  /// The buffer of what is packed.
  mlir::Value getCodes() const { return codes; }
  /// Bytes of a panel of it.
  int64_t getPanelBytes() const;

  /// Asks for what comes `kDistance` behind a period: for its `count` rows from row `at` on.
  void prefetch(mlir::Value period, mlir::Value at, int64_t count);
  /// The same of the parameters of block `block` along k, where there is one for each block.
  void prefetchParameters(mlir::Value block, mlir::Value at, int64_t count);

  /// From here on reads are of this panel.
  void setPanel(mlir::Value index) { panel = index; }

  /// The stored codes (as vpdpbusd takes them: unsigned, group by group) or pairs of
  /// bf16 of static `step` of a period: 32-bit lanes, one a row.
  mlir::Value getGroups(mlir::Value period, int64_t step, mlir::Value at);

  /// The same codes less their zero, as signed bytes. `form` says what more they are.
  enum class Bytes {
    None,   ///< signed bytes cannot hold them
    Codes,  ///< code - zero
    Scaled, ///< (code - zero) times the integer that scales its block inside its row's scale
    Negated ///< the negative of that: one end of its range is 128
  };
  /// `Scaled` or `Negated` where `mayScale`, and a block's integer leaves room; then a row has one scale.
  Bytes getBytesForm(bool mayScale) const;
  mlir::Value getSignedGroups(Bytes form, mlir::Value period, int64_t step, mlir::Value block,
                              mlir::Value at);
  /// The scale of `width` rows that bytes of this form leave to apply, where that is one for a row.
  mlir::Value getRowScale(Bytes form, mlir::Value at, int64_t width);

  /// The values at static `column` of a period, before any scale of an affine: code minus
  /// zero, the codebook's entry, or the weight itself.
  mlir::Value getValues(mlir::Value period, int64_t column, mlir::Value block, mlir::Value at);

  /// The scale and the zero (as stored: with `getBias` of the packing added) of a block along k, for
  /// `width` rows.
  bool hasScale() const { return static_cast<bool>(affine); }
  mlir::Value getScale(mlir::Value block, mlir::Value at, int64_t width);
  bool hasZero() const { return affine && affine.getZero(); }
  mlir::Value getZero(mlir::Value block, mlir::Value at, int64_t width);

private:
  mlir::Value loadSlab(mlir::Value period, int64_t slab, mlir::Value at);
  mlir::Value getBits(mlir::Value period, int64_t step, mlir::Value at, int64_t shift, int64_t mask);
  mlir::Value getParameter(mlir::Attribute term, mlir::ValueRange &leaves, mlir::Value block, mlir::Value at,
                           int64_t width);
  /// Of an integer by which a term scales blocks inside rows: the number without the row's scale.
  mlir::Value getBlockFactor(mlir::Value block, mlir::Value at);
  mlir::Value lookUp(mlir::Value indices);
  mlir::Value i32(int64_t value, int64_t width);
  void prefetchLine(mlir::Value buffer, mlir::Value position);

  CodeBuilder &k;
  Permutation permute;
  mlir::Attribute term;
  htq::AffineAttr affine; ///< null: a bare element type or a lookup
  mlir::Value codes, codebook;
  llvm::SmallVector<mlir::Value> leaves;
  mlir::Type element, real;
  htk::Packing packing;
  int64_t periods;
  mlir::Value panel;
  bool rowsShareParameters = false; ///< while parameters are read
};

} // namespace halftone::elements

#endif
