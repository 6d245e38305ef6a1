// Every operation and attribute, printed as it is written and read back, as text and as bytecode.
// RUN: halftone-opt %s | halftone-opt | FileCheck %s
// RUN: halftone-opt %s --emit-bytecode | halftone-opt | FileCheck %s
// RUN: halftone-opt %s --mlir-print-op-generic | halftone-opt | FileCheck %s

!x = tensor<?x4xf32, #ht.dims<s0>>
!b = tensor<?x4xi1, #ht.dims<s0>>

// CHECK-LABEL: func.func @unary
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32, #ht.dims<s0>> {ht.name = "x"}, %[[B:.*]]: tensor<?x4xi1, #ht.dims<s0>>)
// CHECK-SAME: attributes {ht.symbols = [#ht.symbol<"rows", 1, 8>]}
func.func @unary(%x: !x {ht.name = "x"}, %b: !b) attributes {ht.symbols = [#ht.symbol<"rows", 1, 8>]} {
  // CHECK: ht.abs %[[X]] : tensor<?x4xf32, #ht.dims<s0>>
  %abs = ht.abs %x : !x
  // CHECK: ht.ceil %[[X]] : tensor
  %ceil = ht.ceil %x : !x
  // CHECK: ht.cos %[[X]] : tensor
  %cos = ht.cos %x : !x
  // CHECK: ht.erf %[[X]] : tensor
  %erf = ht.erf %x : !x
  // CHECK: ht.exp %[[X]] : tensor
  %exp = ht.exp %x : !x
  // CHECK: ht.floor %[[X]] : tensor
  %floor = ht.floor %x : !x
  // CHECK: ht.gelu %[[X]] : tensor
  %gelu = ht.gelu %x : !x
  // CHECK: ht.gelu %[[X]] approximate tanh : tensor
  %gelu_tanh = ht.gelu %x approximate tanh : !x
  // CHECK: ht.is_nan %[[X]] : tensor<?x4xf32, #ht.dims<s0>> -> tensor<?x4xi1, #ht.dims<s0>>
  %is_nan = ht.is_nan %x : !x -> !b
  // CHECK: ht.log %[[X]] : tensor
  %log = ht.log %x : !x
  // CHECK: ht.neg %[[X]] : tensor
  %neg = ht.neg %x : !x
  // CHECK: ht.not %[[B]] : tensor<?x4xi1, #ht.dims<s0>>
  %not = ht.not %b : !b
  // CHECK: ht.reciprocal %[[X]] : tensor
  %reciprocal = ht.reciprocal %x : !x
  // CHECK: ht.relu %[[X]] : tensor
  %relu = ht.relu %x : !x
  // CHECK: ht.round %[[X]] : tensor
  %round = ht.round %x : !x
  // CHECK: ht.rsqrt %[[X]] : tensor
  %rsqrt = ht.rsqrt %x : !x
  // CHECK: ht.sigmoid %[[X]] : tensor
  %sigmoid = ht.sigmoid %x : !x
  // CHECK: ht.sign %[[X]] : tensor
  %sign = ht.sign %x : !x
  // CHECK: ht.silu %[[X]] : tensor
  %silu = ht.silu %x : !x
  // CHECK: ht.sin %[[X]] : tensor
  %sin = ht.sin %x : !x
  // CHECK: ht.sqrt %[[X]] : tensor
  %sqrt = ht.sqrt %x : !x
  // CHECK: ht.tanh %[[X]] : tensor
  %tanh = ht.tanh %x : !x
  // CHECK: ht.cast %[[X]] : tensor<?x4xf32, #ht.dims<s0>> to tensor<?x4xbf16, #ht.dims<s0>>
  %cast = ht.cast %x : !x to tensor<?x4xbf16, #ht.dims<s0>>
  return
}

// CHECK-LABEL: func.func @binary
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32, #ht.dims<s0>>, %[[R:.*]]: tensor<1xf32>, %[[B:.*]]: tensor<?x4xi1, #ht.dims<s0>>)
func.func @binary(%x: !x, %r: tensor<1xf32>, %b: !b) attributes {ht.symbols = [#ht.symbol<"rows", 1, 8>]} {
  // CHECK: ht.add %[[X]], %[[R]] : tensor<?x4xf32, #ht.dims<s0>>, tensor<1xf32> -> tensor<?x4xf32, #ht.dims<s0>>
  %add = ht.add %x, %r : !x, tensor<1xf32> -> !x
  // CHECK: ht.sub %[[R]], %[[X]] : tensor<1xf32>, tensor<?x4xf32, #ht.dims<s0>> -> tensor<?x4xf32, #ht.dims<s0>>
  %sub = ht.sub %r, %x : tensor<1xf32>, !x -> !x
  // CHECK: ht.mul %[[X]], %[[X]] :
  %mul = ht.mul %x, %x : !x, !x -> !x
  // CHECK: ht.div %[[X]], %[[X]] :
  %div = ht.div %x, %x : !x, !x -> !x
  // CHECK: ht.pow %[[X]], %[[X]] :
  %pow = ht.pow %x, %x : !x, !x -> !x
  // CHECK: ht.max %[[X]], %[[X]] :
  %max = ht.max %x, %x : !x, !x -> !x
  // CHECK: ht.min %[[X]], %[[X]] :
  %min = ht.min %x, %x : !x, !x -> !x
  // CHECK: ht.and %[[B]], %[[B]] :
  %and = ht.and %b, %b : !b, !b -> !b
  // CHECK: ht.or %[[B]], %[[B]] :
  %or = ht.or %b, %b : !b, !b -> !b
  // CHECK: ht.xor %[[B]], %[[B]] :
  %xor = ht.xor %b, %b : !b, !b -> !b
  // CHECK: ht.compare eq %[[X]], %[[R]] : tensor<?x4xf32, #ht.dims<s0>>, tensor<1xf32> -> tensor<?x4xi1, #ht.dims<s0>>
  %eq = ht.compare eq %x, %r : !x, tensor<1xf32> -> !b
  // CHECK: ht.compare ne
  %ne = ht.compare ne %x, %r : !x, tensor<1xf32> -> !b
  // CHECK: ht.compare lt
  %lt = ht.compare lt %x, %r : !x, tensor<1xf32> -> !b
  // CHECK: ht.compare le
  %le = ht.compare le %x, %r : !x, tensor<1xf32> -> !b
  // CHECK: ht.compare gt
  %gt = ht.compare gt %x, %r : !x, tensor<1xf32> -> !b
  // CHECK: ht.compare ge
  %ge = ht.compare ge %x, %r : !x, tensor<1xf32> -> !b
  // CHECK: ht.where %[[B]], %[[X]], %[[R]] : tensor<?x4xi1, #ht.dims<s0>>, tensor<?x4xf32, #ht.dims<s0>>, tensor<1xf32> -> tensor<?x4xf32, #ht.dims<s0>>
  %where = ht.where %b, %x, %r : !b, !x, tensor<1xf32> -> !x
  return
}

// CHECK-LABEL: func.func @sources
func.func @sources() attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 0, 512>]} {
  // CHECK: ht.constant dense<[1, 2]> : tensor<2xi64>
  %c = ht.constant dense<[1, 2]> : tensor<2xi64>
  // CHECK: ht.dim <s0 * s1 + 1> : tensor<i64>
  %d = ht.dim <1 + s1 * s0> : tensor<i64>
  // CHECK: ht.iota : tensor<?xi64, #ht.dims<s1>>
  %i = ht.iota : tensor<?xi64, #ht.dims<s1>>
  // CHECK: ht.iota {start = 3 : i64, step = -1 : i64} : tensor<3xf32>
  %j = ht.iota {start = 3 : i64, step = -1 : i64} : tensor<3xf32>
  return
}

