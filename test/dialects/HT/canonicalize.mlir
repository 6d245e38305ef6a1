// Folders: identities that hold for every element and shape.
// RUN: halftone-opt %s --canonicalize --split-input-file | FileCheck %s

!x = tensor<?x4xf32, #ht.dims<s0>>

// CHECK-LABEL: func.func @arithmetic
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32, #ht.dims<s0>>)
func.func @arithmetic(%x: !x) -> (!x, !x, !x, !x, !x, !x)
    attributes {ht.symbols = [#ht.symbol<"rows", 1, 8>]} {
  %zero = ht.constant dense<0.0> : tensor<f32>
  %one = ht.constant dense<1.0> : tensor<4xf32>
  %0 = ht.add %x, %zero : !x, tensor<f32> -> !x
  %1 = ht.add %zero, %x : tensor<f32>, !x -> !x
  %2 = ht.sub %x, %zero : !x, tensor<f32> -> !x
  %3 = ht.mul %x, %one : !x, tensor<4xf32> -> !x
  %4 = ht.div %x, %one : !x, tensor<4xf32> -> !x
  %5 = ht.mul %one, %x : tensor<4xf32>, !x -> !x
  // CHECK-NEXT: return %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[X]]
  return %0, %1, %2, %3, %4, %5 : !x, !x, !x, !x, !x, !x
}

// -----

// What widens the shape, or is no identity, stays.
// CHECK-LABEL: func.func @arithmetic_stays
func.func @arithmetic_stays(%x: tensor<4xf32>) -> (tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %zeros = ht.constant dense<0.0> : tensor<2x1xf32>
  %zero = ht.constant dense<0.0> : tensor<f32>
  %one = ht.constant dense<1.0> : tensor<f32>
  // CHECK: ht.add
  %0 = ht.add %x, %zeros : tensor<4xf32>, tensor<2x1xf32> -> tensor<2x4xf32>
  // CHECK: ht.sub
  %1 = ht.sub %zero, %x : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  // CHECK: ht.div
  %2 = ht.div %one, %x : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  return %0, %1, %2 : tensor<2x4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @integers
// CHECK-SAME: (%[[X:.*]]: tensor<4xi64>, %[[U:.*]]: tensor<4xui8>)
func.func @integers(%x: tensor<4xi64>, %u: tensor<4xui8>) -> (tensor<4xi64>, tensor<4xi64>, tensor<4xui8>) {
  %zero = ht.constant dense<0> : tensor<i64>
  %one = ht.constant dense<1> : tensor<i64>
  %one_byte = ht.constant dense<1> : tensor<ui8>
  %0 = ht.add %x, %zero : tensor<4xi64>, tensor<i64> -> tensor<4xi64>
  %1 = ht.div %x, %one : tensor<4xi64>, tensor<i64> -> tensor<4xi64>
  %2 = ht.mul %u, %one_byte : tensor<4xui8>, tensor<ui8> -> tensor<4xui8>
  // CHECK-NEXT: return %[[X]], %[[X]], %[[U]]
  return %0, %1, %2 : tensor<4xi64>, tensor<4xi64>, tensor<4xui8>
}

// -----

// CHECK-LABEL: func.func @logic
// CHECK-SAME: (%[[X:.*]]: tensor<4xi1>)
func.func @logic(%x: tensor<4xi1>) -> (tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>) {
  %true = ht.constant dense<true> : tensor<i1>
  %false = ht.constant dense<false> : tensor<i1>
  %0 = ht.and %x, %true : tensor<4xi1>, tensor<i1> -> tensor<4xi1>
  %1 = ht.and %x, %x : tensor<4xi1>, tensor<4xi1> -> tensor<4xi1>
  %2 = ht.or %x, %false : tensor<4xi1>, tensor<i1> -> tensor<4xi1>
  %3 = ht.or %x, %x : tensor<4xi1>, tensor<4xi1> -> tensor<4xi1>
  %not = ht.not %x : tensor<4xi1>
  %4 = ht.not %not : tensor<4xi1>
  // CHECK-NEXT: return %[[X]], %[[X]], %[[X]], %[[X]], %[[X]]
  return %0, %1, %2, %3, %4 : tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>
}

// -----

// CHECK-LABEL: func.func @where
// CHECK-SAME: (%[[C:.*]]: tensor<4xi1>, %[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<4xf32>)
func.func @where(%c: tensor<4xi1>, %x: tensor<4xf32>, %y: tensor<4xf32>)
    -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %true = ht.constant dense<true> : tensor<1xi1>
  %false = ht.constant dense<false> : tensor<4xi1>
  %0 = ht.where %true, %x, %y : tensor<1xi1>, tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %1 = ht.where %false, %x, %y : tensor<4xi1>, tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %2 = ht.where %c, %y, %y : tensor<4xi1>, tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  // CHECK-NEXT: return %[[X]], %[[Y]], %[[Y]]
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @casts
// CHECK-SAME: (%[[B:.*]]: tensor<4xi1>, %[[X:.*]]: tensor<4xf32>)
func.func @casts(%b: tensor<4xi1>, %x: tensor<4xf32>) -> (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) {
  %wide = ht.cast %b : tensor<4xi1> to tensor<4xi64>
  %0 = ht.cast %wide : tensor<4xi64> to tensor<4xi1>
  %1 = ht.cast %x : tensor<4xf32> to tensor<4xf32>
  // A cast to a narrower type and back rounds: it stays.
  // CHECK: %[[N:.*]] = ht.cast %[[X]]
  // CHECK-NEXT: %[[R:.*]] = ht.cast %[[N]]
  %narrow = ht.cast %x : tensor<4xf32> to tensor<4xbf16>
  %2 = ht.cast %narrow : tensor<4xbf16> to tensor<4xf32>
  // CHECK-NEXT: return %[[B]], %[[X]], %[[R]]
  return %0, %1, %2 : tensor<4xi1>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @movement
// CHECK-SAME: (%[[X:.*]]: tensor<2x3x4xf32>)
func.func @movement(%x: tensor<2x3x4xf32>)
    -> (tensor<2x3x4xf32>, tensor<4x6xf32>, tensor<3x4x2xf32>, tensor<2x3x4xf32>, tensor<2x3x4xf32>,
        tensor<2x3x4xf32>) {
  %flat = ht.reshape %x : tensor<2x3x4xf32> to tensor<24xf32>
  %0 = ht.reshape %flat : tensor<24xf32> to tensor<2x3x4xf32>
  // CHECK-DAG: %[[R:.*]] = ht.reshape %[[X]] : tensor<2x3x4xf32> to tensor<4x6xf32>
  %1 = ht.reshape %flat : tensor<24xf32> to tensor<4x6xf32>
  // Axis i of the result is axis permutation[i]: two rotations are one the other way.
  // CHECK-DAG: %[[T:.*]] = ht.transpose %[[X]] [1, 2, 0] : tensor<2x3x4xf32> -> tensor<3x4x2xf32>
  %turned = ht.transpose %x [2, 0, 1] : tensor<2x3x4xf32> -> tensor<4x2x3xf32>
  %2 = ht.transpose %turned [2, 0, 1] : tensor<4x2x3xf32> -> tensor<3x4x2xf32>
  %3 = ht.transpose %turned [1, 2, 0] : tensor<4x2x3xf32> -> tensor<2x3x4xf32>
  %4 = ht.slice %x starts <0, 0, 0> strides [1, 1, 1] : tensor<2x3x4xf32> to tensor<2x3x4xf32>
  %5 = ht.concat %x axis 1 : tensor<2x3x4xf32> -> tensor<2x3x4xf32>
  // CHECK: return %[[X]], %[[R]], %[[T]], %[[X]], %[[X]], %[[X]]
  return %0, %1, %2, %3, %4, %5 : tensor<2x3x4xf32>, tensor<4x6xf32>, tensor<3x4x2xf32>, tensor<2x3x4xf32>,
                                  tensor<2x3x4xf32>, tensor<2x3x4xf32>
}

// -----

// CHECK-LABEL: func.func @broadcasts
// CHECK-SAME: (%[[X:.*]]: tensor<1x3xf32>)
func.func @broadcasts(%x: tensor<1x3xf32>) -> (tensor<4x2x3xf32>, tensor<1x3xf32>) {
  // CHECK-NEXT: %[[B:.*]] = ht.broadcast %[[X]] : tensor<1x3xf32> to tensor<4x2x3xf32>
  %some = ht.broadcast %x : tensor<1x3xf32> to tensor<2x3xf32>
  %0 = ht.broadcast %some : tensor<2x3xf32> to tensor<4x2x3xf32>
  %1 = ht.broadcast %x : tensor<1x3xf32> to tensor<1x3xf32>
  // CHECK-NEXT: return %[[B]], %[[X]]
  return %0, %1 : tensor<4x2x3xf32>, tensor<1x3xf32>
}

// -----

// The idempotent, and what nobody uses.
// CHECK-LABEL: func.func @traits
func.func @traits(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  // CHECK-NEXT: %[[R:.*]] = ht.relu
  %0 = ht.relu %x : tensor<2xf32>
  %1 = ht.relu %0 : tensor<2xf32>
  %minus = ht.neg %x : tensor<2xf32>
  %2 = ht.neg %minus : tensor<2xf32>
  %unused = ht.exp %x : tensor<2xf32>
  // CHECK-NEXT: return %[[R]], %arg0
  return %1, %2 : tensor<2xf32>, tensor<2xf32>
}

// -----

// Constants go to the right of what commutes, so that one pattern matches both orders.
// CHECK-LABEL: func.func @commutative
func.func @commutative(%x: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK: %[[C:.*]] = ht.constant
  %c = ht.constant dense<2.0> : tensor<f32>
  // CHECK: ht.mul %arg0, %[[C]] : tensor<2xf32>, tensor<f32> -> tensor<2xf32>
  %0 = ht.mul %c, %x : tensor<f32>, tensor<2xf32> -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
