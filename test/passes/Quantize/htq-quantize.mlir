// RUN: halftone-opt --htq-quantize --split-input-file %s | FileCheck %s

#int8 = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>

// The input is quantized once for all that read it, each weight becomes its leaves,
// and a bias is added after.
// CHECK-NOT:   @q :
// CHECK:       ht.weight @q.codes : tensor<8x4xi8> {
// CHECK-NEXT:    %[[Q:.*]] = ht.load "w" offset 0 : tensor<8x4xf32>
// CHECK-NEXT:    %[[LEAVES:.*]]:2 = htq.dynamic_quantize absmax <i8, blocks [1, ?], scale f32>(%[[Q]]) : (tensor<8x4xf32>) -> (tensor<8x4xi8>, tensor<8x1xf32>)
// CHECK-NEXT:    ht.yield %[[LEAVES]]#0 : tensor<8x4xi8>
// CHECK:       ht.weight @q.scale : tensor<8x1xf32> {
// CHECK:         ht.yield %{{.*}}#1 : tensor<8x1xf32>
// CHECK:       ht.weight @k.codes
// CHECK:       ht.weight @k.scale
// CHECK-LABEL: func.func @shared_input
// CHECK-SAME:    %[[X:.*]]: tensor<2x?x4xf32, #ht.dims<s0>>
// CHECK-NEXT:    %[[CODES:.*]]:2 = htq.dynamic_quantize absmax <i8, blocks [1, 1, ?], scale f32>(%[[X]])
// CHECK-SAME:      -> (tensor<2x?x4xi8, #ht.dims<s0>>, tensor<2x?x1xf32, #ht.dims<s0>>)
// CHECK:         %[[W:.*]] = ht.get_weight @q.codes
// CHECK-NEXT:    %[[S:.*]] = ht.get_weight @q.scale
// CHECK-NEXT:    %[[Y:.*]] = htq.linear affine<i8, blocks [1, 1, ?], scale f32>(%[[CODES]]#0, %[[CODES]]#1) by affine<i8, blocks [1, ?], scale f32>(%[[W]], %[[S]])
// CHECK-NEXT:    ht.add %[[Y]], %{{.*}}
// CHECK-NOT:     htq.dynamic_quantize
// CHECK:         htq.linear {{.*}}(%[[CODES]]#0, %[[CODES]]#1)
ht.weight @q : tensor<8x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<8x4xf32>
  ht.yield %0 : tensor<8x4xf32>
}
ht.weight @k : tensor<8x4xf32> {
  %0 = ht.load "w" offset 128 : tensor<8x4xf32>
  ht.yield %0 : tensor<8x4xf32>
}
ht.weight @b : tensor<8xf32> {
  %0 = ht.load "w" offset 256 : tensor<8xf32>
  ht.yield %0 : tensor<8xf32>
}
func.func @shared_input(%x: tensor<2x?x4xf32, #ht.dims<s0>>) -> (tensor<2x?x8xf32, #ht.dims<s0>>, tensor<2x?x8xf32, #ht.dims<s0>>)
    attributes {ht.symbols = [#ht.symbol<"rows", 1, 8>]} {
  %q = ht.get_weight @q : tensor<8x4xf32>
  %k = ht.get_weight @k : tensor<8x4xf32>
  %b = ht.get_weight @b : tensor<8xf32>
  %0 = ht.linear %x, %q bias %b {htq.weights = #int8, htq.activations = #int8} : tensor<2x?x4xf32, #ht.dims<s0>>, tensor<8x4xf32>, tensor<8xf32> -> tensor<2x?x8xf32, #ht.dims<s0>>
  %1 = ht.linear %x, %k {htq.weights = #int8, htq.activations = #int8} : tensor<2x?x4xf32, #ht.dims<s0>>, tensor<8x4xf32> -> tensor<2x?x8xf32, #ht.dims<s0>>
  return %0, %1 : tensor<2x?x8xf32, #ht.dims<s0>>, tensor<2x?x8xf32, #ht.dims<s0>>
}

// -----

// A format of weights alone reads the input as it is. All codebooks are one weight.
// CHECK:       ht.weight @w.codes : tensor<8x4xui4> {
// CHECK:         %[[BOOK:.*]] = ht.constant dense<[-1.000000e+00, 0.000000e+00, 1.000000e+00]> : tensor<3xf32>
// CHECK:         htq.dynamic_quantize absmax <lookup<ui4, codebook f32>, blocks [1, 2], scale affine<i8, blocks [1, ?], scale f32>>(%{{.*}}, %[[BOOK]])
// CHECK:       ht.weight @codebook : tensor<3xf32> {
// CHECK:       ht.weight @w.scale.codes : tensor<8x2xi8> {
// CHECK:       ht.weight @w.scale.scale : tensor<8x1xf32> {
// CHECK:       ht.weight @v.codes
// CHECK-NOT:   ht.weight @codebook
// CHECK-LABEL: func.func @codebook_of_levels
// CHECK:         htq.linear f32(%{{.*}}) by affine<lookup<ui4, codebook f32>, blocks [1, 2], scale affine<i8, blocks [1, ?], scale f32>>(
#levels = #htq.format<absmax affine<lookup<ui4, codebook f32>, blocks [1, 2], scale affine<i8, blocks [1, ?], scale f32>>
    codebook dense<[-1.0, 0.0, 1.0]> : tensor<3xf32>>
ht.weight @w : tensor<8x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<8x4xf32>
  ht.yield %0 : tensor<8x4xf32>
}
ht.weight @v : tensor<8x8xf32> {
  %0 = ht.load "w" offset 128 : tensor<8x8xf32>
  ht.yield %0 : tensor<8x8xf32>
}
func.func @codebook_of_levels(%x: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %w = ht.get_weight @w : tensor<8x4xf32>
  %v = ht.get_weight @v : tensor<8x8xf32>
  %0 = ht.linear %x, %w {htq.weights = #levels} : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %1 = ht.linear %0, %v {htq.weights = #levels} : tensor<3x8xf32>, tensor<8x8xf32> -> tensor<3x8xf32>
  return %1 : tensor<3x8xf32>
}

// -----

// A float is a cast; a linear of f32 by it stays, and so does the weight's name.
// CHECK:       ht.weight @w : tensor<8x4xbf16> {
// CHECK-NEXT:    %[[LOADED:.*]] = ht.load "w" offset 0 : tensor<8x4xf32>
// CHECK-NEXT:    %[[ROUNDED:.*]] = ht.cast %[[LOADED]] : tensor<8x4xf32> to tensor<8x4xbf16>
// CHECK-NEXT:    ht.yield %[[ROUNDED]]
// CHECK-LABEL: func.func @floats
// CHECK:         %[[W:.*]] = ht.get_weight @w : tensor<8x4xbf16>
// CHECK:         ht.linear %{{.*}}, %[[W]] : tensor<3x4xf32>, tensor<8x4xbf16> -> tensor<3x8xf32>
// CHECK:         %[[X:.*]] = ht.cast %{{.*}} : tensor<3x8xf32> to tensor<3x8xbf16>
// CHECK:         htq.linear bf16(%[[X]]) by bf16(%{{.*}}) : (tensor<3x8xbf16>) by (tensor<8x8xbf16>) -> tensor<3x8xf32>
ht.weight @w : tensor<8x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<8x4xf32>
  ht.yield %0 : tensor<8x4xf32>
}
ht.weight @v : tensor<8x8xbf16> {
  %0 = ht.load "w" offset 128 : tensor<8x8xbf16>
  ht.yield %0 : tensor<8x8xbf16>
}
func.func @floats(%x: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %w = ht.get_weight @w : tensor<8x4xf32>
  %v = ht.get_weight @v : tensor<8x8xbf16>
  %0 = ht.linear %x, %w {htq.weights = #htq.format<bf16>} : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %1 = ht.linear %0, %v {htq.activations = #htq.format<bf16>} : tensor<3x8xf32>, tensor<8x8xbf16> -> tensor<3x8xf32>
  return %1 : tensor<3x8xf32>
}

// -----

// A weight that has a reader without a format stays beside its leaves. Rows of a table
// are gathered from each leaf.
// CHECK:       ht.weight @table.codes : tensor<8x4xi8>
// CHECK:       ht.weight @table.scale : tensor<8x2xf16>
// CHECK:       ht.weight @table : tensor<8x4xf32>
// CHECK-LABEL: func.func @table_rows
// CHECK:         %[[T:.*]] = ht.get_weight @table.codes
// CHECK:         %[[S:.*]] = ht.get_weight @table.scale
// CHECK:         %[[CODES:.*]] = ht.gather %[[T]], %[[IDS:.*]] axis 0 : tensor<8x4xi8>, tensor<2x3xi64> -> tensor<2x3x4xi8>
// CHECK:         %[[SCALE:.*]] = ht.gather %[[S]], %[[IDS]] axis 0 : tensor<8x2xf16>, tensor<2x3xi64> -> tensor<2x3x2xf16>
// CHECK:         htq.dequantize #htq.affine<i8, blocks [1, 1, 2], scale f16>(%[[CODES]], %[[SCALE]])
// CHECK:         ht.linear
ht.weight @table : tensor<8x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<8x4xf32>
  ht.yield %0 : tensor<8x4xf32>
}
func.func @table_rows(%ids: tensor<2x3xi64>) -> tensor<2x3x8xf32> {
  %table = ht.get_weight @table : tensor<8x4xf32>
  %0 = ht.embedding %table, %ids {htq.weights = #htq.format<absmax affine<i8, blocks [1, 2], scale f16>>} : tensor<8x4xf32>, tensor<2x3xi64> -> tensor<2x3x4xf32>
  %1 = ht.linear %0, %table : tensor<2x3x4xf32>, tensor<8x4xf32> -> tensor<2x3x8xf32>
  return %1 : tensor<2x3x8xf32>
}

// -----

// Leaves of the model file are read in the weight's axes; a scale for all rows is
// repeated for each. Nothing is rounded.
// CHECK:       ht.weight @blocks.codes : tensor<8x4xui4> {
// CHECK-NEXT:    %[[CODES:.*]] = ht.load "w" offset 0 : tensor<4x8xui4>
// CHECK-NEXT:    %[[TURNED:.*]] = ht.transpose %[[CODES]] [1, 0] : tensor<4x8xui4> -> tensor<8x4xui4>
// CHECK-NEXT:    ht.yield %[[TURNED]]
// CHECK:       ht.weight @blocks.scale : tensor<8x2xf16> {
// CHECK:       ht.weight @blocks.zero : tensor<8x2xui4> {
// CHECK:       ht.weight @whole.codes : tensor<8x8xi8> {
// CHECK-NEXT:    %[[CODES:.*]] = ht.load "w" offset 64 : tensor<8x8xi8>
// CHECK-NEXT:    ht.yield %[[CODES]]
// CHECK:       ht.weight @whole.scale : tensor<8x1xf32> {
// CHECK-NEXT:    %[[SCALE:.*]] = ht.load "w" offset 128 : tensor<1x1xf32>
// CHECK-NEXT:    %[[EACH:.*]] = ht.broadcast %[[SCALE]] : tensor<1x1xf32> to tensor<8x1xf32>
// CHECK-NEXT:    ht.yield %[[EACH]]
// CHECK-LABEL: func.func @imported
// CHECK:         htq.linear f32(%{{.*}}) by affine<ui4, blocks [1, 2], scale f16, zero ui4>(
// CHECK:         htq.linear f32(%{{.*}}) by affine<i8, blocks [1, ?], scale f32>(
ht.weight @blocks : tensor<8x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<4x8xui4>
  %1 = ht.load "w" offset 16 : tensor<2x8xf16>
  %2 = ht.load "w" offset 48 : tensor<2x8xui4>
  %3 = htq.dequantize #htq.affine<ui4, blocks [2, 1], scale f16, zero ui4>(%0, %1, %2)
      : (tensor<4x8xui4>, tensor<2x8xf16>, tensor<2x8xui4>) -> tensor<4x8xf32>
  %4 = ht.transpose %3 [1, 0] : tensor<4x8xf32> -> tensor<8x4xf32>
  ht.yield %4 : tensor<8x4xf32>
}
ht.weight @whole : tensor<8x8xf32> {
  %0 = ht.load "w" offset 64 : tensor<8x8xi8>
  %1 = ht.load "w" offset 128 : tensor<1x1xf32>
  %2 = htq.dequantize #htq.affine<i8, blocks [?, ?], scale f32>(%0, %1)
      : (tensor<8x8xi8>, tensor<1x1xf32>) -> tensor<8x8xf32>
  ht.yield %2 : tensor<8x8xf32>
}
func.func @imported(%x: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %a = ht.get_weight @blocks : tensor<8x4xf32>
  %b = ht.get_weight @whole : tensor<8x8xf32>
  %0 = ht.linear %x, %a {htq.weights = #htq.format<affine<ui4, blocks [1, 2], scale f16, zero ui4>>} : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %1 = ht.linear %0, %b {htq.weights = #htq.format<affine<i8, blocks [1, ?], scale f32>>} : tensor<3x8xf32>, tensor<8x8xf32> -> tensor<3x8xf32>
  return %1 : tensor<3x8xf32>
}

// -----

// q, k and v of attention are cast beside what makes them, once, before views; its result is f32 where
// something reads that, and bf16 where that is what all linears behind it would round it to.
// CHECK-LABEL: func.func @attention
// CHECK-SAME:    %[[X:.*]]: tensor<2x3x32xf32>
// CHECK-NEXT:    %[[N:.*]] = ht.cast %[[X]] : tensor<2x3x32xf32> to tensor<2x3x32xbf16>
// CHECK-NEXT:    %[[H:.*]] = ht.reshape %[[N]] {{.*}}tensor<2x3x4x8xbf16>
// CHECK-NEXT:    %[[FIRST:.*]] = ht.attention %[[H]], %[[H]], %[[H]] {{.*}} -> tensor<2x3x4x8xf32>
// CHECK-NEXT:    %[[Q:.*]] = ht.cast %[[FIRST]] : tensor<2x3x4x8xf32> to tensor<2x3x4x8xbf16>
// CHECK-NEXT:    %[[SECOND:.*]] = ht.attention %[[Q]], %[[H]], %[[H]] {{.*}} -> tensor<2x3x4x8xbf16>
// CHECK-NOT:     ht.cast
// CHECK:         %[[ROWS:.*]] = ht.reshape %[[SECOND]] {{.*}}tensor<2x3x32xbf16>
// CHECK-NOT:     ht.cast
// CHECK:         htq.linear bf16(%[[ROWS]])
#bf16 = #htq.format<bf16>
ht.weight @w : tensor<8x32xf32> {
  %0 = ht.load "w" offset 0 : tensor<8x32xf32>
  ht.yield %0 : tensor<8x32xf32>
}
!x = tensor<2x3x32xf32>
!h = tensor<2x3x4x8xf32>
func.func @attention(%x: !x) -> (!h, tensor<2x3x8xf32>) {
  %w = ht.get_weight @w : tensor<8x32xf32>
  %h = ht.reshape %x : !x to !h
  %0 = ht.attention %h, %h, %h scale 0.5 {htq.activations = #bf16} : !h, !h, !h -> !h
  %1 = ht.attention %0, %h, %h scale 0.5 {htq.activations = #bf16} : !h, !h, !h -> !h
  %2 = ht.reshape %1 : !h to !x
  %3 = ht.linear %2, %w {htq.weights = #bf16, htq.activations = #bf16} : !x, tensor<8x32xf32> -> tensor<2x3x8xf32>
  return %0, %3 : !h, tensor<2x3x8xf32>
}
