// A decoder layer as dynamo exports it, with tied embeddings, grouped heads and padding.
// RUN: halftone-opt --ht-raise %s | FileCheck %s

ht.weight @embed : tensor<64x16xf32> {
  %0 = ht.load "m.onnx" offset 0 : tensor<64x16xf32>
  ht.yield %0 : tensor<64x16xf32>
}
ht.weight @norm : tensor<16xf32> {
  %0 = ht.load "m.onnx" offset 4096 : tensor<16xf32>
  ht.yield %0 : tensor<16xf32>
}
ht.weight @q : tensor<16x16xf32> {
  %0 = ht.load "m.onnx" offset 8192 : tensor<16x16xf32>
  ht.yield %0 : tensor<16x16xf32>
}
ht.weight @kv : tensor<16x8xf32> {
  %0 = ht.load "m.onnx" offset 12288 : tensor<16x8xf32>
  ht.yield %0 : tensor<16x8xf32>
}
ht.weight @gate : tensor<16x32xf32> {
  %0 = ht.load "m.onnx" offset 16384 : tensor<16x32xf32>
  ht.yield %0 : tensor<16x32xf32>
}
ht.weight @down : tensor<32x16xf32> {
  %0 = ht.load "m.onnx" offset 20480 : tensor<32x16xf32>
  ht.yield %0 : tensor<32x16xf32>
}

// The weights of matmuls are turned by their recipes.
// CHECK-LABEL: ht.weight @q : tensor<16x16xf32>
// CHECK:         %[[LOADED:.*]] = ht.load
// CHECK:         %[[TURNED:.*]] = ht.transpose %[[LOADED]] [1, 0]
// CHECK:         ht.yield %[[TURNED]]

#s = #ht.dims<s1>
#bs = #ht.dims<s0, s1>
#bss = #ht.dims<s0, s1, s1>
#ss = #ht.dims<s1, s1>

