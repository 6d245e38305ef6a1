// RUN: halftone-opt --ht-raise-norm --split-input-file %s | FileCheck %s
// RUN: halftone-opt --ht-raise-norm --split-input-file --remarks-filter-missed=ht-raise-norm \
// RUN:   --remark-format=emitRemark %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=MISSED

// CHECK-LABEL: func.func @rms_reciprocal
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[GAMMA:.*]]: tensor<4xf32>)
// CHECK:         %[[Y:.*]] = ht.rms_norm %[[X]], %[[GAMMA]] epsilon 5.000000e-01 :
// CHECK-NEXT:    return %[[Y]]
func.func @rms_reciprocal(%x: tensor<2x4xf32>, %gamma: tensor<4xf32>) -> tensor<2x4xf32> {
  %two = ht.constant dense<2.0> : tensor<f32>
  %epsilon = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.pow %x, %two : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %1 = ht.reduce mean %0 [1] : tensor<2x4xf32> -> tensor<2x1xf32>
  %2 = ht.add %1, %epsilon : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %3 = ht.sqrt %2 : tensor<2x1xf32>
  %4 = ht.reciprocal %3 : tensor<2x1xf32>
  %5 = ht.mul %x, %4 : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %6 = ht.mul %gamma, %5 : tensor<4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  return %6 : tensor<2x4xf32>
}

// -----

// One division and gamma on the right.
// CHECK-LABEL: func.func @rms_divide
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[GAMMA:.*]]: tensor<4xf32>)
// CHECK:         ht.rms_norm %[[X]], %[[GAMMA]] epsilon 5.000000e-01 :
func.func @rms_divide(%x: tensor<2x4xf32>, %gamma: tensor<4xf32>) -> tensor<2x4xf32> {
  %epsilon = ht.constant dense<0.5> : tensor<1xf32>
  %0 = ht.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %1 = ht.reduce mean %0 [1] : tensor<2x4xf32> -> tensor<2x1xf32>
  %2 = ht.add %epsilon, %1 : tensor<1xf32>, tensor<2x1xf32> -> tensor<2x1xf32>
  %3 = ht.sqrt %2 : tensor<2x1xf32>
  %4 = ht.div %x, %3 : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %5 = ht.mul %4, %gamma : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  return %5 : tensor<2x4xf32>
}

// -----

// An island of f32 in a model of f16; the scale is applied in f16.
// CHECK-LABEL: func.func @rms_island
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf16>, %[[GAMMA:.*]]: tensor<4xf16>)
// CHECK-NEXT:    %[[Y:.*]] = ht.rms_norm %[[X]], %[[GAMMA]] epsilon 5.000000e-01 : tensor<2x4xf16>
// CHECK-NEXT:    return %[[Y]]
func.func @rms_island(%x: tensor<2x4xf16>, %gamma: tensor<4xf16>) -> tensor<2x4xf16> {
  %exponent = ht.constant dense<-0.5> : tensor<f32>
  %epsilon = ht.constant dense<0.5> : tensor<f32>
  %wide = ht.cast %x : tensor<2x4xf16> to tensor<2x4xf32>
  %0 = ht.mul %wide, %wide : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %1 = ht.reduce mean %0 [1] : tensor<2x4xf32> -> tensor<2x1xf32>
  %2 = ht.add %1, %epsilon : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %3 = ht.pow %2, %exponent : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %4 = ht.mul %wide, %3 : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %narrow = ht.cast %4 : tensor<2x4xf32> to tensor<2x4xf16>
  %5 = ht.mul %gamma, %narrow : tensor<4xf16>, tensor<2x4xf16> -> tensor<2x4xf16>
  return %5 : tensor<2x4xf16>
}

// -----

