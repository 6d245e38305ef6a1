// RUN: halftone-opt --pass-pipeline='builtin.module(func.func(htk-expand-linears))' %s | FileCheck %s

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
