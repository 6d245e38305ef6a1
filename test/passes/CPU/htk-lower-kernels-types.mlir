// Canonicalized, so that the facts do not depend on how index arithmetic is written.
// RUN: halftone-opt --htk-lower-kernels --canonicalize --cse --split-input-file %s | FileCheck %s

// Integers have no sign in memory and in registers; the graph's type says how to compare them.
// CHECK-LABEL: func.func private @unsigned(
// CHECK-SAME:    %{{.*}}: memref<?xi8>, %{{.*}}: memref<?xi8>, %{{.*}}: memref<?xi8>)
// CHECK:         arith.maxui {{.*}} : vector<16xi8>
func.func private @unsigned(%x: tensor<64xui8>, %y: tensor<64xui8>) -> tensor<64xui8> attributes {htk.kernel} {
  %0 = ht.max %x, %y : tensor<64xui8>, tensor<64xui8> -> tensor<64xui8>
  return %0 : tensor<64xui8>
}

// -----

// CHECK-LABEL: func.func private @signed(
// CHECK:         arith.maxsi {{.*}} : vector<16xi8>
func.func private @signed(%x: tensor<64xi8>, %y: tensor<64xi8>) -> tensor<64xi8> attributes {htk.kernel} {
  %0 = ht.max %x, %y : tensor<64xi8>, tensor<64xi8> -> tensor<64xi8>
  return %0 : tensor<64xi8>
}

// -----

// Codes are bytes, and moved as such.
// CHECK-LABEL: func.func private @codes(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?xi8>, %[[Y:[a-z0-9]+]]: memref<?xi8>)
// CHECK:         %[[V:.*]] = vector.load %[[X]]
// CHECK-NEXT:    vector.store %[[V]], %[[Y]]
func.func private @codes(%x: tensor<32xf4E2M1FN>) -> tensor<32xf4E2M1FN> attributes {htk.kernel} {
  return %x : tensor<32xf4E2M1FN>
}

// -----

// A divisor is data: 0 and -1 are replaced before anything is divided.
// CHECK-LABEL: func.func private @division(
// CHECK:         %[[SAFE:.*]] = arith.select {{.*}} : vector<16xi1>, vector<16xi32>
// CHECK:         arith.divsi %{{.*}}, %[[SAFE]]
func.func private @division(%x: tensor<32xi32>, %y: tensor<32xi32>) -> tensor<32xi32> attributes {htk.kernel} {
  %0 = ht.div %x, %y : tensor<32xi32>, tensor<32xi32> -> tensor<32xi32>
  return %0 : tensor<32xi32>
}

// -----

// f64 is computed in f64.
// CHECK-LABEL: func.func private @double(
// CHECK:         vector.reduction <add>, {{.*}} : vector<16xf64> into f64
// CHECK:         math.sqrt {{.*}} : f64
func.func private @double(%x: tensor<3x32xf64>, %g: tensor<32xf64>) -> tensor<3x32xf64> attributes {htk.kernel} {
  %0 = ht.rms_norm %x, %g epsilon 1.0e-6 : tensor<3x32xf64>, tensor<32xf64>
  return %0 : tensor<3x32xf64>
}

// -----

// f64 rounds to a narrow float once: on the way, what is inexact in f32 becomes odd.
// CHECK-LABEL: func.func private @once(
// CHECK:         %[[NEAR:.*]] = arith.truncf {{.*}} : vector<16xf64> to vector<16xf32>
// CHECK:         %[[BITS:.*]] = arith.bitcast %[[NEAR]] : vector<16xf32> to vector<16xi32>
// CHECK:         %[[ODD:.*]] = arith.bitcast {{.*}} : vector<16xi32> to vector<16xf32>
// CHECK:         arith.truncf %[[ODD]] : vector<16xf32> to vector<16xf16>
func.func private @once(%x: tensor<32xf64>) -> tensor<32xf16> attributes {htk.kernel} {
  %0 = ht.cast %x : tensor<32xf64> to tensor<32xf16>
  return %0 : tensor<32xf16>
}

// -----

