// RUN: split-file %s %t
// RUN: %python -c "import struct, sys; open(sys.argv[1], 'wb').write(struct.pack('<8f', 1, 4, -0.5, 1, 0.25, -1, 1, 16))" %t/weights.bin
// RUN: halftone-opt "--htq-smooth=alpha=0.5 model-directory=%t" --split-input-file --remarks-filter=htq-smooth %t/smooth.mlir 2> %t/remarks | FileCheck %t/smooth.mlir
// RUN: FileCheck %s --input-file=%t/remarks --check-prefix=REMARK
// RUN: not halftone-opt "--htq-smooth=alpha=1.5" --split-input-file %t/smooth.mlir 2>&1 | FileCheck %s --check-prefix=ALPHA
// RUN: not halftone-opt "--htq-smooth=model-directory=%t/none" --split-input-file %t/smooth.mlir 2>&1 | FileCheck %s --check-prefix=MISSING

// REMARK: remark: [Passed] smoothing {{.*}}folded into the norm
// REMARK: remark: [Passed] smoothing {{.*}}multiplied
// REMARK: remark: [Passed] smoothing {{.*}}folded into the gated unit's linear
// REMARK: remark: [Missed] smoothing {{.*}}the weight is not quantized here: it cannot be scaled
// ALPHA: error: alpha is between 0 and 1, got 1.5
// MISSING: error: {{.*}}cannot read "{{.*}}weights.bin"

//--- smooth.mlir
#int8 = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>

