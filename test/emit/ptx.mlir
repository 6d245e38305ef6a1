// The text of kernels, from their tensors on. ptxas.test assembles all of it.
// RUN: halftone-opt --htk-lower-to-gpu --htk-gpu-to-nvvm %s | halftone-translate --gpu-to-ptx | FileCheck %s
// RUN: halftone-opt --htk-lower-to-gpu --htk-gpu-to-nvvm %s | halftone-translate --gpu-to-ptx --chip=sm_90a | FileCheck %s --check-prefix=SM90
// RUN: halftone-opt --htk-lower-to-gpu --htk-gpu-to-nvvm %s | halftone-translate --gpu-to-llvmir | FileCheck %s --check-prefix=LLVM

// CHECK:       .version 7.0
// CHECK:       .target sm_80
// CHECK-NOT:   .extern
// CHECK:       .global .align {{.*}} table
// SM90:        .target sm_90a

// Parameters are the pointers of inputs and results, then the rows.
// CHECK-LABEL: .entry f32(
// CHECK:         .param .u64 {{.*}}f32_param_0,
// CHECK:         .param .u64 {{.*}}f32_param_1,
// CHECK:         .param .u64 {{.*}}f32_param_2,
// CHECK:         .param .u64 {{.*}}f32_param_3
// CHECK:       .maxntid 64, 4, 1
// CHECK-DAG:     mov.u32 %{{.*}}, %tid.x
// CHECK-DAG:     mov.u32 %{{.*}}, %ctaid.x
// CHECK:         ld.global
// CHECK:         fma.rn.f32
// CHECK:         st.global
// LLVM:        define ptx_kernel void @f32(ptr %0, ptr %1, ptr %2, i64 %3)
func.func private @f32(%x: tensor<?x8xf32, #ht.dims<s0>>, %w: tensor<2x8x64xf32>) -> tensor<?x100xf32, #ht.dims<s0>>
    attributes {htk.kernel, ht.symbols = [#ht.symbol<"rows", 1, 512>]} {
  %0 = htk.linear f32(%x) by f32(%w) : (tensor<?x8xf32, #ht.dims<s0>>) by (tensor<2x8x64xf32>) -> tensor<?x100xf32, #ht.dims<s0>>
  return %0 : tensor<?x100xf32, #ht.dims<s0>>
}

// CHECK-LABEL: .entry bf16(
// CHECK:         fma.rn.f32
// CHECK-NOT:     fma.rn.bf16
func.func private @bf16(%x: tensor<3x8xbf16>, %w: tensor<1x4x128xbf16>) -> tensor<3x50xf32> attributes {htk.kernel} {
  %0 = htk.linear bf16(%x) by bf16(%w) : (tensor<3x8xbf16>) by (tensor<1x4x128xbf16>) -> tensor<3x50xf32>
  return %0 : tensor<3x50xf32>
}

// Words of 4 codes at once, aligned.
// CHECK-LABEL: .entry int8(
// CHECK:         ld.global.b32
// CHECK:         dp4a.u32.s32
func.func private @int8(%x: tensor<3x8xi8>, %s: tensor<3x1xf32>, %w: tensor<1x2x256xui8>, %t: tensor<1x1x64xf32>)
    -> tensor<3x50xf32> attributes {htk.kernel} {
  %0 = htk.linear affine<i8, blocks [1, ?], scale f32>(%x, %s) by affine<i8, blocks [1, ?], scale f32>(%w, %t)
      : (tensor<3x8xi8>, tensor<3x1xf32>) by (tensor<1x2x256xui8>, tensor<1x1x64xf32>) -> tensor<3x50xf32>
  return %0 : tensor<3x50xf32>
}

// CHECK-LABEL: .entry int4(
// CHECK:         and.b32 %{{.*}}, 252645135
// CHECK:         dp4a.u32.s32
func.func private @int4(%x: tensor<3x64xi8>, %s: tensor<3x1xf32>, %w: tensor<1x8x256xui8>, %t: tensor<1x2x64xf16>)
    -> tensor<3x50xf32> attributes {htk.kernel} {
  %0 = htk.linear affine<i8, blocks [1, ?], scale f32>(%x, %s) by affine<i4, blocks [1, 32], scale f16>(%w, %t)
      : (tensor<3x64xi8>, tensor<3x1xf32>) by (tensor<1x8x256xui8>, tensor<1x2x64xf16>) -> tensor<3x50xf32>
  return %0 : tensor<3x50xf32>
}

// What the source multiplies and adds is not contracted, divisions are exact, and a maximum keeps NaN.
// CHECK-LABEL: .entry exact(
// CHECK:         mul.rn.f32
// CHECK:         add.rn.f32
// CHECK:         div.rn.f32
// CHECK:         max.NaN.f32
func.func private @exact(%x: tensor<8xf32>, %y: tensor<8xf32>) -> tensor<8xf32> attributes {htk.kernel} {
  %0 = ht.mul %x, %y : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  %1 = ht.add %0, %y : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  %2 = ht.div %1, %x : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  %3 = ht.max %2, %y : tensor<8xf32>, tensor<8xf32> -> tensor<8xf32>
  return %3 : tensor<8xf32>
}

// Polynomials, a literal's table, conversions: no symbol from outside.
// CHECK-LABEL: .entry elements(
// CHECK-NOT:   call
func.func private @elements(%x: tensor<4x3xf32>) -> tensor<4x3xf16> attributes {htk.kernel} {
  %0 = ht.constant dense<[0.5, -1.0, 2.0]> : tensor<3xf32>
  %1 = ht.add %x, %0 : tensor<4x3xf32>, tensor<3xf32> -> tensor<4x3xf32>
  %2 = ht.gelu %1 : tensor<4x3xf32>
  %3 = ht.tanh %2 : tensor<4x3xf32>
  %4 = ht.silu %3 : tensor<4x3xf32>
  %5 = ht.cast %4 : tensor<4x3xf32> to tensor<4x3xf16>
  return %5 : tensor<4x3xf16>
}
