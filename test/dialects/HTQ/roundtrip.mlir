// RUN: halftone-opt %s | halftone-opt | FileCheck %s
// RUN: halftone-opt --mlir-print-op-generic %s | halftone-opt | FileCheck %s
// RUN: halftone-opt --emit-bytecode %s | halftone-opt | FileCheck %s

// Terms of formats in use: inside a term, terms have no prefix.
// CHECK-LABEL: func.func private @formats
// CHECK-SAME: int4_group128 = #htq.affine<i4, blocks [1, 128], scale f16, zero ui4>
// CHECK-SAME: int8_channel = #htq.affine<i8, blocks [1, ?], scale f32>
// CHECK-SAME: mxfp4 = #htq.affine<f4E2M1FN, blocks [1, 32], scale f8E8M0FNU>
// CHECK-SAME: nf4_double = #htq.affine<lookup<ui4, codebook f32>, blocks [1, 64], scale affine<i8, blocks [1, 256], scale f32, zero f32>>
// CHECK-SAME: nvfp4 = #htq.affine<f4E2M1FN, blocks [1, 16], scale affine<f8E4M3FN, blocks [?, ?], scale f32>>
// CHECK-SAME: outliers = #htq.sum<affine<i8, blocks [1, ?], scale f32>, f16>
func.func private @formats() attributes {
  int8_channel = #htq.affine<i8, blocks [1, ?], scale f32>,
  int4_group128 = #htq.affine<i4, blocks [1, 128], scale f16, zero ui4>,
  mxfp4 = #htq.affine<f4E2M1FN, blocks [1, 32], scale f8E8M0FNU>,
  nf4_double = #htq.affine<lookup<ui4, codebook f32>, blocks [1, 64],
                           scale affine<i8, blocks [1, 256], scale f32, zero f32>>,
  nvfp4 = #htq.affine<f4E2M1FN, blocks [1, 16], scale affine<f8E4M3FN, blocks [?, ?], scale f32>>,
  outliers = #htq.sum<affine<i8, blocks [1, ?], scale f32>, f16>}

// A weight's recipe keeps the format of the user's file. The last block is ragged.
// CHECK-LABEL: ht.weight @w : tensor<64x300xf32>
ht.weight @w : tensor<64x300xf32> {
  %codes = ht.load "w" offset 0 : tensor<64x300xi4>
  %scale = ht.load "w" offset 9600 : tensor<64x3xf16>
  %zero = ht.load "w" offset 9984 : tensor<64x3xui4>
  // CHECK: htq.dequantize #htq.affine<i4, blocks [1, 128], scale f16, zero ui4>(%{{.*}}, %{{.*}}, %{{.*}}) : (tensor<64x300xi4>, tensor<64x3xf16>, tensor<64x3xui4>) -> tensor<64x300xf32>
  %0 = htq.dequantize #htq.affine<i4, blocks [1, 128], scale f16, zero ui4>(%codes, %scale, %zero)
      : (tensor<64x300xi4>, tensor<64x3xf16>, tensor<64x3xui4>) -> tensor<64x300xf32>
  ht.yield %0 : tensor<64x300xf32>
}

// CHECK-LABEL: func.func private @activations
func.func private @activations(%x: tensor<?x128xf32, #ht.dims<s0>>, %scale: tensor<1x1xf32>, %zero: tensor<1x1xui8>,
                               %rows: tensor<?x1xf32, #ht.dims<s0>>, %book: tensor<16xf32>, %i: tensor<?x128xui4, #ht.dims<s0>>) {
  // CHECK: htq.quantize <ui8, blocks [?, ?], scale f32, zero ui8>(%{{.*}}, %{{.*}}, %{{.*}}) : tensor<?x128xf32, #ht.dims<s0>>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<?x128xui8, #ht.dims<s0>>
  %0 = htq.quantize <ui8, blocks [?, ?], scale f32, zero ui8>(%x, %scale, %zero)
      : tensor<?x128xf32, #ht.dims<s0>>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<?x128xui8, #ht.dims<s0>>
  // CHECK: htq.dequantize #htq.affine<ui8, blocks [?, ?], scale f32, zero ui8>(
  %1 = htq.dequantize #htq.affine<ui8, blocks [?, ?], scale f32, zero ui8>(%0, %scale, %zero)
      : (tensor<?x128xui8, #ht.dims<s0>>, tensor<1x1xf32>, tensor<1x1xui8>) -> tensor<?x128xf32, #ht.dims<s0>>
  // CHECK: htq.quantize <f8E4M3FN, blocks [1, ?], scale f32>(%{{.*}}, %{{.*}}) unsaturated : tensor<?x128xf32, #ht.dims<s0>>, tensor<?x1xf32, #ht.dims<s0>> -> tensor<?x128xf8E4M3FN, #ht.dims<s0>>
  %2 = htq.quantize <f8E4M3FN, blocks [1, ?], scale f32>(%x, %rows) unsaturated
      : tensor<?x128xf32, #ht.dims<s0>>, tensor<?x1xf32, #ht.dims<s0>> -> tensor<?x128xf8E4M3FN, #ht.dims<s0>>
  // CHECK: htq.dequantize #htq.lookup<ui4, codebook f32>(
  %3 = htq.dequantize #htq.lookup<ui4, codebook f32>(%i, %book)
      : (tensor<?x128xui4, #ht.dims<s0>>, tensor<16xf32>) -> tensor<?x128xf32, #ht.dims<s0>>
  return
}

// CHECK-LABEL: func.func private @from_data
func.func private @from_data(%x: tensor<?x384xf32, #ht.dims<s0>>, %w: tensor<100x384xf32>, %book: tensor<16xf32>) {
  // CHECK: htq.dynamic_quantize absmax <i8, blocks [1, ?], scale f32>(%{{.*}}) : (tensor<?x384xf32, #ht.dims<s0>>) -> (tensor<?x384xi8, #ht.dims<s0>>, tensor<?x1xf32, #ht.dims<s0>>)
  %x8, %xs = htq.dynamic_quantize absmax <i8, blocks [1, ?], scale f32>(%x)
      : (tensor<?x384xf32, #ht.dims<s0>>) -> (tensor<?x384xi8, #ht.dims<s0>>, tensor<?x1xf32, #ht.dims<s0>>)
  // CHECK: htq.dynamic_quantize minmax <ui8, blocks [1, 128], scale f32, zero ui8>(
  %u8, %us, %uz = htq.dynamic_quantize minmax <ui8, blocks [1, 128], scale f32, zero ui8>(%x)
      : (tensor<?x384xf32, #ht.dims<s0>>)
      -> (tensor<?x384xui8, #ht.dims<s0>>, tensor<?x3xf32, #ht.dims<s0>>, tensor<?x3xui8, #ht.dims<s0>>)
  // CHECK: htq.dynamic_quantize signed_max <i4, blocks [1, 128], scale affine<i8, blocks [1, ?], scale f32>>(
  %w4, %wg, %ws = htq.dynamic_quantize signed_max <i4, blocks [1, 128], scale affine<i8, blocks [1, ?], scale f32>>(%w)
      : (tensor<100x384xf32>) -> (tensor<100x384xi4>, tensor<100x3xi8>, tensor<100x1xf32>)
  // CHECK: htq.dynamic_quantize absmax <lookup<ui4, codebook f32>, blocks [1, 64], scale f32>(%{{.*}}, %{{.*}}) : (tensor<100x384xf32>, tensor<16xf32>)
  %n4, %ns = htq.dynamic_quantize absmax <lookup<ui4, codebook f32>, blocks [1, 64], scale f32>(%w, %book)
      : (tensor<100x384xf32>, tensor<16xf32>) -> (tensor<100x384xui4>, tensor<100x6xf32>)
  // CHECK: htq.linear affine<i8, blocks [1, ?], scale f32>(%{{.*}}, %{{.*}}) by affine<i4, blocks [1, 128], scale affine<i8, blocks [1, ?], scale f32>>(%{{.*}}, %{{.*}}, %{{.*}}) : (tensor<?x384xi8, #ht.dims<s0>>, tensor<?x1xf32, #ht.dims<s0>>) by (tensor<100x384xi4>, tensor<100x3xi8>, tensor<100x1xf32>) -> tensor<?x100xf32, #ht.dims<s0>>
  %y0 = htq.linear affine<i8, blocks [1, ?], scale f32>(%x8, %xs)
      by affine<i4, blocks [1, 128], scale affine<i8, blocks [1, ?], scale f32>>(%w4, %wg, %ws)
      : (tensor<?x384xi8, #ht.dims<s0>>, tensor<?x1xf32, #ht.dims<s0>>)
      by (tensor<100x384xi4>, tensor<100x3xi8>, tensor<100x1xf32>) -> tensor<?x100xf32, #ht.dims<s0>>
  // CHECK: htq.linear f32(%{{.*}}) by affine<lookup<ui4, codebook f32>, blocks [1, 64], scale f32>(
  %y1 = htq.linear f32(%x) by affine<lookup<ui4, codebook f32>, blocks [1, 64], scale f32>(%n4, %book, %ns)
      : (tensor<?x384xf32, #ht.dims<s0>>) by (tensor<100x384xui4>, tensor<16xf32>, tensor<100x6xf32>)
      -> tensor<?x100xf32, #ht.dims<s0>>
  return
}

// CHECK-LABEL: func.func private @between
func.func private @between(%sums: tensor<?x100xi32, #ht.dims<s0>>, %s: tensor<?x1xf32, #ht.dims<s0>>, %t: tensor<1x1xf32>,
                           %z: tensor<1x1xi8>, %x: tensor<?x100xf32, #ht.dims<s0>>) {
  // CHECK: htq.requantize <i32, blocks [1, ?], scale f32>(%{{.*}}, %{{.*}}) to <i8, blocks [?, ?], scale f32, zero i8>(%{{.*}}, %{{.*}}) : (tensor<?x100xi32, #ht.dims<s0>>, tensor<?x1xf32, #ht.dims<s0>>) to (tensor<1x1xf32>, tensor<1x1xi8>) -> tensor<?x100xi8, #ht.dims<s0>>
  %0 = htq.requantize <i32, blocks [1, ?], scale f32>(%sums, %s) to <i8, blocks [?, ?], scale f32, zero i8>(%t, %z)
      : (tensor<?x100xi32, #ht.dims<s0>>, tensor<?x1xf32, #ht.dims<s0>>) to (tensor<1x1xf32>, tensor<1x1xi8>)
      -> tensor<?x100xi8, #ht.dims<s0>>
  // CHECK: htq.observe "encoder.0" %{{.*}} : tensor<?x100xf32, #ht.dims<s0>>
  %1 = htq.observe "encoder.0" %x : tensor<?x100xf32, #ht.dims<s0>>
  // CHECK: htq.hadamard 4 stride 5 %{{.*}} : tensor<?x100xf32, #ht.dims<s0>>
  %h = htq.hadamard 4 stride 5 %x : tensor<?x100xf32, #ht.dims<s0>>
  // CHECK: htq.hadamard 4 %{{.*}} : tensor<?x100xf32, #ht.dims<s0>>
  %n = htq.hadamard 4 stride 1 %x : tensor<?x100xf32, #ht.dims<s0>>
  // Codes of every width.
  // CHECK: htq.dynamic_quantize signed_max <i3, blocks [1, 32], scale f16>
  %2, %3 = htq.dynamic_quantize signed_max <i3, blocks [1, 32], scale f16>(%x)
      : (tensor<?x100xf32, #ht.dims<s0>>) -> (tensor<?x100xi3, #ht.dims<s0>>, tensor<?x4xf16, #ht.dims<s0>>)
  %4, %5, %6 = htq.dynamic_quantize minmax <ui5, blocks [1, ?], scale f32, zero ui5>(%x)
      : (tensor<?x100xf32, #ht.dims<s0>>)
      -> (tensor<?x100xui5, #ht.dims<s0>>, tensor<?x1xf32, #ht.dims<s0>>, tensor<?x1xui5, #ht.dims<s0>>)
  return
}

// Decisions: a rule and a term, a term alone, an element type.
// CHECK-LABEL: func.func @decisions
// CHECK:         {htq.activations = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>, htq.weights = #htq.format<affine<ui4, blocks [1, 32], scale f16, zero ui4>>}
// CHECK:         {htq.weights = #htq.format<absmax affine<lookup<ui2, codebook f32>, blocks [1, 64], scale f32> codebook dense<[-1.000000e+00, 0.000000e+00, 1.000000e+00]> : tensor<3xf32>>}
// CHECK:         {htq.weights = #htq.format<bf16>}
func.func @decisions(%x: tensor<3x4xf32>, %w: tensor<4x4xf32>, %ids: tensor<3xi64>) {
  %0 = ht.linear %x, %w {htq.activations = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>, htq.weights = #htq.format<affine<ui4, blocks [1, 32], scale f16, zero ui4>>} : tensor<3x4xf32>, tensor<4x4xf32> -> tensor<3x4xf32>
  %1 = ht.linear %x, %w {htq.weights = #htq.format<absmax affine<lookup<ui2, codebook f32>, blocks [1, 64], scale f32> codebook dense<[-1.0, 0.0, 1.0]> : tensor<3xf32>>} : tensor<3x4xf32>, tensor<4x4xf32> -> tensor<3x4xf32>
  %2 = ht.embedding %w, %ids {htq.weights = #htq.format<bf16>} : tensor<4x4xf32>, tensor<3xi64> -> tensor<3x4xf32>
  return
}
