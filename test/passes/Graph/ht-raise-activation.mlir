// RUN: halftone-opt --ht-raise-activation --split-input-file %s | FileCheck %s
// RUN: halftone-opt --ht-raise-activation --split-input-file --remarks-filter-missed=ht-raise-activation \
// RUN:   --remark-format=emitRemark %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=MISSED

// CHECK-LABEL: func.func @gelu_erf
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT:    %[[Y:.*]] = ht.gelu %[[X]] : tensor<4xf32>
// CHECK-NEXT:    return %[[Y]]
func.func @gelu_erf(%x: tensor<4xf32>) -> tensor<4xf32> {
  %sqrt2 = ht.constant dense<1.41421354> : tensor<f32>
  %one = ht.constant dense<1.0> : tensor<f32>
  %half = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.div %x, %sqrt2 : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %1 = ht.erf %0 : tensor<4xf32>
  %2 = ht.add %1, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %3 = ht.mul %x, %2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %4 = ht.mul %3, %half : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// Half of x first; x itself a product, in which the match must not get lost.
// CHECK-LABEL: func.func @gelu_erf_half_first
// CHECK-SAME:    (%[[A:.*]]: tensor<4xf32>, %[[B:.*]]: tensor<4xf32>)
// CHECK:         %[[X:.*]] = ht.mul %[[A]], %[[B]]
// CHECK-NEXT:    ht.gelu %[[X]] : tensor<4xf32>
func.func @gelu_erf_half_first(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {
  %factor = ht.constant dense<0.707106769> : tensor<1xf32>
  %one = ht.constant dense<1.0> : tensor<f32>
  %half = ht.constant dense<0.5> : tensor<f32>
  %x = ht.mul %a, %b : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %0 = ht.mul %x, %factor : tensor<4xf32>, tensor<1xf32> -> tensor<4xf32>
  %1 = ht.erf %0 : tensor<4xf32>
  %2 = ht.add %one, %1 : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %3 = ht.mul %half, %x : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %4 = ht.mul %3, %2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// x (1 + 0.044715 x x) and x + 0.044715 x^3 are one polynomial.
// CHECK-LABEL: func.func @gelu_tanh
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>)
// CHECK-DAG:     %[[FACTORED:.*]] = ht.gelu %[[X]] approximate tanh
// CHECK-DAG:     %[[CUBE:.*]] = ht.gelu %[[X]] approximate tanh
// CHECK:         return %{{.*}}, %{{.*}} :
func.func @gelu_tanh(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %a = ht.constant dense<0.044715> : tensor<f32>
  %b = ht.constant dense<0.797884583> : tensor<f32>
  %one = ht.constant dense<1.0> : tensor<f32>
  %three = ht.constant dense<3.0> : tensor<f32>
  %half = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.mul %x, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %1 = ht.mul %0, %a : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %2 = ht.add %1, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %3 = ht.mul %x, %2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %4 = ht.mul %3, %b : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %5 = ht.tanh %4 : tensor<4xf32>
  %6 = ht.add %5, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %7 = ht.mul %x, %6 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %8 = ht.mul %7, %half : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %10 = ht.pow %x, %three : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %11 = ht.mul %10, %a : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %12 = ht.add %x, %11 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %13 = ht.mul %12, %b : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %14 = ht.tanh %13 : tensor<4xf32>
  %15 = ht.add %14, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %16 = ht.mul %x, %half : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %17 = ht.mul %16, %15 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return %8, %17 : tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @glu
// CHECK-SAME:    (%[[GATE:.*]]: tensor<4xf32>, %[[X:.*]]: tensor<4xf32>)
// CHECK:         %[[UP:.*]] = ht.neg %[[X]]
// CHECK-NEXT:    %[[Y:.*]] = ht.glu silu %[[GATE]], %[[UP]]
// CHECK-NEXT:    return %[[Y]]
func.func @glu(%gate: tensor<4xf32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %up = ht.neg %x : tensor<4xf32>
  %0 = ht.sigmoid %gate : tensor<4xf32>
  %1 = ht.mul %0, %gate : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %2 = ht.mul %up, %1 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// The activation has another reader: it stays.
// CHECK-LABEL: func.func @silu_read_twice
// CHECK:         %[[SILU:.*]] = ht.silu
// CHECK-NOT:     ht.glu
func.func @silu_read_twice(%gate: tensor<4xf32>, %x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %up = ht.neg %x : tensor<4xf32>
  %0 = ht.sigmoid %gate : tensor<4xf32>
  %1 = ht.mul %0, %gate : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %2 = ht.mul %up, %1 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Near miss: another constant under erf.
// CHECK-LABEL: func.func @wrong_constant
// CHECK-NOT:     ht.gelu
// MISSED: Category:ht-raise-activation{{.*}}not raised: the argument of gelu must be x / sqrt(2), but found ht.mul at
func.func @wrong_constant(%x: tensor<4xf32>) -> tensor<4xf32> {
  %factor = ht.constant dense<0.8> : tensor<f32>
  %one = ht.constant dense<1.0> : tensor<f32>
  %half = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.mul %x, %factor : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %1 = ht.erf %0 : tensor<4xf32>
  %2 = ht.add %1, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %3 = ht.mul %x, %2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %4 = ht.mul %3, %half : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// Near miss: the product is with another tensor.
// CHECK-LABEL: func.func @another_tensor
// CHECK-NOT:     ht.gelu
// MISSED: not raised: gelu must be the product of 0.5, x and 1 + f(x), but found ht.mul at
func.func @another_tensor(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %factor = ht.constant dense<0.707106769> : tensor<f32>
  %one = ht.constant dense<1.0> : tensor<f32>
  %half = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.mul %x, %factor : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %1 = ht.erf %0 : tensor<4xf32>
  %2 = ht.add %1, %one : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %3 = ht.mul %y, %2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %4 = ht.mul %3, %half : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// Near miss: x sigmoid(1.702 x).
// CHECK-LABEL: func.func @quick_gelu
// CHECK-NOT:     ht.silu
// MISSED: not raised: silu takes the sigmoid of x itself, not of a multiple, but found
func.func @quick_gelu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %factor = ht.constant dense<1.702> : tensor<f32>
  %0 = ht.mul %x, %factor : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %1 = ht.sigmoid %0 : tensor<4xf32>
  %2 = ht.mul %x, %1 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// A tanh of its own is no near miss.
// CHECK-LABEL: func.func @plain_tanh
// CHECK:         ht.tanh
// MISSED-NOT: not raised
func.func @plain_tanh(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ht.tanh %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
