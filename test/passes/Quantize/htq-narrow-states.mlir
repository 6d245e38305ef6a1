// RUN: halftone-opt %s --htq-narrow-states=format=int8 | FileCheck %s --check-prefixes=CHECK,INT8
// RUN: halftone-opt %s --htq-narrow-states=format=bf16 | FileCheck %s --check-prefixes=CHECK,BF16
// RUN: halftone-opt %s --htq-narrow-states | FileCheck %s --check-prefix=F32
// RUN: halftone-opt %s --htq-narrow-states=format=int8 --remarks-filter=htq-narrow-states -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Keys are kept in codes, with a scale for each row of a head; "seen", which no attention reads, stays.

// REMARK-DAG: "keys" is kept as int8-token
// REMARK-DAG: "seen" stays as it is: it is no f32 of sequences, tokens, heads and channels

// F32: ht.update %arg{{[0-9]+}}, %{{.*}} : tensor<2x64x4x16xf32>

// CHECK-LABEL: func.func @main(
// INT8-SAME: tensor<2x64x4x16xi8> {ht.name = "keys", ht.state}
// BF16-SAME: tensor<2x64x4x16xbf16> {ht.name = "keys", ht.state}
// CHECK-SAME: tensor<2x64xf32> {ht.name = "seen", ht.state}
// INT8-SAME: tensor<2x64x4x1xf32> {ht.name = "keys.scale", ht.state})
// INT8-SAME: tensor<2x64x4x1xf32> {ht.name = "keys.scale", ht.state})
func.func @main(%q: tensor<?x?x4x16xf32, #ht.dims<s0, s1>>, %k: tensor<?x?x4x16xf32, #ht.dims<s0, s1>>,
                %s: tensor<?xi64, #ht.dims<s0>>, %p: tensor<?xi64, #ht.dims<s0>>,
                %x: tensor<?x?xf32, #ht.dims<s0, s1>>,
                %keys: tensor<2x64x4x16xf32> {ht.name = "keys", ht.state},
                %seen: tensor<2x64xf32> {ht.name = "seen", ht.state})
    -> (tensor<?x?x4x16xf32, #ht.dims<s0, s1>>, tensor<2x64x4x16xf32> {ht.name = "keys", ht.state},
        tensor<2x64xf32> {ht.name = "seen", ht.state})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 2>, #ht.symbol<"sequence", 1, 64>]} {
  // INT8: %[[LEAVES:.*]]:2 = htq.dynamic_quantize{{ +}}absmax <i8, blocks [1, 1, 1, ?], scale f32>(%arg1)
  // INT8: %[[CODES:.*]] = ht.update %{{.*}}, %[[LEAVES]]#0 sequences %arg2 start %arg3 : tensor<2x64x4x16xi8>
  // INT8: %[[SCALES:.*]] = ht.update %{{.*}}, %[[LEAVES]]#1 sequences %arg2 start %arg3 : tensor<2x64x4x1xf32>
  // INT8: %[[KEYS:.*]] = htq.dequantize #htq.affine<i8, blocks [1, 1, 1, ?], scale f32>(%[[CODES]], %[[SCALES]])
  // BF16: %[[NARROW:.*]] = ht.cast %arg1
  // BF16: %[[KEPT:.*]] = ht.update %{{.*}}, %[[NARROW]] sequences %arg2 start %arg3 : tensor<2x64x4x16xbf16>
  // BF16: %[[KEYS:.*]] = ht.cast %[[KEPT]] : tensor<2x64x4x16xbf16> to tensor<2x64x4x16xf32>
  %0 = ht.update %keys, %k sequences %s start %p
      : tensor<2x64x4x16xf32>, tensor<?x?x4x16xf32, #ht.dims<s0, s1>>, tensor<?xi64, #ht.dims<s0>>, tensor<?xi64, #ht.dims<s0>>
  %1 = ht.update %seen, %x sequences %s start %p
      : tensor<2x64xf32>, tensor<?x?xf32, #ht.dims<s0, s1>>, tensor<?xi64, #ht.dims<s0>>, tensor<?xi64, #ht.dims<s0>>
  // CHECK: %[[Y:.*]] = ht.attention %arg0, %[[KEYS]], %[[KEYS]] sequences
  %y = ht.attention %q, %0, %0 sequences %s : tensor<?xi64, #ht.dims<s0>> start %p : tensor<?xi64, #ht.dims<s0>> scale 1.0 causal
      : tensor<?x?x4x16xf32, #ht.dims<s0, s1>>, tensor<2x64x4x16xf32>, tensor<2x64x4x16xf32> -> tensor<?x?x4x16xf32, #ht.dims<s0, s1>>
  // INT8: return %[[Y]], %[[CODES]], %{{.*}}, %[[SCALES]]
  // BF16: return %[[Y]], %[[KEPT]], %{{.*}}
  return %y, %0, %1 : tensor<?x?x4x16xf32, #ht.dims<s0, s1>>, tensor<2x64x4x16xf32>, tensor<2x64xf32>
}
