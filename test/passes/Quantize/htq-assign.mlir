// RUN: halftone-opt "--htq-assign=weights=int8 activations=int8-token" --split-input-file --remarks-filter=htq-assign %s -o %t.mlir 2> %t.remarks
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: FileCheck %s --input-file=%t.remarks --check-prefix=REMARK
// RUN: halftone-opt --htq-assign=weights=bf16 --split-input-file %s | FileCheck %s --check-prefix=BF16
// RUN: halftone-opt --htq-assign --split-input-file %s | FileCheck %s --check-prefix=F32

// CHECK-LABEL: func.func @linear
// CHECK:         ht.linear {{.*}} {htq.activations = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>, htq.weights = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>}
// REMARK:      remark: [Passed] format {{.*}}@w [8, 4]: weights int8, 16.00 bits; activations int8-token
// BF16-LABEL:  func.func @linear
// BF16:          ht.linear {{.*}} {htq.weights = #htq.format<bf16>}
// F32-LABEL:   func.func @linear
// F32-NOT:       htq
// F32:           return
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

// A table that embedding and output projection share has one format.
// CHECK-LABEL: func.func @tied
// CHECK:         ht.embedding {{.*}} {htq.weights = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>}
// CHECK:         ht.linear {{.*}} {htq.activations = {{.*}}, htq.weights = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>}
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

// Anything else reads a weight in its own type, so it keeps that for all readers,
// and the input then stays as it is, too.
// CHECK-LABEL: func.func @other_reader
// CHECK-NOT:     htq
// CHECK:         return
// REMARK:      remark: [Missed] format {{.*}}@shared has a reader that needs its own type
// REMARK:      remark: [Missed] format {{.*}}activations stay as they are: only codes of integers multiply codes of integers
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

// A float that is asked for widens (f32) or narrows f32 (bf16): an f16 as bf16 would
// lose bits and save none.
// BF16-LABEL:  func.func @narrow
// BF16-NOT:      htq
// BF16:          return
// F32-LABEL:   func.func @narrow
// F32:           ht.linear {{.*}} {htq.weights = #htq.format<f32>}
ht.weight @half : tensor<8x4xf16> {
  %0 = ht.load "w" offset 0 : tensor<8x4xf16>
  ht.yield %0 : tensor<8x4xf16>
}
func.func @narrow(%x: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %w = ht.get_weight @half : tensor<8x4xf16>
  %0 = ht.linear %x, %w : tensor<3x4xf32>, tensor<8x4xf16> -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// -----

// What the model file has quantized stays as it is, turned as the graph has it; a
// scale for all rows is one for each.
// CHECK-LABEL: func.func @imported
// CHECK:         ht.linear {{.*}} {htq.activations = {{.*}}, htq.weights = #htq.format<affine<ui4, blocks [1, 2], scale f16, zero ui4>>}
// CHECK:         ht.linear {{.*}} {htq.activations = {{.*}}, htq.weights = #htq.format<affine<i8, blocks [1, ?], scale f32>>}
// REMARK:      remark: [Missed] format {{.*}}@blocks stays as the model file has quantized it
// REMARK:      remark: [Passed] format {{.*}}@blocks [8, 4]: weights affine<ui4, blocks [1, 2], scale f16, zero ui4>, 14.00 bits
// F32-LABEL:   func.func @imported
// F32-NOT:       htq.weights
// F32:           return
ht.weight @blocks : tensor<8x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<4x8xui4>
  %1 = ht.load "w" offset 16 : tensor<2x8xf16>
  %2 = ht.load "w" offset 48 : tensor<2x8xui4>
  %3 = htq.dequantize #htq.affine<ui4, blocks [2, 1], scale f16, zero ui4>(%0, %1, %2)
      : (tensor<4x8xui4>, tensor<2x8xf16>, tensor<2x8xui4>) -> tensor<4x8xf32>
  %4 = ht.transpose %3 [1, 0] : tensor<4x8xf32> -> tensor<8x4xf32>
  ht.yield %4 : tensor<8x4xf32>
}
ht.weight @whole : tensor<8x4xf32> {
  %0 = ht.load "w" offset 64 : tensor<8x4xi8>
  %1 = ht.load "w" offset 96 : tensor<1x1xf32>
  %2 = htq.dequantize #htq.affine<i8, blocks [?, ?], scale f32>(%0, %1)
      : (tensor<8x4xi8>, tensor<1x1xf32>) -> tensor<8x4xf32>
  ht.yield %2 : tensor<8x4xf32>
}
func.func @imported(%x: tensor<3x4xf32>) -> (tensor<3x8xf32>, tensor<3x8xf32>) {
  %a = ht.get_weight @blocks : tensor<8x4xf32>
  %b = ht.get_weight @whole : tensor<8x4xf32>
  %0 = ht.linear %x, %a : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %1 = ht.linear %x, %b : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  return %0, %1 : tensor<3x8xf32>, tensor<3x8xf32>
}

// -----

// Sums of more products than i32 holds stay sums of floats.
// CHECK-LABEL: func.func @many
// CHECK-NOT:     htq.activations
// CHECK:         return
// REMARK:      remark: [Missed] format {{.*}}activations stay as they are: a sum of 200000 products does not fit i32
ht.weight @long : tensor<2x200000xf32> {
  %0 = ht.load "w" offset 0 : tensor<2x200000xf32>
  ht.yield %0 : tensor<2x200000xf32>
}
func.func @many(%x: tensor<3x200000xf32>) -> tensor<3x2xf32> {
  %w = ht.get_weight @long : tensor<2x200000xf32>
  %0 = ht.linear %x, %w : tensor<3x200000xf32>, tensor<2x200000xf32> -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}
