// RUN: halftone-opt --pass-pipeline='builtin.module(func.func(htk-expand-linears))' %s | FileCheck %s
// RUN: halftone-opt --pass-pipeline='builtin.module(func.func(htk-expand-linears))' --remarks-filter-missed=htk-expand-linears %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// A weight that the graph computes cannot be packed: it is transposed, in the input's type.
// CHECK-LABEL: func.func @computed
// CHECK-SAME:    (%[[X:.*]]: tensor<3x4xf32>, %[[V:.*]]: tensor<5x4xf16>, %[[B:.*]]: tensor<5xf32>)
// CHECK:         %[[W:.*]] = ht.cast %[[V]] : tensor<5x4xf16> to tensor<5x4xf32>
// CHECK:         %[[T:.*]] = ht.transpose %[[W]] [1, 0]
// CHECK:         %[[P:.*]] = ht.matmul %[[X]], %[[T]] : tensor<3x4xf32>, tensor<4x5xf32>
// CHECK:         %[[Y:.*]] = ht.add %[[P]], %[[B]]
// CHECK:         return %[[Y]]
func.func @computed(%x: tensor<3x4xf32>, %v: tensor<5x4xf16>, %b: tensor<5xf32>) -> tensor<3x5xf32> {
  %y = ht.linear %x, %v bias %b : tensor<3x4xf32>, tensor<5x4xf16>, tensor<5xf32> -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}

// A parameter stays, for its layer's own loop nest.
// CHECK-LABEL: func.func @parameter
// CHECK:         ht.linear
// CHECK-NOT:     ht.matmul
ht.weight @w : tensor<5x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<5x4xf32>
  ht.yield %0 : tensor<5x4xf32>
}
func.func @parameter(%x: tensor<3x4xf32>) -> tensor<3x5xf32> {
  %w = ht.get_weight @w : tensor<5x4xf32>
  %y = ht.linear %x, %w : tensor<3x4xf32>, tensor<5x4xf32> -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}

ht.weight @codes : tensor<5x96xi4> {
  %0 = ht.load "w" offset 0 : tensor<5x96xi4>
  ht.yield %0 : tensor<5x96xi4>
}
ht.weight @scale : tensor<5x3xf32> {
  %0 = ht.load "w" offset 240 : tensor<5x3xf32>
  ht.yield %0 : tensor<5x3xf32>
}

// Terms whose layout kernels know stay terms …
// CHECK-LABEL: func.func @terms
// CHECK:         htq.linear
// CHECK-NOT:     ht.matmul
// CHECK:         return
func.func @terms(%x: tensor<3x96xf32>) -> tensor<3x5xf32> {
  %c = ht.get_weight @codes : tensor<5x96xi4>
  %s = ht.get_weight @scale : tensor<5x3xf32>
  %y = htq.linear f32(%x) by affine<i4, blocks [1, 32], scale f32>(%c, %s)
      : (tensor<3x96xf32>) by (tensor<5x96xi4>, tensor<5x3xf32>) -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}

// … others are products of values. A period of 4-bit codes is 8 columns, here a block has 44.
// CHECK-LABEL: func.func @odd_blocks
// CHECK:         htq.dequantize #htq.affine<i4, blocks [1, 44], scale f32>
// CHECK:         ht.matmul
// REMARK:      remark: [Missed] dequantized {{.*}}its blocks end inside a period of the packed layout
func.func @odd_blocks(%x: tensor<3x96xf32>) -> tensor<3x5xf32> {
  %c = ht.get_weight @codes : tensor<5x96xi4>
  %s = ht.get_weight @scale : tensor<5x3xf32>
  %y = htq.linear f32(%x) by affine<i4, blocks [1, 44], scale f32>(%c, %s)
      : (tensor<3x96xf32>) by (tensor<5x96xi4>, tensor<5x3xf32>) -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}

// Kernels multiply signed codes around 0 of activations: not unsigned ones with a zero.
// CHECK-LABEL: func.func @unsigned_activations
// CHECK-COUNT-2: htq.dequantize
// CHECK:         ht.matmul
// REMARK:      remark: [Missed] dequantized {{.*}}the activations' codes are no signed bytes around 0
func.func @unsigned_activations(%x: tensor<3x96xui8>, %t: tensor<3x1xf32>, %z: tensor<3x1xui8>) -> tensor<3x5xf32> {
  %c = ht.get_weight @codes : tensor<5x96xi4>
  %s = ht.get_weight @scale : tensor<5x3xf32>
  %y = htq.linear affine<ui8, blocks [1, ?], scale f32, zero ui8>(%x, %t, %z) by affine<i4, blocks [1, 32], scale f32>(%c, %s)
      : (tensor<3x96xui8>, tensor<3x1xf32>, tensor<3x1xui8>) by (tensor<5x96xi4>, tensor<5x3xf32>) -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}

ht.weight @indices : tensor<5x96xui4> {
  %0 = ht.load "w" offset 300 : tensor<5x96xui4>
  ht.yield %0 : tensor<5x96xui4>
}
ht.weight @book : tensor<3xf32> {
  %0 = ht.load "w" offset 540 : tensor<3xf32>
  ht.yield %0 : tensor<3xf32>
}

// A packed codebook has an entry for each of the 16 codes; a model file may have fewer.
// CHECK-LABEL: func.func @short_codebook
// CHECK:         htq.dequantize #htq.lookup<ui4, codebook f32>
// CHECK:         ht.matmul
// REMARK:      remark: [Missed] dequantized {{.*}}its codebook has not one entry for each code
func.func @short_codebook(%x: tensor<3x96xf32>) -> tensor<3x5xf32> {
  %c = ht.get_weight @indices : tensor<5x96xui4>
  %b = ht.get_weight @book : tensor<3xf32>
  %y = htq.linear f32(%x) by lookup<ui4, codebook f32>(%c, %b)
      : (tensor<3x96xf32>) by (tensor<5x96xui4>, tensor<3xf32>) -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}
