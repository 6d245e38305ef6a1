// RUN: halftone-opt --htk-lower-kernels --canonicalize --cse --split-input-file --remarks-filter=htk-lower-kernels %s -o %t.mlir 2> %t.remarks
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: FileCheck %s --input-file=%t.remarks --check-prefix=REMARK

// bf16 is multiplied in tiles of 16 rows from 8 queries on: scores from q as it lies and packed keys; weights,
// that six instructions make; and values with a tile of ones, whose sums are the totals. Fewer queries are
// computed row by row; blocks that have infinities, with queries along the lanes.
// CHECK-LABEL: func.func private @tiles(
// CHECK-NOT:     memref.alloc(
// CHECK:         %[[SHORT:.*]] = arith.cmpi slt, %{{.*}}, %c8
// CHECK:         scf.if %[[SHORT]]
// CHECK-NOT:     llvm.x86.t
// CHECK:         math.exp
// CHECK:         } else {
// CHECK:         vector.shuffle
// CHECK:         llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"(%c16_i16, %c64_i16, %c64_i16,
// CHECK:         llvm.call_intrinsic "llvm.x86.tilestored64.internal"
// CHECK:         llvm.call_intrinsic "llvm.x86.avx512.mask.reduce.ps.512"
// CHECK:         llvm.call_intrinsic "llvm.x86.avx512.mask.scalef.ps.512"
// CHECK-COUNT-3:       llvm.call_intrinsic "llvm.x86.tdpbf16ps.internal"(%c16_i16, %c64_i16, %c64_i16,
// CHECK-NOT:     memref.alloc(
// CHECK:         return
#q = #ht.dims<s0, s1>
module attributes {htk.cpu = #htk.cpu<"sapphirerapids", 512, ["avx512bf16", "amx-bf16"]>} {
func.func private @tiles(%q: tensor<?x?x4x32xbf16, #q>, %k: tensor<?x?x2x32xbf16, #q>) -> tensor<?x?x4x32xf32, #q>
    attributes {htk.kernel, ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 512>]} {
  %0 = ht.attention %q, %k, %k scale 0.25 causal
      : tensor<?x?x4x32xbf16, #q>, tensor<?x?x2x32xbf16, #q>, tensor<?x?x2x32xbf16, #q> -> tensor<?x?x4x32xf32, #q>
  return %0 : tensor<?x?x4x32xf32, #q>
}
}

// -----

// CHECK-LABEL: func.func private @no_tiles(
// CHECK-NOT:     llvm.x86
// CHECK:         return
// REMARK:      remark: [Missed] no tiles {{.*}}attention in f32 vectors: the processor has none of bf16
func.func private @no_tiles(%q: tensor<1x16x4x32xbf16>) -> tensor<1x16x4x32xbf16> attributes {htk.kernel} {
  %0 = ht.attention %q, %q, %q scale 0.25
      : tensor<1x16x4x32xbf16>, tensor<1x16x4x32xbf16>, tensor<1x16x4x32xbf16> -> tensor<1x16x4x32xbf16>
  return %0 : tensor<1x16x4x32xbf16>
}

// -----

// CHECK-LABEL: func.func private @wide(
// CHECK-NOT:     llvm.x86
// CHECK:         return
// REMARK:      remark: [Missed] no tiles {{.*}}attention in f32 vectors: heads of more than 256 channels do not fit in L2
module attributes {htk.cpu = #htk.cpu<"sapphirerapids", 512, ["avx512bf16", "amx-bf16"]>} {
func.func private @wide(%q: tensor<1x16x4x288xbf16>) -> tensor<1x16x4x288xbf16> attributes {htk.kernel} {
  %0 = ht.attention %q, %q, %q scale 0.25
      : tensor<1x16x4x288xbf16>, tensor<1x16x4x288xbf16>, tensor<1x16x4x288xbf16> -> tensor<1x16x4x288xbf16>
  return %0 : tensor<1x16x4x288xbf16>
}
}

// -----