// CHECK-LABEL: func.func @dynamo
// CHECK-SAME:    (%[[IDS:.*]]: tensor<?x?xi64{{.*}}>, %[[PADDING:.*]]: tensor<?x?xi64{{.*}}>)
// CHECK-DAG:     %[[EMBED:.*]] = ht.get_weight @embed
// CHECK:         %[[X:.*]] = ht.embedding %[[EMBED]], %[[IDS]]
// CHECK:         %[[Y:.*]] = ht.rms_norm %[[X]], %{{.*}} epsilon
// CHECK:         %[[Q:.*]] = ht.linear %[[Y]], %{{.*}} : {{.*}}, tensor<16x16xf32>
// CHECK:         %[[Q4:.*]] = ht.reshape %[[Q]] : {{.*}} to tensor<?x?x4x4xf32
// CHECK:         %[[POSITIONS:.*]] = ht.iota
// CHECK:         %[[ANGLES:.*]] = ht.mul {{.*}} -> tensor<1x?x2xf32
// CHECK:         %[[COS:.*]] = ht.cos %[[ANGLES]]
// CHECK:         %[[SIN:.*]] = ht.sin %[[ANGLES]]
// CHECK:         %[[QR:.*]] = ht.rope %[[Q4]], %[[COS]], %[[SIN]] :
// CHECK:         %[[K:.*]] = ht.linear %[[Y]], %{{.*}} : {{.*}}, tensor<8x16xf32>
// CHECK:         %[[K4:.*]] = ht.reshape %[[K]] : {{.*}} to tensor<?x?x2x4xf32
// CHECK:         %[[KR:.*]] = ht.rope %[[K4]], %[[COS]], %[[SIN]] :
// CHECK:         %[[BITS:.*]] = ht.cast %[[PADDING]]
// CHECK:         %[[MASK:.*]] = ht.reshape %[[BITS]] : {{.*}} to tensor<?x1x1x?xi1
// CHECK:         %[[A:.*]] = ht.attention %[[QR]], %[[KR]], %[[K4]] mask %[[MASK]] : {{.*}} scale 5.000000e-01 causal
// CHECK:         %[[A3:.*]] = ht.reshape %[[A]] : {{.*}} to tensor<?x?x16xf32
// CHECK:         %[[O:.*]] = ht.linear %[[A3]]
// CHECK:         %[[R:.*]] = ht.add %[[O]], %[[X]]
// CHECK:         %[[GATE:.*]] = ht.linear %[[R]], %{{.*}} : {{.*}}, tensor<32x16xf32>
// CHECK:         %[[GLU:.*]] = ht.glu silu %[[GATE]], %[[GATE]]
// CHECK:         %[[DOWN:.*]] = ht.linear %[[GLU]], %{{.*}} : {{.*}}, tensor<16x32xf32>
// The output projection is the embedding table as it is: no copy.
// CHECK:         %[[LOGITS:.*]] = ht.linear %[[DOWN]], %[[EMBED]]
// CHECK-NEXT:    return %[[LOGITS]]
func.func @dynamo(%ids: tensor<?x?xi64, #bs>, %padding: tensor<?x?xi64, #bs>) -> tensor<?x?x64xf32, #bs>
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 512>]} {
  %embed = ht.get_weight @embed : tensor<64x16xf32>
  %gamma = ht.get_weight @norm : tensor<16xf32>
  %wq = ht.get_weight @q : tensor<16x16xf32>
  %wkv = ht.get_weight @kv : tensor<16x8xf32>
  %wgate = ht.get_weight @gate : tensor<16x32xf32>
  %wdown = ht.get_weight @down : tensor<32x16xf32>
  %true = ht.constant dense<true> : tensor<i1>
  %zero = ht.constant dense<0.0> : tensor<f32>
  %low = ht.constant dense<-3.40282347E+38> : tensor<f32>
  %two = ht.constant dense<2.0> : tensor<f32>
  %eps = ht.constant dense<1.0e-5> : tensor<f32>
  %scale = ht.constant dense<0.70710678> : tensor<f32>
  %inv = ht.constant dense<[1.0, 0.1]> : tensor<2xf32>
  %x = ht.gather %embed, %ids axis 0 : tensor<64x16xf32>, tensor<?x?xi64, #bs> -> tensor<?x?x16xf32, #bs>
  // The mask: mask[batch_index, kv_index] and causal.
  %m = ht.cast %padding : tensor<?x?xi64, #bs> to tensor<?x?xi1, #bs>
  %ib = ht.iota : tensor<?xi64, #ht.dims<s0>>
  %is = ht.iota : tensor<?xi64, #s>
  %ib4 = ht.reshape %ib : tensor<?xi64, #ht.dims<s0>> to tensor<?x1x1x1xi64, #ht.dims<s0>>
  %iq = ht.reshape %is : tensor<?xi64, #s> to tensor<1x1x?x1xi64, #s>
  %ik = ht.reshape %is : tensor<?xi64, #s> to tensor<1x1x1x?xi64, #s>
  %le = ht.compare le %ik, %iq : tensor<1x1x1x?xi64, #s>, tensor<1x1x?x1xi64, #s> -> tensor<1x1x?x?xi1, #ss>
  %c0 = ht.and %true, %le : tensor<i1>, tensor<1x1x?x?xi1, #ss> -> tensor<1x1x?x?xi1, #ss>
  %bb = ht.broadcast %ib4 : tensor<?x1x1x1xi64, #ht.dims<s0>> to tensor<?x1x1x?xi64, #bs>
  %bk = ht.broadcast %ik : tensor<1x1x1x?xi64, #s> to tensor<?x1x1x?xi64, #bs>
  %b5 = ht.reshape %bb : tensor<?x1x1x?xi64, #bs> to tensor<?x1x1x?x1xi64, #bs>
  %k5 = ht.reshape %bk : tensor<?x1x1x?xi64, #bs> to tensor<?x1x1x?x1xi64, #bs>
  %coordinates = ht.concat %b5, %k5 axis 4 : tensor<?x1x1x?x1xi64, #bs>, tensor<?x1x1x?x1xi64, #bs> -> tensor<?x1x1x?x2xi64, #bs>
  %pad = ht.gather_nd %m, %coordinates : tensor<?x?xi1, #bs>, tensor<?x1x1x?x2xi64, #bs> -> tensor<?x1x1x?xi1, #bs>
  %mask = ht.and %c0, %pad : tensor<1x1x?x?xi1, #ss>, tensor<?x1x1x?xi1, #bs> -> tensor<?x1x?x?xi1, #bss>
  %added = ht.where %mask, %zero, %low : tensor<?x1x?x?xi1, #bss>, tensor<f32>, tensor<f32> -> tensor<?x1x?x?xf32, #bss>
  // The angles.
  %is3 = ht.reshape %is : tensor<?xi64, #s> to tensor<1x?x1xi64, #s>
  %isf = ht.cast %is3 : tensor<1x?x1xi64, #s> to tensor<1x?x1xf32, #s>
  %freqs = ht.mul %isf, %inv : tensor<1x?x1xf32, #s>, tensor<2xf32> -> tensor<1x?x2xf32, #s>
  %angles = ht.concat %freqs, %freqs axis 2 : tensor<1x?x2xf32, #s>, tensor<1x?x2xf32, #s> -> tensor<1x?x4xf32, #s>
  %cos3 = ht.cos %angles : tensor<1x?x4xf32, #s>
  %sin3 = ht.sin %angles : tensor<1x?x4xf32, #s>
  // RMSNorm.
  %square = ht.pow %x, %two : tensor<?x?x16xf32, #bs>, tensor<f32> -> tensor<?x?x16xf32, #bs>
  %mean = ht.reduce mean %square [2] : tensor<?x?x16xf32, #bs> -> tensor<?x?x1xf32, #bs>
  %var = ht.add %mean, %eps : tensor<?x?x1xf32, #bs>, tensor<f32> -> tensor<?x?x1xf32, #bs>
  %sqrt = ht.sqrt %var : tensor<?x?x1xf32, #bs>
  %rsqrt = ht.reciprocal %sqrt : tensor<?x?x1xf32, #bs>
  %xn = ht.mul %x, %rsqrt : tensor<?x?x16xf32, #bs>, tensor<?x?x1xf32, #bs> -> tensor<?x?x16xf32, #bs>
  %y = ht.mul %gamma, %xn : tensor<16xf32>, tensor<?x?x16xf32, #bs> -> tensor<?x?x16xf32, #bs>
  // Projections.
  %q = ht.matmul %y, %wq : tensor<?x?x16xf32, #bs>, tensor<16x16xf32> -> tensor<?x?x16xf32, #bs>
  %q4 = ht.reshape %q : tensor<?x?x16xf32, #bs> to tensor<?x?x4x4xf32, #bs>
  %qt = ht.transpose %q4 [0, 2, 1, 3] : tensor<?x?x4x4xf32, #bs> -> tensor<?x4x?x4xf32, #bs>
  %k = ht.matmul %y, %wkv : tensor<?x?x16xf32, #bs>, tensor<16x8xf32> -> tensor<?x?x8xf32, #bs>
  %k4 = ht.reshape %k : tensor<?x?x8xf32, #bs> to tensor<?x?x2x4xf32, #bs>
  %kt = ht.transpose %k4 [0, 2, 1, 3] : tensor<?x?x2x4xf32, #bs> -> tensor<?x2x?x4xf32, #bs>
  // Rotation.
  %cos = ht.reshape %cos3 : tensor<1x?x4xf32, #s> to tensor<1x1x?x4xf32, #s>
  %sin = ht.reshape %sin3 : tensor<1x?x4xf32, #s> to tensor<1x1x?x4xf32, #s>
  %qc = ht.mul %qt, %cos : tensor<?x4x?x4xf32, #bs>, tensor<1x1x?x4xf32, #s> -> tensor<?x4x?x4xf32, #bs>
  %q1 = ht.slice %qt starts <0, 0, 0, 0> strides [1, 1, 1, 1] : tensor<?x4x?x4xf32, #bs> to tensor<?x4x?x2xf32, #bs>
  %q2 = ht.slice %qt starts <0, 0, 0, 2> strides [1, 1, 1, 1] : tensor<?x4x?x4xf32, #bs> to tensor<?x4x?x2xf32, #bs>
  %qneg = ht.neg %q2 : tensor<?x4x?x2xf32, #bs>
  %qh = ht.concat %qneg, %q1 axis 3 : tensor<?x4x?x2xf32, #bs>, tensor<?x4x?x2xf32, #bs> -> tensor<?x4x?x4xf32, #bs>
  %qs = ht.mul %qh, %sin : tensor<?x4x?x4xf32, #bs>, tensor<1x1x?x4xf32, #s> -> tensor<?x4x?x4xf32, #bs>
  %qr = ht.add %qc, %qs : tensor<?x4x?x4xf32, #bs>, tensor<?x4x?x4xf32, #bs> -> tensor<?x4x?x4xf32, #bs>
  %kc = ht.mul %kt, %cos : tensor<?x2x?x4xf32, #bs>, tensor<1x1x?x4xf32, #s> -> tensor<?x2x?x4xf32, #bs>
  %k1 = ht.slice %kt starts <0, 0, 0, 0> strides [1, 1, 1, 1] : tensor<?x2x?x4xf32, #bs> to tensor<?x2x?x2xf32, #bs>
  %k2 = ht.slice %kt starts <0, 0, 0, 2> strides [1, 1, 1, 1] : tensor<?x2x?x4xf32, #bs> to tensor<?x2x?x2xf32, #bs>
  %kneg = ht.neg %k2 : tensor<?x2x?x2xf32, #bs>
  %kh = ht.concat %kneg, %k1 axis 3 : tensor<?x2x?x2xf32, #bs>, tensor<?x2x?x2xf32, #bs> -> tensor<?x2x?x4xf32, #bs>
  %ks = ht.mul %kh, %sin : tensor<?x2x?x4xf32, #bs>, tensor<1x1x?x4xf32, #s> -> tensor<?x2x?x4xf32, #bs>
  %kr = ht.add %kc, %ks : tensor<?x2x?x4xf32, #bs>, tensor<?x2x?x4xf32, #bs> -> tensor<?x2x?x4xf32, #bs>
  // Each of two heads for two queries. (The values are the unrotated keys here.)
  %kr5 = ht.reshape %kr : tensor<?x2x?x4xf32, #bs> to tensor<?x2x1x?x4xf32, #bs>
  %kw = ht.broadcast %kr5 : tensor<?x2x1x?x4xf32, #bs> to tensor<?x2x2x?x4xf32, #bs>
  %kall = ht.reshape %kw : tensor<?x2x2x?x4xf32, #bs> to tensor<?x4x?x4xf32, #bs>
  %vr5 = ht.reshape %kt : tensor<?x2x?x4xf32, #bs> to tensor<?x2x1x?x4xf32, #bs>
  %vw = ht.broadcast %vr5 : tensor<?x2x1x?x4xf32, #bs> to tensor<?x2x2x?x4xf32, #bs>
  %vall = ht.reshape %vw : tensor<?x2x2x?x4xf32, #bs> to tensor<?x4x?x4xf32, #bs>
  // Transposed as [batch * heads, s, d].
  %kf = ht.reshape %kall : tensor<?x4x?x4xf32, #bs> to tensor<?x?x4xf32, #ht.dims<s0 * 4, s1>>
  %kft = ht.transpose %kf [0, 2, 1] : tensor<?x?x4xf32, #ht.dims<s0 * 4, s1>> -> tensor<?x4x?xf32, #ht.dims<s0 * 4, s1>>
  %kallt = ht.reshape %kft : tensor<?x4x?xf32, #ht.dims<s0 * 4, s1>> to tensor<?x4x4x?xf32, #bs>
  %qscaled = ht.mul %qr, %scale : tensor<?x4x?x4xf32, #bs>, tensor<f32> -> tensor<?x4x?x4xf32, #bs>
  %kscaled = ht.mul %kallt, %scale : tensor<?x4x4x?xf32, #bs>, tensor<f32> -> tensor<?x4x4x?xf32, #bs>
  %scores = ht.matmul %qscaled, %kscaled : tensor<?x4x?x4xf32, #bs>, tensor<?x4x4x?xf32, #bs> -> tensor<?x4x?x?xf32, #bss>
  %masked = ht.add %scores, %added : tensor<?x4x?x?xf32, #bss>, tensor<?x1x?x?xf32, #bss> -> tensor<?x4x?x?xf32, #bss>
  %soft = ht.softmax %masked axis 3 : tensor<?x4x?x?xf32, #bss>
  %isnan = ht.is_nan %soft : tensor<?x4x?x?xf32, #bss> -> tensor<?x4x?x?xi1, #bss>
  %p = ht.where %isnan, %zero, %soft : tensor<?x4x?x?xi1, #bss>, tensor<f32>, tensor<?x4x?x?xf32, #bss> -> tensor<?x4x?x?xf32, #bss>
  %a = ht.matmul %p, %vall : tensor<?x4x?x?xf32, #bss>, tensor<?x4x?x4xf32, #bs> -> tensor<?x4x?x4xf32, #bs>
  %at = ht.transpose %a [0, 2, 1, 3] : tensor<?x4x?x4xf32, #bs> -> tensor<?x?x4x4xf32, #bs>
  %a3 = ht.reshape %at : tensor<?x?x4x4xf32, #bs> to tensor<?x?x16xf32, #bs>
  %o = ht.matmul %a3, %wq : tensor<?x?x16xf32, #bs>, tensor<16x16xf32> -> tensor<?x?x16xf32, #bs>
  %r = ht.add %x, %o : tensor<?x?x16xf32, #bs>, tensor<?x?x16xf32, #bs> -> tensor<?x?x16xf32, #bs>
  // The gated MLP. (The gate is its own up-projection here.)
  %gate = ht.matmul %r, %wgate : tensor<?x?x16xf32, #bs>, tensor<16x32xf32> -> tensor<?x?x32xf32, #bs>
  %sig = ht.sigmoid %gate : tensor<?x?x32xf32, #bs>
  %silu = ht.mul %gate, %sig : tensor<?x?x32xf32, #bs>, tensor<?x?x32xf32, #bs> -> tensor<?x?x32xf32, #bs>
  %glu = ht.mul %silu, %gate : tensor<?x?x32xf32, #bs>, tensor<?x?x32xf32, #bs> -> tensor<?x?x32xf32, #bs>
  %dn = ht.matmul %glu, %wdown : tensor<?x?x32xf32, #bs>, tensor<32x16xf32> -> tensor<?x?x16xf32, #bs>
  %headt = ht.transpose %embed [1, 0] : tensor<64x16xf32> -> tensor<16x64xf32>
  %logits = ht.matmul %dn, %headt : tensor<?x?x16xf32, #bs>, tensor<16x64xf32> -> tensor<?x?x64xf32, #bs>
  return %logits : tensor<?x?x64xf32, #bs>
}
