// RUN: halftone-opt --htk-lower-kernels --canonicalize --cse --split-input-file --remarks-filter=htk-lower-kernels %s -o %t.mlir 2> %t.remarks
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: FileCheck %s --input-file=%t.remarks --check-prefix=REMARK

// Where scales change after 32 columns a step has as many: 32 bytes of the rows of x, 8 groups of w. What a step
// sums is scaled into the sums of all.
// CHECK-LABEL: func.func private @short_steps(
// CHECK-DAG:     %[[BYTES:.*]] = arith.constant 32 : i8
// CHECK-DAG:     %[[GROUPS:.*]] = arith.constant 8 : i8
// CHECK-DAG:     %[[CONFIGURATION:.*]] = memref.alloca() {{.*}} : memref<64xi8>
// CHECK:         memref.store %[[BYTES]], %[[CONFIGURATION]][%c24]
// CHECK:         memref.store %[[BYTES]], %[[CONFIGURATION]][%c26]
// CHECK:         memref.store %[[GROUPS]], %[[CONFIGURATION]][%c54]
// CHECK:         memref.store %[[GROUPS]], %[[CONFIGURATION]][%c55]
// CHECK-NEXT:    memref.extract_aligned_pointer_as_index %[[CONFIGURATION]]
// CHECK:         scf.for %{{.*}} = %c0 to %c4
// CHECK-COUNT-8:   llvm.call_intrinsic "llvm.x86.tdpbssd"
// CHECK:           vector.fma
#rows = #ht.dims<s0>
module attributes {htk.cpu = #htk.cpu<"x86-64-v4", 512, ["avx512vnni", "amx-int8"]>} {
func.func private @short_steps(%x: tensor<?x128xi8, #rows>, %s: tensor<?x1xf32, #rows>, %w: tensor<1x16x256xui8>,
    %t: tensor<1x4x64xf16>) -> tensor<?x64xf32, #rows>
    attributes {htk.kernel, ht.symbols = [#ht.symbol<"rows", 32, 512>]} {
  %0 = htk.linear affine<i8, blocks [1, ?], scale f32>(%x, %s) by affine<i4, blocks [1, 32], scale f16>(%w, %t)
      : (tensor<?x128xi8, #rows>, tensor<?x1xf32, #rows>) by (tensor<1x16x256xui8>, tensor<1x4x64xf16>)
      -> tensor<?x64xf32, #rows>
  return %0 : tensor<?x64xf32, #rows>
}
}

// -----

// CHECK-LABEL: func.func private @no_tiles(
// CHECK-NOT:     llvm.x86.t
// CHECK:         return
// REMARK:      remark: [Missed] no tiles {{.*}}avx512_vnni instead of amx_int8: scales change inside a tile's step along k
#more = #ht.dims<s0>
module attributes {htk.cpu = #htk.cpu<"x86-64-v4", 512, ["avx512vnni", "amx-int8"]>} {
func.func private @no_tiles(%x: tensor<?x128xi8, #more>, %s: tensor<?x1xf32, #more>, %w: tensor<1x16x256xui8>,
    %t: tensor<1x8x64xf16>) -> tensor<?x64xf32, #more>
    attributes {htk.kernel, ht.symbols = [#ht.symbol<"rows", 32, 512>]} {
  %0 = htk.linear affine<i8, blocks [1, ?], scale f32>(%x, %s) by affine<i4, blocks [1, 16], scale f16>(%w, %t)
      : (tensor<?x128xi8, #more>, tensor<?x1xf32, #more>) by (tensor<1x16x256xui8>, tensor<1x8x64xf16>)
      -> tensor<?x64xf32, #more>
  return %0 : tensor<?x64xf32, #more>
}
}
