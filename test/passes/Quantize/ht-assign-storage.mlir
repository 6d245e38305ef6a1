// RUN: halftone-opt --ht-assign-storage=storage=bf16 --split-input-file %s | FileCheck %s
// RUN: halftone-opt --ht-assign-storage --split-input-file %s | FileCheck %s --check-prefix=F32
// RUN: halftone-opt --ht-assign-storage=storage=bf16 --split-input-file --remarks-filter-missed=ht-assign-storage %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// A linear's weight is rounded once, in its initializer; the linear's result and
// its bias stay f32.
// CHECK:       ht.weight @w : tensor<8x4xbf16> {
// CHECK-NEXT:    %[[LOADED:.*]] = ht.load "w" offset 0 : tensor<8x4xf32>
// CHECK-NEXT:    %[[ROUNDED:.*]] = ht.cast %[[LOADED]] : tensor<8x4xf32> to tensor<8x4xbf16>
// CHECK-NEXT:    ht.yield %[[ROUNDED]]
// CHECK:       ht.weight @b : tensor<8xf32>
// CHECK-LABEL: func.func @linear
// CHECK:         %[[W:.*]] = ht.get_weight @w : tensor<8x4xbf16>
// CHECK:         ht.linear %{{.*}}, %[[W]] bias %{{.*}} : tensor<3x4xf32>, tensor<8x4xbf16>, tensor<8xf32> -> tensor<3x8xf32>
// F32-LABEL:   ht.weight @w : tensor<8x4xf32>
// F32-NOT:       ht.cast
// F32:         func.func @linear
ht.weight @w : tensor<8x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<8x4xf32>
  ht.yield %0 : tensor<8x4xf32>
}
ht.weight @b : tensor<8xf32> {
  %0 = ht.load "w" offset 128 : tensor<8xf32>
  ht.yield %0 : tensor<8xf32>
}
func.func @linear(%x: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %w = ht.get_weight @w : tensor<8x4xf32>
  %b = ht.get_weight @b : tensor<8xf32>
  %0 = ht.linear %x, %w bias %b : tensor<3x4xf32>, tensor<8x4xf32>, tensor<8xf32> -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// -----

// A table that embedding and output projection share moves with all its readers.
// CHECK:       ht.weight @table : tensor<8x4xbf16>
// CHECK-LABEL: func.func @tied
// CHECK:         ht.embedding %{{.*}} : tensor<8x4xbf16>, tensor<3xi64> -> tensor<3x4xf32>
// CHECK:         ht.linear %{{.*}} : tensor<3x4xf32>, tensor<8x4xbf16> -> tensor<3x8xf32>
ht.weight @table : tensor<8x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<8x4xf32>
  ht.yield %0 : tensor<8x4xf32>
}
func.func @tied(%ids: tensor<3xi64>) -> tensor<3x8xf32> {
  %first = ht.get_weight @table : tensor<8x4xf32>
  %second = ht.get_weight @table : tensor<8x4xf32>
  %0 = ht.embedding %first, %ids : tensor<8x4xf32>, tensor<3xi64> -> tensor<3x4xf32>
  %1 = ht.linear %0, %second : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  return %1 : tensor<3x8xf32>
}

// -----

// Anything else reads a weight in its own type, so it keeps that, for all readers.
// CHECK:       ht.weight @shared : tensor<4x4xf32>
// CHECK-LABEL: func.func @other_reader
// CHECK:         ht.linear %{{.*}} : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32>
// REMARK:      remark: [Missed] kept {{.*}}@{{.*}}shared{{.*}}has a reader that needs its own type
ht.weight @shared : tensor<4x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<4x4xf32>
  ht.yield %0 : tensor<4x4xf32>
}
func.func @other_reader(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %w = ht.get_weight @shared : tensor<4x4xf32>
  %0 = ht.linear %x, %w : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32>
  %1 = ht.add %0, %w : tensor<4x4xf32>, tensor<4x4xf32> -> tensor<4x4xf32>
  return %1 : tensor<4x4xf32>
}

// -----

// Vectors (gains, biases) are too small for a remark.
// CHECK:       ht.weight @gain : tensor<4xf32>
// REMARK-NOT:  gain
ht.weight @gain : tensor<4xf32> {
  %0 = ht.load "w" offset 0 : tensor<4xf32>
  ht.yield %0 : tensor<4xf32>
}
func.func @norm(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %g = ht.get_weight @gain : tensor<4xf32>
  %0 = ht.rms_norm %x, %g epsilon 1.0 : tensor<3x4xf32>, tensor<4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

// f32 widens a narrower weight; bf16 leaves f16, which has more bits of fraction.
// CHECK:       ht.weight @half : tensor<8x4xf16>
// F32-LABEL:   ht.weight @half : tensor<8x4xf32> {
// F32-NEXT:      %[[LOADED:.*]] = ht.load "w" offset 0 : tensor<8x4xf16>
// F32-NEXT:      %[[WIDE:.*]] = ht.cast %[[LOADED]] : tensor<8x4xf16> to tensor<8x4xf32>
// F32-NEXT:      ht.yield %[[WIDE]]
ht.weight @half : tensor<8x4xf16> {
  %0 = ht.load "w" offset 0 : tensor<8x4xf16>
  ht.yield %0 : tensor<8x4xf16>
}
func.func @narrow(%x: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %w = ht.get_weight @half : tensor<8x4xf16>
  %0 = ht.linear %x, %w : tensor<3x4xf32>, tensor<8x4xf16> -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}
