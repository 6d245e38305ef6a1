// RUN: halftone-opt %s --ht-fold-constants --split-input-file | FileCheck %s
// RUN: halftone-opt %s --ht-fold-constants=max-bytes=8 --split-input-file | FileCheck %s --check-prefix=SMALL

// CHECK-LABEL: func.func @chain
// CHECK-NEXT: %[[R:.*]] = ht.constant dense<[4, 7]> : tensor<2xi64>
// CHECK-NEXT: return %[[R]]
func.func @chain() -> tensor<2xi64> {
  %0 = ht.constant dense<[1, 2]> : tensor<2xi64>
  %1 = ht.constant dense<3> : tensor<i64>
  %2 = ht.mul %0, %1 : tensor<2xi64>, tensor<i64> -> tensor<2xi64>
  %one = ht.constant dense<1> : tensor<1xi64>
  %3 = ht.broadcast %one : tensor<1xi64> to tensor<2xi64>
  %4 = ht.add %2, %3 : tensor<2xi64>, tensor<2xi64> -> tensor<2xi64>
  return %4 : tensor<2xi64>
}

// -----

// Every kind of element, and results that are equal everywhere become splats.
// CHECK-LABEL: func.func @kinds
// CHECK-DAG: ht.constant dense<[true, false, true]> : tensor<3xi1>
// CHECK-DAG: ht.constant dense<true> : tensor<2x2xi1>
// CHECK-DAG: ht.constant dense<[5.000000e-01, 1.007810e+00]> : tensor<2xbf16>
// CHECK-DAG: ht.constant dense<7.000000e+00> : tensor<2x3xf16>
// CHECK-DAG: ht.constant dense<> : tensor<0xf32>
// CHECK-NOT: ht.compare
// CHECK: return
func.func @kinds() -> (tensor<3xi1>, tensor<2x2xi1>, tensor<2xbf16>, tensor<2x3xf16>, tensor<0xf32>) {
  %x = ht.constant dense<[1.0, 0.5, 3.0]> : tensor<3xf32>
  %one = ht.constant dense<1.0> : tensor<f32>
  %0 = ht.compare ge %x, %one : tensor<3xf32>, tensor<f32> -> tensor<3xi1>
  %square = ht.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xui8>
  %1 = ht.compare eq %square, %square : tensor<2x2xui8>, tensor<2x2xui8> -> tensor<2x2xi1>
  %f = ht.constant dense<[0.5, 1.005]> : tensor<2xf32>
  %2 = ht.cast %f : tensor<2xf32> to tensor<2xbf16>
  %seven = ht.constant dense<7.0> : tensor<1x3xf16>
  %3 = ht.broadcast %seven : tensor<1x3xf16> to tensor<2x3xf16>
  %4 = ht.slice %x starts <0> strides [1] : tensor<3xf32> to tensor<0xf32>
  return %0, %1, %2, %3, %4 : tensor<3xi1>, tensor<2x2xi1>, tensor<2xbf16>, tensor<2x3xf16>, tensor<0xf32>
}

// -----

// 4096 bytes fold, 4104 do not.
// CHECK-LABEL: func.func @size
// CHECK: ht.constant {{.*}} : tensor<512xi64>
// CHECK: ht.broadcast {{.*}} to tensor<513xi64>
// SMALL-LABEL: func.func @size
// SMALL: ht.broadcast {{.*}} to tensor<512xi64>
func.func @size() -> (tensor<512xi64>, tensor<513xi64>) {
  %one = ht.constant dense<1> : tensor<1xi64>
  %0 = ht.broadcast %one : tensor<1xi64> to tensor<512xi64>
  %1 = ht.broadcast %one : tensor<1xi64> to tensor<513xi64>
  return %0, %1 : tensor<512xi64>, tensor<513xi64>
}

// -----

// Positions stay positions: causal masks are recognised by them.
// CHECK-LABEL: func.func @positions
// CHECK-NEXT: ht.iota
// CHECK-NEXT: ht.constant dense<2>
// CHECK-NEXT: ht.compare
func.func @positions() -> tensor<4xi1> {
  %0 = ht.iota : tensor<4xi64>
  %two = ht.constant dense<2> : tensor<i64>
  %1 = ht.compare le %0, %two : tensor<4xi64>, tensor<i64> -> tensor<4xi1>
  return %1 : tensor<4xi1>
}