// Columns of @w have the magnitudes 1 and 16, the input has 16 and 4 in them: by
// alpha = 0.5 the scales are sqrt(16 / 1) = 4 and sqrt(4 / 16) = 0.5.
// CHECK:       ht.weight @gain : tensor<2xf32> {
// CHECK:         %[[GAIN:.*]] = ht.load "weights.bin" offset 0 : tensor<2xf32>
// CHECK:         %[[INVERSE:.*]] = ht.constant dense<[2.500000e-01, 2.000000e+00]> : tensor<2xf32>
// CHECK:         ht.mul %[[GAIN]], %[[INVERSE]]
// CHECK:       ht.weight @w : tensor<4x2xf32> {
// CHECK:         %[[W:.*]] = ht.load "weights.bin" offset 0 : tensor<4x2xf32>
// CHECK:         %[[SCALES:.*]] = ht.constant dense<[4.000000e+00, 5.000000e-01]> : tensor<2xf32>
// CHECK:         ht.mul %[[W]], %[[SCALES]]
// CHECK-LABEL: func.func @norm
// CHECK-NOT:     ht.mul
// CHECK:         %[[X:.*]] = ht.rms_norm
// CHECK:         ht.linear %[[X]], %{{.*}} {htq.activations =
// CHECK-NOT:     htq.input_magnitudes
ht.weight @gain : tensor<2xf32> {
  %0 = ht.load "weights.bin" offset 0 : tensor<2xf32>
  ht.yield %0 : tensor<2xf32>
}
ht.weight @w : tensor<4x2xf32> {
  %0 = ht.load "weights.bin" offset 0 : tensor<4x2xf32>
  ht.yield %0 : tensor<4x2xf32>
}
func.func @norm(%x: tensor<3x2xf32>) -> tensor<3x4xf32> {
  %g = ht.get_weight @gain : tensor<2xf32>
  %w = ht.get_weight @w : tensor<4x2xf32>
  %0 = ht.rms_norm %x, %g epsilon 1.0 : tensor<3x2xf32>, tensor<2xf32>
  %1 = ht.linear %0, %w {htq.weights = #int8, htq.activations = #int8, htq.input_magnitudes = dense<[16.0, 4.0]> : tensor<2xf32>} : tensor<3x2xf32>, tensor<4x2xf32> -> tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

// -----

#int8 = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>

// Something else reads the norm: the linear reads a multiple of it. So does the
// weight's other reader read it as it is.
// CHECK:       ht.weight @smoothing : tensor<2xf32> {
// CHECK:         ht.constant dense<[2.500000e-01, 2.000000e+00]> : tensor<2xf32>
// CHECK:       ht.weight @w.smoothed : tensor<4x2xf32> {
// CHECK-LABEL: func.func @residual
// CHECK:         %[[X:.*]] = ht.rms_norm
// CHECK:         %[[S:.*]] = ht.get_weight @smoothing : tensor<2xf32>
// CHECK:         %[[XS:.*]] = ht.mul %[[X]], %[[S]]
// CHECK:         %[[W:.*]] = ht.get_weight @w.smoothed
// CHECK:         ht.linear %[[XS]], %[[W]]
// CHECK:         return %{{.*}}, %[[X]]
ht.weight @gain : tensor<2xf32> {
  %0 = ht.load "weights.bin" offset 0 : tensor<2xf32>
  ht.yield %0 : tensor<2xf32>
}
ht.weight @w : tensor<4x2xf32> {
  %0 = ht.load "weights.bin" offset 0 : tensor<4x2xf32>
  ht.yield %0 : tensor<4x2xf32>
}
func.func @residual(%x: tensor<3x2xf32>, %ids: tensor<3xi64>) -> (tensor<3x4xf32>, tensor<3x2xf32>, tensor<3x2xf32>) {
  %g = ht.get_weight @gain : tensor<2xf32>
  %w = ht.get_weight @w : tensor<4x2xf32>
  %0 = ht.rms_norm %x, %g epsilon 1.0 : tensor<3x2xf32>, tensor<2xf32>
  %1 = ht.linear %0, %w {htq.weights = #int8, htq.activations = #int8, htq.input_magnitudes = dense<[16.0, 4.0]> : tensor<2xf32>} : tensor<3x2xf32>, tensor<4x2xf32> -> tensor<3x4xf32>
  %2 = ht.embedding %w, %ids : tensor<4x2xf32>, tensor<3xi64> -> tensor<3x2xf32>
  return %1, %0, %2 : tensor<3x4xf32>, tensor<3x2xf32>, tensor<3x2xf32>
}

// -----

#int8 = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>

// The rows of what a gate multiplies are the channels.
// CHECK:       ht.weight @up : tensor<2x4xf32> {
// CHECK:         %[[ROWS:.*]] = ht.constant dense<{{\[\[}}2.500000e-01], [2.000000e+00]]> : tensor<2x1xf32>
// CHECK:         ht.mul %{{.*}}, %[[ROWS]]
// CHECK:       ht.weight @bias : tensor<2xf32> {
// CHECK:         ht.constant dense<[2.500000e-01, 2.000000e+00]> : tensor<2xf32>
// CHECK-LABEL: func.func @gated
// CHECK-NOT:     ht.mul
// CHECK:         return
ht.weight @up : tensor<2x4xf32> {
  %0 = ht.load "weights.bin" offset 0 : tensor<2x4xf32>
  ht.yield %0 : tensor<2x4xf32>
}
ht.weight @bias : tensor<2xf32> {
  %0 = ht.load "weights.bin" offset 0 : tensor<2xf32>
  ht.yield %0 : tensor<2xf32>
}
ht.weight @down : tensor<4x2xf32> {
  %0 = ht.load "weights.bin" offset 0 : tensor<4x2xf32>
  ht.yield %0 : tensor<4x2xf32>
}
func.func @gated(%x: tensor<3x4xf32>, %gate: tensor<3x2xf32>) -> tensor<3x4xf32> {
  %up = ht.get_weight @up : tensor<2x4xf32>
  %bias = ht.get_weight @bias : tensor<2xf32>
  %down = ht.get_weight @down : tensor<4x2xf32>
  %0 = ht.linear %x, %up bias %bias : tensor<3x4xf32>, tensor<2x4xf32>, tensor<2xf32> -> tensor<3x2xf32>
  %1 = ht.glu silu %gate, %0 : tensor<3x2xf32>
  %2 = ht.linear %1, %down {htq.weights = #int8, htq.activations = #int8, htq.input_magnitudes = dense<[16.0, 4.0]> : tensor<2xf32>} : tensor<3x2xf32>, tensor<4x2xf32> -> tensor<3x4xf32>
  return %2 : tensor<3x4xf32>
}

// -----

#int8 = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>
#kept = #htq.format<affine<i8, blocks [1, ?], scale f32>>

// CHECK-LABEL: func.func @codes_of_the_file
// CHECK-NOT:     ht.mul
// CHECK:         return
ht.weight @codes : tensor<4x2xf32> {
  %0 = ht.load "weights.bin" offset 0 : tensor<4x2xi8>
  %1 = ht.load "weights.bin" offset 0 : tensor<4x1xf32>
  %2 = htq.dequantize #htq.affine<i8, blocks [1, ?], scale f32>(%0, %1) : (tensor<4x2xi8>, tensor<4x1xf32>) -> tensor<4x2xf32>
  ht.yield %2 : tensor<4x2xf32>
}
func.func @codes_of_the_file(%x: tensor<3x2xf32>) -> tensor<3x4xf32> {
  %w = ht.get_weight @codes : tensor<4x2xf32>
  %0 = ht.linear %x, %w {htq.weights = #kept, htq.activations = #int8, htq.input_magnitudes = dense<[16.0, 4.0]> : tensor<2xf32>} : tensor<3x2xf32>, tensor<4x2xf32> -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}