// CHECK-LABEL: func.func @movement
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32, #ht.dims<s0>>, %[[I:.*]]: tensor<2x1xi64>)
func.func @movement(%x: !x, %i: tensor<2x1xi64>) attributes {ht.symbols = [#ht.symbol<"rows", 4, 8>]} {
  // CHECK: ht.reshape %[[X]] : tensor<?x4xf32, #ht.dims<s0>> to tensor<2x?x2xf32, #ht.dims<s0>>
  %reshape = ht.reshape %x : !x to tensor<2x?x2xf32, #ht.dims<s0>>
  // CHECK: ht.transpose %[[X]] [1, 0] : tensor<?x4xf32, #ht.dims<s0>> -> tensor<4x?xf32, #ht.dims<s0>>
  %transpose = ht.transpose %x [1, 0] : !x -> tensor<4x?xf32, #ht.dims<s0>>
  // CHECK: ht.broadcast %[[X]] : tensor<?x4xf32, #ht.dims<s0>> to tensor<3x?x4xf32, #ht.dims<s0>>
  %broadcast = ht.broadcast %x : !x to tensor<3x?x4xf32, #ht.dims<s0>>
  // CHECK: ht.slice %[[X]] starts <s0 - 1, 3> strides [1, -2] : tensor<?x4xf32, #ht.dims<s0>> to tensor<1x2xf32>
  %slice = ht.slice %x starts <s0 - 1, 3> strides [1, -2] : !x to tensor<1x2xf32>
  // CHECK: ht.window %[[X]] axes [0] strides [2] dilations [1] : tensor<?x4xf32, #ht.dims<s0>> to tensor<?x4x3xf32, #ht.dims<(s0 - 1) floordiv 2>>
  %window = ht.window %x axes [0] strides [2] dilations [1] : !x to tensor<?x4x3xf32, #ht.dims<(s0 - 1) floordiv 2>>
  // CHECK: ht.concat %[[X]], %[[X]] axis 0 : tensor<?x4xf32, #ht.dims<s0>>, tensor<?x4xf32, #ht.dims<s0>> -> tensor<?x4xf32, #ht.dims<s0 * 2>>
  %concat = ht.concat %x, %x axis 0 : !x, !x -> tensor<?x4xf32, #ht.dims<s0 * 2>>
  // CHECK: ht.gather %[[X]], %[[I]] axis 1 : tensor<?x4xf32, #ht.dims<s0>>, tensor<2x1xi64> -> tensor<?x2x1xf32, #ht.dims<s0>>
  %gather = ht.gather %x, %i axis 1 : !x, tensor<2x1xi64> -> tensor<?x2x1xf32, #ht.dims<s0>>
  // CHECK: ht.gather_nd %[[X]], %[[I]] : tensor<?x4xf32, #ht.dims<s0>>, tensor<2x1xi64> -> tensor<2x4xf32>
  %gather_nd = ht.gather_nd %x, %i : !x, tensor<2x1xi64> -> tensor<2x4xf32>
  // CHECK: ht.cumsum %[[X]] axis 1 : tensor
  %cumsum = ht.cumsum %x axis 1 : !x
  // CHECK: ht.cumsum %[[X]] axis 0 exclusive reverse : tensor
  %back = ht.cumsum %x axis 0 exclusive reverse : !x
  return
}

// CHECK-LABEL: func.func @contractions
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32, #ht.dims<s0>>, %{{.*}}: tensor<4x2xf32>)
func.func @contractions(%x: !x, %y: tensor<4x2xf32>) attributes {ht.symbols = [#ht.symbol<"rows", 1, 8>]} {
  // CHECK: ht.matmul %[[X]], %{{.*}} : tensor<?x4xf32, #ht.dims<s0>>, tensor<4x2xf32> -> tensor<?x2xf32, #ht.dims<s0>>
  %matmul = ht.matmul %x, %y : !x, tensor<4x2xf32> -> tensor<?x2xf32, #ht.dims<s0>>
  // CHECK: ht.reduce sum %[[X]] [0, 1] : tensor<?x4xf32, #ht.dims<s0>> -> tensor<1x1xf32>
  %sum = ht.reduce sum %x [0, 1] : !x -> tensor<1x1xf32>
  // CHECK: ht.reduce mean %[[X]] [1] : tensor<?x4xf32, #ht.dims<s0>> -> tensor<?x1xf32, #ht.dims<s0>>
  %mean = ht.reduce mean %x [1] : !x -> tensor<?x1xf32, #ht.dims<s0>>
  // CHECK: ht.reduce max %[[X]] [0]
  %max = ht.reduce max %x [0] : !x -> tensor<1x4xf32>
  // CHECK: ht.reduce min %[[X]] [0]
  %min = ht.reduce min %x [0] : !x -> tensor<1x4xf32>
  // CHECK: ht.reduce prod %[[X]] []
  %prod = ht.reduce prod %x [] : !x -> !x
  // CHECK: ht.softmax %[[X]] axis 1 : tensor<?x4xf32, #ht.dims<s0>>
  %softmax = ht.softmax %x axis 1 : !x
  return
}

// CHECK-LABEL: ht.weight @table : tensor<10x4xbf16> {
// CHECK-NEXT: %[[F:.*]] = ht.load "model.onnx" offset 4096 : tensor<10x4xf32>
// CHECK-NEXT: %[[C:.*]] = ht.cast %[[F]] : tensor<10x4xf32> to tensor<10x4xbf16>
// CHECK-NEXT: ht.yield %[[C]] : tensor<10x4xbf16>
ht.weight @table : tensor<10x4xbf16> {
  %0 = ht.load "model.onnx" offset 4096 : tensor<10x4xf32>
  %1 = ht.cast %0 : tensor<10x4xf32> to tensor<10x4xbf16>
  ht.yield %1 : tensor<10x4xbf16>
}

// CHECK-LABEL: ht.weight @"layers.0/weight" : tensor<4xf32> attributes {sym_visibility = "private"}
ht.weight @"layers.0/weight" : tensor<4xf32> attributes {sym_visibility = "private"} {
  %0 = ht.load "/models/a b.bin" offset 0 : tensor<4xf32>
  ht.yield %0 : tensor<4xf32>
}

!h = tensor<?x?x4x8xf32, #ht.dims<s0, s1>>
!kv = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!m = tensor<?x1x?x?xi1, #ht.dims<s0, s1, s1>>

// CHECK-LABEL: func.func @transformer
func.func @transformer(%ids: tensor<?xi64, #ht.dims<s0>>, %x: !x, %gamma: tensor<4xf32>, %q: !h, %k: !kv, %m: !m,
                       %bias: tensor<1x4x1x1xf32>, %cos: tensor<1x?x4xf32, #ht.dims<s1>>, %b: tensor<10xf32>)
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 512>]} {
  // CHECK: %[[T:.*]] = ht.get_weight @table : tensor<10x4xbf16>
  %table = ht.get_weight @table : tensor<10x4xbf16>
  // CHECK: ht.get_weight @"layers.0/weight" : tensor<4xf32>
  %other = ht.get_weight @"layers.0/weight" : tensor<4xf32>
  // CHECK: ht.embedding %[[T]], %{{.*}} : tensor<10x4xbf16>, tensor<?xi64, #ht.dims<s0>> -> tensor<?x4xf32, #ht.dims<s0>>
  %embedding = ht.embedding %table, %ids : tensor<10x4xbf16>, tensor<?xi64, #ht.dims<s0>> -> !x
  // CHECK: ht.linear %{{.*}}, %[[T]] : tensor<?x4xf32, #ht.dims<s0>>, tensor<10x4xbf16> -> tensor<?x10xf32, #ht.dims<s0>>
  %linear = ht.linear %x, %table : !x, tensor<10x4xbf16> -> tensor<?x10xf32, #ht.dims<s0>>
  // CHECK: ht.linear %{{.*}}, %[[T]] bias %{{.*}} : tensor<?x4xf32, #ht.dims<s0>>, tensor<10x4xbf16>, tensor<10xf32> -> tensor<?x10xf32, #ht.dims<s0>>
  %biased = ht.linear %x, %table bias %b : !x, tensor<10x4xbf16>, tensor<10xf32> -> tensor<?x10xf32, #ht.dims<s0>>
  // CHECK: ht.layer_norm %{{.*}}, %{{.*}}, %{{.*}} epsilon 1.000000e-05 : tensor<?x4xf32, #ht.dims<s0>>, tensor<4xf32>, tensor<4xf32>
  %layer_norm = ht.layer_norm %x, %gamma, %gamma epsilon 1.0e-5 : !x, tensor<4xf32>, tensor<4xf32>
  // CHECK: ht.layer_norm %{{.*}}, %{{.*}} epsilon 0.000000e+00 : tensor<?x4xf32, #ht.dims<s0>>, tensor<4xf32>{{$}}
  %no_beta = ht.layer_norm %x, %gamma epsilon 0.0 : !x, tensor<4xf32>
  // CHECK: ht.rms_norm %{{.*}}, %{{.*}} epsilon 9.9999999999999995E-7 : tensor<?x4xf32, #ht.dims<s0>>, tensor<4xf32>
  %rms_norm = ht.rms_norm %x, %gamma epsilon 1.0e-6 : !x, tensor<4xf32>
  // CHECK: ht.rope %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x?x4x8xf32, #ht.dims<s0, s1>>, tensor<1x?x4xf32, #ht.dims<s1>>, tensor<1x?x4xf32, #ht.dims<s1>>
  %rope = ht.rope %q, %cos, %cos : !h, tensor<1x?x4xf32, #ht.dims<s1>>, tensor<1x?x4xf32, #ht.dims<s1>>
  // CHECK: ht.rope %{{.*}}, %{{.*}}, %{{.*}} interleaved : tensor
  %pairs = ht.rope %q, %cos, %cos interleaved : !h, tensor<1x?x4xf32, #ht.dims<s1>>, tensor<1x?x4xf32, #ht.dims<s1>>
  // CHECK: ht.attention %{{.*}}, %{{.*}}, %{{.*}} scale 1.250000e-01 : tensor<?x?x4x8xf32, #ht.dims<s0, s1>>, tensor<?x?x2x8xf32, #ht.dims<s0, s1>>, tensor<?x?x2x8xf32, #ht.dims<s0, s1>> -> tensor<?x?x4x8xf32, #ht.dims<s0, s1>>
  %attention = ht.attention %q, %k, %k scale 0.125 : !h, !kv, !kv -> !h
  // CHECK: ht.attention %{{.*}}, %{{.*}}, %{{.*}} mask %{{.*}} : tensor<?x1x?x?xi1, #ht.dims<s0, s1, s1>> bias %{{.*}} : tensor<1x4x1x1xf32> scale 1.250000e-01 causal :
  %masked = ht.attention %q, %k, %k mask %m : !m bias %bias : tensor<1x4x1x1xf32> scale 0.125 causal : !h, !kv, !kv -> !h
  // CHECK: ht.attention %{{.*}}, %{{.*}}, %{{.*}} scale 1.250000e-01 softcap 3.000000e+01 causal :
  %capped = ht.attention %q, %k, %k scale 0.125 softcap 30.0 causal : !h, !kv, !kv -> !h
  // CHECK: ht.attention %{{.*}}, %{{.*}}, %{{.*}} scale 1.250000e-01 causal uniform :
  %uniform = ht.attention %q, %k, %k scale 0.125 causal uniform : !h, !kv, !kv -> !h
  %rows = ht.constant dense<0> : tensor<2xi64>
  %cache = ht.constant dense<0.0> : tensor<3x9x2x8xf32>
  %some = ht.constant dense<0.0> : tensor<2x1x2x8xf32>
  // CHECK: ht.attention %{{.*}}, %{{.*}}, %{{.*}} sequences %{{.*}} : tensor<2xi64> start %{{.*}} : tensor<2xi64> scale 1.250000e-01 causal window 5 : tensor<2x1x2x8xf32>, tensor<3x9x2x8xf32>,
  %cached = ht.attention %some, %cache, %cache sequences %rows : tensor<2xi64> start %rows : tensor<2xi64> scale 0.125 causal window 5
      : tensor<2x1x2x8xf32>, tensor<3x9x2x8xf32>, tensor<3x9x2x8xf32> -> tensor<2x1x2x8xf32>
  %narrow = ht.constant dense<0.0> : tensor<2x1x2x8xbf16>
  // CHECK: ht.attention {{.*}} : tensor<2x1x2x8xbf16>, tensor<2x1x2x8xbf16>, tensor<2x1x2x8xbf16> -> tensor<2x1x2x8xf32>
  %wide = ht.attention %narrow, %narrow, %narrow scale 0.125
      : tensor<2x1x2x8xbf16>, tensor<2x1x2x8xbf16>, tensor<2x1x2x8xbf16> -> tensor<2x1x2x8xf32>
  // CHECK: ht.update %{{.*}}, %{{.*}} sequences %{{.*}} start %{{.*}} : tensor<3x9x2x8xf32>, tensor<2x1x2x8xf32>, tensor<2xi64>, tensor<2xi64>
  %update = ht.update %cache, %some sequences %rows start %rows : tensor<3x9x2x8xf32>, tensor<2x1x2x8xf32>, tensor<2xi64>, tensor<2xi64>
  // CHECK: ht.glu silu %{{.*}}, %{{.*}} : tensor<?x4xf32, #ht.dims<s0>>
  %silu = ht.glu silu %x, %x : !x
  // CHECK: ht.glu gelu %
  %gelu = ht.glu gelu %x, %x : !x
  // CHECK: ht.glu gelu_tanh %
  %gelu_tanh = ht.glu gelu_tanh %x, %x : !x
  // CHECK: ht.glu relu %
  %relu = ht.glu relu %x, %x : !x
  // CHECK: ht.glu sigmoid %
  %sigmoid = ht.glu sigmoid %x, %x : !x
  return
}

// CHECK-LABEL: func.func @codes_and_bits
func.func @codes_and_bits(%f: tensor<2x3xf32>, %i: tensor<2x3xi32>, %u: tensor<2x3xui16>, %c: tensor<2x3xui4>) {
  // CHECK: ht.cast %{{.*}} saturate : tensor<2x3xf32> to tensor<2x3xf8E4M3FN>
  %f8 = ht.cast %f saturate : tensor<2x3xf32> to tensor<2x3xf8E4M3FN>
  // CHECK: ht.cast %{{.*}} : tensor<2x3xf8E4M3FN> to tensor<2x3xf4E2M1FN>
  %f4 = ht.cast %f8 : tensor<2x3xf8E4M3FN> to tensor<2x3xf4E2M1FN>
  // CHECK: ht.transpose %{{.*}} [1, 0] : tensor<2x3xui4> -> tensor<3x2xui4>
  %t = ht.transpose %c [1, 0] : tensor<2x3xui4> -> tensor<3x2xui4>
  // CHECK: ht.bitcast %{{.*}} : tensor<2x3xf32> to tensor<2x3xi32>
  %bits = ht.bitcast %f : tensor<2x3xf32> to tensor<2x3xi32>
  // CHECK: ht.and %{{.*}} : tensor<2x3xi32>, tensor<2x3xi32> -> tensor<2x3xi32>
  %and = ht.and %bits, %i : tensor<2x3xi32>, tensor<2x3xi32> -> tensor<2x3xi32>
  // CHECK: ht.not %{{.*}} : tensor<2x3xui16>
  %not = ht.not %u : tensor<2x3xui16>
  // CHECK: ht.shift_left %{{.*}} : tensor<2x3xui16>, tensor<2x3xui16> -> tensor<2x3xui16>
  %left = ht.shift_left %u, %u : tensor<2x3xui16>, tensor<2x3xui16> -> tensor<2x3xui16>
  // CHECK: ht.shift_right %{{.*}} : tensor<2x3xi32>, tensor<2x3xi32> -> tensor<2x3xi32>
  %right = ht.shift_right %i, %i : tensor<2x3xi32>, tensor<2x3xi32> -> tensor<2x3xi32>
  return
}

// CHECK-LABEL: func.func private @choices
func.func private @choices(%x: tensor<4x5xf32>, %tuples: tensor<3x1xi64>, %rows: tensor<3x5xf32>, %dynamic: !x) {
  // CHECK: ht.scatter_nd %{{.*}}, %{{.*}}, %{{.*}} : tensor<4x5xf32>, tensor<3x1xi64>, tensor<3x5xf32>
  %set = ht.scatter_nd %x, %tuples, %rows : tensor<4x5xf32>, tensor<3x1xi64>, tensor<3x5xf32>
  // CHECK: ht.scatter_nd %{{.*}}, %{{.*}}, %{{.*}} reduction add : tensor<4x5xf32>, tensor<3x1xi64>, tensor<3x5xf32>
  %sum = ht.scatter_nd %x, %tuples, %rows reduction add : tensor<4x5xf32>, tensor<3x1xi64>, tensor<3x5xf32>
  // CHECK: ht.topk %{{.*}} k 2 axis 1 : tensor<?x4xf32, #ht.dims<s0>> -> tensor<?x2xf32, #ht.dims<s0>>, tensor<?x2xi64, #ht.dims<s0>>
  %largest:2 = ht.topk %dynamic k 2 axis 1 : !x -> tensor<?x2xf32, #ht.dims<s0>>, tensor<?x2xi64, #ht.dims<s0>>
  // CHECK: ht.topk %{{.*}} k 3 axis 0 smallest : tensor<?x4xf32, #ht.dims<s0>> -> tensor<3x4xf32>, tensor<3x4xi64>
  %smallest:2 = ht.topk %dynamic k 3 axis 0 smallest : !x -> tensor<3x4xf32>, tensor<3x4xi64>
  // CHECK: ht.arg_reduce max %{{.*}} axis 1 : tensor<?x4xf32, #ht.dims<s0>> -> tensor<?x1xi64, #ht.dims<s0>>
  %first = ht.arg_reduce max %dynamic axis 1 : !x -> tensor<?x1xi64, #ht.dims<s0>>
  // CHECK: ht.arg_reduce min %{{.*}} axis 0 last : tensor<?x4xf32, #ht.dims<s0>> -> tensor<1x4xi64>
  %last = ht.arg_reduce min %dynamic axis 0 last : !x -> tensor<1x4xi64>
  return
}

// Expressions are kept in one normal form: equal dimensions are equal attributes.
// CHECK-LABEL: func.func private @dims
// CHECK-SAME: tensor<?xf32, #ht.dims<s0 * s1 * 2 + s0 + 3>>
// CHECK-SAME: tensor<?xf32, #ht.dims<s0 floordiv 2>>
func.func private @dims(tensor<?xf32, #ht.dims<3 + s0 + s1 * s0 * 2>>, tensor<?xf32, #ht.dims<s0 floordiv 2>>)

// Differences read as such, down to the constant.
// CHECK-LABEL: func.func private @dims_difference
// CHECK-SAME: tensor<?xf32, #ht.dims<s0 - s1>>
// CHECK-SAME: tensor<?xf32, #ht.dims<s0 * s1 - s0 * 2 - 3>>
// CHECK-SAME: tensor<?xf32, #ht.dims<s0 * -1 + s1>>
func.func private @dims_difference(tensor<?xf32, #ht.dims<s0 - s1>>, tensor<?xf32, #ht.dims<s1 * s0 - 3 - 2 * s0>>,
                                   tensor<?xf32, #ht.dims<s1 - s0>>)

// What is not an atom stays in parentheses on the right: operators of one
// precedence bind from the left.
// CHECK-LABEL: func.func private @dims_division
// CHECK-SAME: tensor<?xf32, #ht.dims<s0 floordiv 2 * (s1 floordiv 2)>>
// CHECK-SAME: tensor<?xf32, #ht.dims<s0 floordiv (s1 * 2)>>
// CHECK-SAME: tensor<?xf32, #ht.dims<(s0 + 7) ceildiv 8 * 8>>
func.func private @dims_division(tensor<?xf32, #ht.dims<(s0 floordiv 2) * (s1 floordiv 2)>>,
                                 tensor<?xf32, #ht.dims<s0 floordiv (2 * s1)>>,
                                 tensor<?xf32, #ht.dims<((s0 + 7) ceildiv 8) * 8>>)

// Divisions of divisions become one (strides of convolutions in a row).
// CHECK-LABEL: func.func private @dims_nested_division
// CHECK-SAME: tensor<?xf32, #ht.dims<s0 floordiv 10 - 1>>
// CHECK-SAME: tensor<?xf32, #ht.dims<(s0 - 15) floordiv 10>>
// CHECK-SAME: tensor<?xf32, #ht.dims<(s0 + s1 * 5) floordiv 10>>
// CHECK-SAME: tensor<?xf32, #ht.dims<s0 floordiv 5 * 3 floordiv 2>>
func.func private @dims_nested_division(tensor<?xf32, #ht.dims<(s0 floordiv 5) floordiv 2 - 1>>,
                                        tensor<?xf32, #ht.dims<(s0 floordiv 5 - 3) floordiv 2>>,
                                        tensor<?xf32, #ht.dims<(s0 floordiv 5 + s1) floordiv 2>>,
                                        tensor<?xf32, #ht.dims<((s0 floordiv 5) * 3) floordiv 2>>)

// CHECK-LABEL: func.func @states
// CHECK-SAME: {ht.name = "keys", ht.state}) -> (tensor<1x2xf32> {ht.name = "keys", ht.state})
func.func @states(%x: tensor<1x2xf32> {ht.name = "keys", ht.state}) -> (tensor<1x2xf32> {ht.name = "keys", ht.state}) {
  return %x : tensor<1x2xf32>
}