// -----

// What depends on a symbol stays, static though its type is.
// CHECK-LABEL: func.func @symbols
// CHECK: ht.dim <s0> : tensor<i64>
// CHECK: ht.constant dense<12> : tensor<i64>
// CHECK: ht.slice
func.func @symbols() -> (tensor<i64>, tensor<i64>, tensor<1xi64>)
    attributes {ht.symbols = [#ht.symbol<"n", 0, 2>]} {
  %0 = ht.dim <s0> : tensor<i64>
  %1 = ht.dim <12> : tensor<i64>
  %c = ht.constant dense<[1, 2, 3]> : tensor<3xi64>
  %2 = ht.slice %c starts <s0> strides [1] : tensor<3xi64> to tensor<1xi64>
  return %0, %1, %2 : tensor<i64>, tensor<i64>, tensor<1xi64>
}

// -----

// What fails when it runs is the program's to report.
// CHECK-LABEL: func.func @failures
// CHECK: ht.div
// CHECK: ht.gather
func.func @failures() -> (tensor<i64>, tensor<1xi64>) {
  %zero = ht.constant dense<0> : tensor<i64>
  %0 = ht.div %zero, %zero : tensor<i64>, tensor<i64> -> tensor<i64>
  %c = ht.constant dense<[1, 2, 3]> : tensor<3xi64>
  %three = ht.constant dense<[3]> : tensor<1xi64>
  %1 = ht.gather %c, %three axis 0 : tensor<3xi64>, tensor<1xi64> -> tensor<1xi64>
  return %0, %1 : tensor<i64>, tensor<1xi64>
}

// -----

// Weights are never read, and their initializers are left alone.
// CHECK-LABEL: ht.weight @w
// CHECK-NEXT: ht.constant
// CHECK-NEXT: ht.neg
ht.weight @w : tensor<2xf32> {
  %0 = ht.constant dense<1.0> : tensor<2xf32>
  %1 = ht.neg %0 : tensor<2xf32>
  ht.yield %1 : tensor<2xf32>
}
// CHECK-LABEL: func.func @weights
// CHECK: ht.get_weight @w
// CHECK: ht.neg
func.func @weights() -> tensor<2xf32> {
  %0 = ht.get_weight @w : tensor<2xf32>
  %1 = ht.neg %0 : tensor<2xf32>
  return %1 : tensor<2xf32>
}

// Every element type is evaluated: conversions that saturate, bits, codes narrower than a byte.
// CHECK-LABEL: func.func @codes
func.func @codes() -> (tensor<3xf8E4M3FN>, tensor<3xi4>, tensor<2xf4E2M1FN>, tensor<2xui64>) {
  // CHECK-DAG: ht.constant dense<[1.500000e+00, 4.480000e+02, -4.480000e+02]> : tensor<3xf8E4M3FN>
  // CHECK-DAG: ht.constant dense<[-8, 7, -1]> : tensor<3xi4>
  // CHECK-DAG: ht.constant dense<[-5.000000e-01, 6.000000e+00]> : tensor<2xf4E2M1FN>
  // CHECK-DAG: ht.constant dense<[9223372036854775808, 0]> : tensor<2xui64>
  %x = ht.constant dense<[1.5, 1000.0, -1000.0]> : tensor<3xf32>
  %0 = ht.cast %x saturate : tensor<3xf32> to tensor<3xf8E4M3FN>
  %i = ht.constant dense<[8, 7, 31]> : tensor<3xi64>
  %1 = ht.cast %i : tensor<3xi64> to tensor<3xi4>
  %u = ht.constant dense<[9, 7]> : tensor<2xui4>
  %2 = ht.bitcast %u : tensor<2xui4> to tensor<2xf4E2M1FN>
  %one = ht.constant dense<1> : tensor<ui64>
  %by = ht.constant dense<[63, 64]> : tensor<2xui64>
  %3 = ht.shift_left %one, %by : tensor<ui64>, tensor<2xui64> -> tensor<2xui64>
  return %0, %1, %2, %3 : tensor<3xf8E4M3FN>, tensor<3xi4>, tensor<2xf4E2M1FN>, tensor<2xui64>
}
