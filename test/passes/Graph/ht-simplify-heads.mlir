// RUN: halftone-opt --ht-simplify --canonicalize %s | FileCheck %s

// Attention over [batch * heads, s, d], as older models and torch's bmm write it: the merges and the
// split around the mask fold.
// CHECK-LABEL: func.func @merged_heads
// CHECK-SAME:    (%[[Q:.*]]: tensor<2x4x5x8xf32>, %[[K:.*]]: tensor<2x4x7x8xf32>, %[[V:.*]]: tensor<2x4x7x6xf32>, %[[M:.*]]: tensor<2x1x5x7xf32>)
// CHECK-NEXT:    %[[T:.*]] = ht.transpose %[[K]] [0, 1, 3, 2]
// CHECK-NEXT:    %[[S:.*]] = ht.matmul %[[Q]], %[[T]] : tensor<2x4x5x8xf32>
// CHECK-NEXT:    %[[A:.*]] = ht.add %[[S]], %[[M]]
// CHECK-NEXT:    %[[P:.*]] = ht.softmax %[[A]] axis 3
// CHECK-NEXT:    %[[Y:.*]] = ht.matmul %[[P]], %[[V]]
// CHECK-NEXT:    return %[[Y]]
func.func @merged_heads(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x7x8xf32>, %v: tensor<2x4x7x6xf32>,
                        %m: tensor<2x1x5x7xf32>) -> tensor<2x4x5x6xf32> {
  %q3 = ht.reshape %q : tensor<2x4x5x8xf32> to tensor<8x5x8xf32>
  %k3 = ht.reshape %k : tensor<2x4x7x8xf32> to tensor<8x7x8xf32>
  %v3 = ht.reshape %v : tensor<2x4x7x6xf32> to tensor<8x7x6xf32>
  %kt = ht.transpose %k3 [0, 2, 1] : tensor<8x7x8xf32> -> tensor<8x8x7xf32>
  %0 = ht.matmul %q3, %kt : tensor<8x5x8xf32>, tensor<8x8x7xf32> -> tensor<8x5x7xf32>
  %1 = ht.reshape %0 : tensor<8x5x7xf32> to tensor<2x4x5x7xf32>
  %2 = ht.add %1, %m : tensor<2x4x5x7xf32>, tensor<2x1x5x7xf32> -> tensor<2x4x5x7xf32>
  %3 = ht.reshape %2 : tensor<2x4x5x7xf32> to tensor<8x5x7xf32>
  %4 = ht.softmax %3 axis 2 : tensor<8x5x7xf32>
  %5 = ht.matmul %4, %v3 : tensor<8x5x7xf32>, tensor<8x7x6xf32> -> tensor<8x5x6xf32>
  %6 = ht.reshape %5 : tensor<8x5x6xf32> to tensor<2x4x5x6xf32>
  return %6 : tensor<2x4x5x6xf32>
}

// Another stack was merged differently: nothing moves.
// CHECK-LABEL: func.func @different_stacks
// CHECK:         ht.matmul %{{.*}}, %{{.*}} : tensor<8x5x8xf32>, tensor<8x8x7xf32>
func.func @different_stacks(%q: tensor<2x4x5x8xf32>, %k: tensor<4x2x8x7xf32>) -> tensor<8x5x7xf32> {
  %q3 = ht.reshape %q : tensor<2x4x5x8xf32> to tensor<8x5x8xf32>
  %k3 = ht.reshape %k : tensor<4x2x8x7xf32> to tensor<8x8x7xf32>
  %0 = ht.matmul %q3, %k3 : tensor<8x5x8xf32>, tensor<8x8x7xf32> -> tensor<8x5x7xf32>
  return %0 : tensor<8x5x7xf32>
}