// Fewer than 16 queries, channels along the lanes: the four heads that share keys read them once, the sums of 16
// keys meet in 8 + 4 + 2 + 1 pairs of shuffles, and each weight is broadcast to the channels of a value.
// CHECK-LABEL: func.func private @rows(
// CHECK:         %[[FEW:.*]] = arith.cmpi slt, %{{.*}}, %c16
// CHECK:         scf.if %[[FEW]]
// CHECK-COUNT-16:  vector.fma {{.*}} : vector<16xf32>
// CHECK-COUNT-30:  vector.shuffle
// CHECK:           math.exp {{.*}} : vector<16xf32>
// CHECK:           math.exp {{.*}} : vector<16xf32>
// CHECK-COUNT-4:   vector.broadcast {{.*}} : f32 to vector<16xf32>
// CHECK:         return
#r = #ht.dims<s0>
func.func private @rows(%q: tensor<1x?x8x32xf32, #r>, %k: tensor<1x64x2x32xf32>) -> tensor<1x?x8x32xf32, #r>
    attributes {htk.kernel, ht.symbols = [#ht.symbol<"sequence", 1, 512>]} {
  %0 = ht.attention %q, %k, %k scale 0.25
      : tensor<1x?x8x32xf32, #r>, tensor<1x64x2x32xf32>, tensor<1x64x2x32xf32> -> tensor<1x?x8x32xf32, #r>
  return %0 : tensor<1x?x8x32xf32, #r>
}

// -----

// Codes of keys and values are multiplied themselves: those of 16 keys are turned by 4 times 8 shuffles; a query is two
// bytes for each channel, which 8 groups of four keep apart. Of values, weights are broadcast by fours.
// REMARK: few queries multiply the codes of keys and values
// CHECK-LABEL: func.func private @codes(
// CHECK:         scf.if
// CHECK:           vector.gather
// CHECK:           arith.xori {{.*}} : vector<64xi8>
// CHECK-COUNT-32:  vector.shuffle {{.*}} : vector<16xi32>, vector<16xi32>
// CHECK:           memref.prefetch
// CHECK-COUNT-16:  llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK:           math.exp {{.*}} : vector<16xf32>
// CHECK:           vector.shuffle {{.*}} : vector<64xi8>, vector<64xi8>
// CHECK:           vector.shuffle {{.*}} : vector<32xi16>, vector<32xi16>
// CHECK-COUNT-32:  llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK:         return
#r = #ht.dims<s0>
#kept = #htq.affine<i8, blocks [1, 1, 1, ?], scale f32>
module attributes {htk.cpu = #htk.cpu<"x86-64-v4", 512, ["avx512vnni"]>} {
func.func private @codes(%q: tensor<1x?x8x32xf32, #r>, %k: tensor<1x64x2x32xi8>, %s: tensor<1x64x2x1xf32>) -> tensor<1x?x8x32xf32, #r>
    attributes {htk.kernel, ht.symbols = [#ht.symbol<"sequence", 1, 512>]} {
  %0 = htq.dequantize #kept(%k, %s) : (tensor<1x64x2x32xi8>, tensor<1x64x2x1xf32>) -> tensor<1x64x2x32xf32>
  %1 = ht.attention %q, %0, %0 scale 0.25
      : tensor<1x?x8x32xf32, #r>, tensor<1x64x2x32xf32>, tensor<1x64x2x32xf32> -> tensor<1x?x8x32xf32, #r>
  return %1 : tensor<1x?x8x32xf32, #r>
}
}

// -----

// Not where the processor has no such products, ...
// REMARK: keys and values are widened for few queries: the processor has no AVX-512 VNNI
// CHECK-LABEL: func.func private @no_products(
// CHECK-NOT:     vpdpbusd
// CHECK:         return
#kept = #htq.affine<i8, blocks [1, 1, 1, ?], scale f32>
func.func private @no_products(%q: tensor<1x1x8x32xf32>, %k: tensor<1x64x2x32xi8>, %s: tensor<1x64x2x1xf32>) -> tensor<1x1x8x32xf32>
    attributes {htk.kernel} {
  %0 = htq.dequantize #kept(%k, %s) : (tensor<1x64x2x32xi8>, tensor<1x64x2x1xf32>) -> tensor<1x64x2x32xf32>
  %1 = ht.attention %q, %0, %0 scale 0.25
      : tensor<1x1x8x32xf32>, tensor<1x64x2x32xf32>, tensor<1x64x2x32xf32> -> tensor<1x1x8x32xf32>
  return %1 : tensor<1x1x8x32xf32>
}

// -----

// ... nor of anything else than bytes with a scale.
// REMARK: keys and values are widened for few queries: keys and values are no codes
func.func private @bf16_rows(%q: tensor<1x1x8x32xf32>, %k: tensor<1x64x2x32xbf16>) -> tensor<1x1x8x32xf32>
    attributes {htk.kernel} {
  %0 = ht.cast %k : tensor<1x64x2x32xbf16> to tensor<1x64x2x32xf32>
  %1 = ht.attention %q, %0, %0 scale 0.25
      : tensor<1x1x8x32xf32>, tensor<1x64x2x32xf32>, tensor<1x64x2x32xf32> -> tensor<1x1x8x32xf32>
  return %1 : tensor<1x1x8x32xf32>
}

// -----

// Where a row that may attend nothing weighs all keys, queries are always along the lanes.
// CHECK-LABEL: func.func private @uniform(
// CHECK-NOT:     vector.shuffle
// CHECK:         return
func.func private @uniform(%q: tensor<1x1x4x32xf32>, %k: tensor<1x64x2x32xf32>) -> tensor<1x1x4x32xf32>
    attributes {htk.kernel} {
  %0 = ht.attention %q, %k, %k scale 0.25 causal uniform
      : tensor<1x1x4x32xf32>, tensor<1x64x2x32xf32>, tensor<1x64x2x32xf32> -> tensor<1x1x4x32xf32>
  return %0 : tensor<1x1x4x32xf32>
}