// A literal of several numbers is a constant of the program; equal ones are one.
// CHECK:         memref.global "private" constant @[[TABLE:.*]] : memref<32xf32>
// CHECK-NOT:     memref.global
// CHECK-LABEL: func.func private @literal(
// CHECK:         %[[T:.*]] = memref.get_global @[[TABLE]]
// CHECK:         vector.load %[[T]]
// CHECK-LABEL: func.func private @same_literal(
// CHECK:         memref.get_global @[[TABLE]]
func.func private @literal(%x: tensor<2x4xf32>) -> tensor<2x4x32xf32> attributes {htk.kernel} {
  %c = ht.constant dense<[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0, 21.0, 22.0, 23.0, 24.0, 25.0, 26.0, 27.0, 28.0, 29.0, 30.0, 31.0]> : tensor<32xf32>
  %0 = ht.broadcast %c : tensor<32xf32> to tensor<2x4x32xf32>
  return %0 : tensor<2x4x32xf32>
}
func.func private @same_literal() -> tensor<32xf32> attributes {htk.kernel} {
  %c = ht.constant dense<[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0, 21.0, 22.0, 23.0, 24.0, 25.0, 26.0, 27.0, 28.0, 29.0, 30.0, 31.0]> : tensor<32xf32>
  return %c : tensor<32xf32>
}

// -----

// An index that literals bound is not checked, …
// CHECK-LABEL: func.func private @bounded_index(
// CHECK-NOT:     htk.check_index
// CHECK:         return
func.func private @bounded_index(%x: tensor<5x32xf32>) -> tensor<3x32xf32> attributes {htk.kernel} {
  %i = ht.constant dense<[4, -5, 0]> : tensor<3xi64>
  %0 = ht.gather %x, %i axis 0 : tensor<5x32xf32>, tensor<3xi64> -> tensor<3x32xf32>
  return %0 : tensor<3x32xf32>
}

// -----

// … one that is outside is.
// CHECK-LABEL: func.func private @far_index(
// CHECK:         htk.check_index
func.func private @far_index(%x: tensor<5x32xf32>) -> tensor<3x32xf32> attributes {htk.kernel} {
  %i = ht.constant dense<[4, 5, 0]> : tensor<3xi64>
  %0 = ht.gather %x, %i axis 0 : tensor<5x32xf32>, tensor<3xi64> -> tensor<3x32xf32>
  return %0 : tensor<3x32xf32>
}

// -----

// A transposed operand of arithmetic is read lane by lane; what is computed has lanes.
// CHECK-LABEL: func.func private @transposed_operand(
// CHECK:         %[[SCRATCH:.*]] = memref.alloca() {{.*}} : memref<16xf32>
// CHECK:         scf.for
// CHECK:           %[[E:.*]] = memref.load
// CHECK-NEXT:      memref.store %[[E]], %[[SCRATCH]]
// CHECK:         %[[LANES:.*]] = vector.load %[[SCRATCH]]
// CHECK:         math.absf %[[LANES]] : vector<16xf32>
func.func private @transposed_operand(%x: tensor<32x16xf32>) -> tensor<16x32xf32> attributes {htk.kernel} {
  %0 = ht.transpose %x [1, 0] : tensor<32x16xf32> -> tensor<16x32xf32>
  %1 = ht.abs %0 : tensor<16x32xf32>
  return %1 : tensor<16x32xf32>
}

// -----

// Codes under a scale for each 32 of a row: lanes meet two scales at most, both are read.
// CHECK-LABEL: func.func private @dequantize(
// CHECK-SAME:    %[[CODES:[a-z0-9]+]]: memref<?xi8>, %[[SCALE:[a-z0-9]+]]: memref<?xf32>,
// CHECK:         vector.load %[[CODES]]
// CHECK:         memref.load %[[SCALE]]
// CHECK:         vector.create_mask
// CHECK:         memref.load %[[SCALE]]
// CHECK:         arith.select
// CHECK:         arith.mulf {{.*}} : vector<16xf32>
func.func private @dequantize(%codes: tensor<3x64xi4>, %scale: tensor<3x2xf32>) -> tensor<3x64xf32> attributes {htk.kernel} {
  %0 = htq.dequantize #htq.affine<i4, blocks [1, 32], scale f32>(%codes, %scale)
      : (tensor<3x64xi4>, tensor<3x2xf32>) -> tensor<3x64xf32>
  return %0 : tensor<3x64xf32>
}

// -----

// Codes are clamped as floats, before they are narrowed.
// CHECK-LABEL: func.func private @quantize(
// CHECK:         arith.divf
// CHECK:         math.roundeven
// CHECK:         arith.maximumf
// CHECK:         arith.minimumf
// CHECK:         arith.trunci {{.*}} to vector<16xi8>
func.func private @quantize(%x: tensor<3x64xf32>, %scale: tensor<1x1xf32>, %zero: tensor<1x1xui8>) -> tensor<3x64xui8>
    attributes {htk.kernel} {
  %0 = htq.quantize #htq.affine<ui8, blocks [?, ?], scale f32, zero ui8>(%x, %scale, %zero)
      : tensor<3x64xf32>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<3x64xui8>
  return %0 : tensor<3x64xui8>
}