// CHECK-LABEL: func.func @rms_without_gamma
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>)
// CHECK:         %[[ONES:.*]] = ht.constant dense<1.000000e+00> : tensor<4xf32>
// CHECK:         ht.rms_norm %[[X]], %[[ONES]]
func.func @rms_without_gamma(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %epsilon = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %1 = ht.reduce mean %0 [1] : tensor<2x4xf32> -> tensor<2x1xf32>
  %2 = ht.add %1, %epsilon : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %3 = ht.rsqrt %2 : tensor<2x1xf32>
  %4 = ht.mul %x, %3 : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  return %4 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func.func @layer_norm
// CHECK-SAME:    (%[[X:.*]]: tensor<2x4xf32>, %[[GAMMA:.*]]: tensor<4xf32>, %[[BETA:.*]]: tensor<4xf32>)
// CHECK:         %[[Y:.*]] = ht.layer_norm %[[X]], %[[GAMMA]], %[[BETA]] epsilon 5.000000e-01 :
// CHECK-NEXT:    return %[[Y]]
func.func @layer_norm(%x: tensor<2x4xf32>, %gamma: tensor<4xf32>, %beta: tensor<4xf32>) -> tensor<2x4xf32> {
  %two = ht.constant dense<2.0> : tensor<f32>
  %epsilon = ht.constant dense<0.5> : tensor<f32>
  %mean = ht.reduce mean %x [1] : tensor<2x4xf32> -> tensor<2x1xf32>
  %centered = ht.sub %x, %mean : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %0 = ht.pow %centered, %two : tensor<2x4xf32>, tensor<f32> -> tensor<2x4xf32>
  %1 = ht.reduce mean %0 [1] : tensor<2x4xf32> -> tensor<2x1xf32>
  %2 = ht.add %1, %epsilon : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %3 = ht.sqrt %2 : tensor<2x1xf32>
  %4 = ht.div %centered, %3 : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %5 = ht.mul %4, %gamma : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  %6 = ht.add %5, %beta : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  return %6 : tensor<2x4xf32>
}

// -----

// A bias after RMS normalization is an operation of its own.
// CHECK-LABEL: func.func @rms_then_add
// CHECK:         %[[Y:.*]] = ht.rms_norm
// CHECK-NEXT:    ht.add %[[Y]], %{{.*}}
func.func @rms_then_add(%x: tensor<2x4xf32>, %gamma: tensor<4xf32>, %beta: tensor<4xf32>) -> tensor<2x4xf32> {
  %epsilon = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %1 = ht.reduce mean %0 [1] : tensor<2x4xf32> -> tensor<2x1xf32>
  %2 = ht.add %1, %epsilon : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %3 = ht.rsqrt %2 : tensor<2x1xf32>
  %4 = ht.mul %x, %3 : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  %5 = ht.mul %4, %gamma : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  %6 = ht.add %5, %beta : tensor<2x4xf32>, tensor<4xf32> -> tensor<2x4xf32>
  return %6 : tensor<2x4xf32>
}

// -----

// Near miss: the scaled tensor is not the one that was squared.
// CHECK-LABEL: func.func @another_tensor
// CHECK-NOT:     ht.rms_norm
// MISSED: remark: {{.*}}Category:ht-raise-norm{{.*}}not raised: the inverse deviation must be used once, to scale the value that was squared, but found ht.mul at {{.*}}.mlir:[[#]]:8
func.func @another_tensor(%x: tensor<2x4xf32>, %z: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %epsilon = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %1 = ht.reduce mean %0 [1] : tensor<2x4xf32> -> tensor<2x1xf32>
  %2 = ht.add %1, %epsilon : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %3 = ht.rsqrt %2 : tensor<2x1xf32>
  %4 = ht.mul %z, %3 : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  return %4 : tensor<2x4xf32>
}

// -----

// Near miss: epsilon outside of the root.
// CHECK-LABEL: func.func @epsilon_outside
// CHECK-NOT:     ht.rms_norm
// MISSED: not raised: the mean of squares must be used once, to add a constant epsilon, but found ht.sqrt at
func.func @epsilon_outside(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %epsilon = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %1 = ht.reduce mean %0 [1] : tensor<2x4xf32> -> tensor<2x1xf32>
  %2 = ht.sqrt %1 : tensor<2x1xf32>
  %3 = ht.add %2, %epsilon : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %4 = ht.div %x, %3 : tensor<2x4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  return %4 : tensor<2x4xf32>
}

// -----

// A mean over another axis is no near miss, and gets no remark.
// CHECK-LABEL: func.func @another_axis
// CHECK-NOT:     ht.rms_norm
// MISSED-NOT: not raised
func.func @another_axis(%x: tensor<2x4xf32>) -> tensor<1x4xf32> {
  %0 = ht.mul %x, %x : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x4xf32>
  %1 = ht.reduce mean %0 [0] : tensor<2x4xf32> -> tensor<1x4xf32>
  return %1 : tensor<1x4xf32>
}

// -----

// Near miss: an axis of any size has no vector of ones (group norms of audio).
// CHECK-LABEL: func.func @dynamic_axis
// CHECK-NOT:     ht.rms_norm
// MISSED: not raised: the normalized axis must have a known size, but found ht.mul at
func.func @dynamic_axis(%x: tensor<2x?xf32, #ht.dims<s0>>) -> tensor<2x?xf32, #ht.dims<s0>>
    attributes {ht.symbols = [#ht.symbol<"samples", 1, 8>]} {
  %epsilon = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.mul %x, %x : tensor<2x?xf32, #ht.dims<s0>>, tensor<2x?xf32, #ht.dims<s0>> -> tensor<2x?xf32, #ht.dims<s0>>
  %1 = ht.reduce mean %0 [1] : tensor<2x?xf32, #ht.dims<s0>> -> tensor<2x1xf32>
  %2 = ht.add %1, %epsilon : tensor<2x1xf32>, tensor<f32> -> tensor<2x1xf32>
  %3 = ht.rsqrt %2 : tensor<2x1xf32>
  %4 = ht.mul %x, %3 : tensor<2x?xf32, #ht.dims<s0>>, tensor<2x1xf32> -> tensor<2x?xf32, #ht.dims<s0>>
  return %4 : tensor<2x?xf32, #ht.dims<s0>>
}
