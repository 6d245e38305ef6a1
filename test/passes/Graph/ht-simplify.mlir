// RUN: halftone-opt --ht-simplify --split-input-file %s | FileCheck %s

#b = #ht.dims<s0>
#s = #ht.dims<s1>
#bs = #ht.dims<s0, s1>

// CHECK-LABEL: func.func @broadcast_sinks
// CHECK-SAME:    (%[[X:.*]]: tensor<1x4xf32>, %[[Y:.*]]: tensor<3x4xf32>)
// CHECK-NEXT:    %[[EXP:.*]] = ht.exp %[[X]] : tensor<1x4xf32>
// CHECK-NEXT:    %[[SUM:.*]] = ht.add %[[EXP]], %[[Y]] : tensor<1x4xf32>, tensor<3x4xf32>
// CHECK-NEXT:    return %[[SUM]]
func.func @broadcast_sinks(%x: tensor<1x4xf32>, %y: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = ht.broadcast %x : tensor<1x4xf32> to tensor<3x4xf32>
  %1 = ht.exp %0 : tensor<3x4xf32>
  %2 = ht.add %1, %y : tensor<3x4xf32>, tensor<3x4xf32> -> tensor<3x4xf32>
  return %2 : tensor<3x4xf32>
}

// -----

// A broadcast that a movement reads stays: it is what gets moved.
// CHECK-LABEL: func.func @broadcast_stays
// CHECK:         %[[WIDE:.*]] = ht.broadcast
// CHECK-NEXT:    ht.transpose %[[WIDE]]
func.func @broadcast_stays(%x: tensor<1x4xf32>) -> tensor<4x3xf32> {
  %0 = ht.broadcast %x : tensor<1x4xf32> to tensor<3x4xf32>
  %1 = ht.transpose %0 [1, 0] : tensor<3x4xf32> -> tensor<4x3xf32>
  return %1 : tensor<4x3xf32>
}

// -----

// The axes of a matmul that are multiplied are no batch axes.
// CHECK-LABEL: func.func @matmul_broadcast
// CHECK-SAME:    (%[[X:.*]]: tensor<2x3x4xf32>, %[[Y:.*]]: tensor<1x4x5xf32>, %[[Z:.*]]: tensor<2x1x4xf32>)
// CHECK:         ht.matmul %[[X]], %[[Y]]
// CHECK:         %[[ROWS:.*]] = ht.broadcast %[[Z]]
// CHECK:         ht.matmul %[[ROWS]], %[[Y]]
func.func @matmul_broadcast(%x: tensor<2x3x4xf32>, %y: tensor<1x4x5xf32>, %z: tensor<2x1x4xf32>)
    -> (tensor<2x3x5xf32>, tensor<2x3x5xf32>) {
  %0 = ht.broadcast %y : tensor<1x4x5xf32> to tensor<2x4x5xf32>
  %1 = ht.matmul %x, %0 : tensor<2x3x4xf32>, tensor<2x4x5xf32> -> tensor<2x3x5xf32>
  %2 = ht.broadcast %z : tensor<2x1x4xf32> to tensor<2x3x4xf32>
  %3 = ht.matmul %2, %y : tensor<2x3x4xf32>, tensor<1x4x5xf32> -> tensor<2x3x5xf32>
  return %1, %3 : tensor<2x3x5xf32>, tensor<2x3x5xf32>
}

// -----

#b = #ht.dims<s0>
#s = #ht.dims<s1>
#bs = #ht.dims<s0, s1>

// mask.flatten()[batch * S + position], from TorchScript.
// CHECK-LABEL: func.func @flat_gather
// CHECK-SAME:    (%[[MASK:.*]]: tensor<?x?xi1{{.*}}>)
// CHECK:         %[[Y:.*]] = ht.reshape %{{.*}} to tensor<?x1x1x?x1xi1
// CHECK:         return %[[Y]]
func.func @flat_gather(%mask: tensor<?x?xi1, #bs>) -> tensor<?x1x1x?x1xi1, #bs>
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 512>]} {
  %b = ht.iota : tensor<?xi64, #b>
  %s = ht.iota : tensor<?xi64, #s>
  %b4 = ht.reshape %b : tensor<?xi64, #b> to tensor<?x1x1x1xi64, #b>
  %s4 = ht.reshape %s : tensor<?xi64, #s> to tensor<1x1x1x?xi64, #s>
  %size = ht.dim <s1> : tensor<i64>
  %start = ht.mul %b4, %size : tensor<?x1x1x1xi64, #b>, tensor<i64> -> tensor<?x1x1x1xi64, #b>
  %index = ht.add %s4, %start : tensor<1x1x1x?xi64, #s>, tensor<?x1x1x1xi64, #b> -> tensor<?x1x1x?xi64, #bs>
  %flat = ht.reshape %mask : tensor<?x?xi1, #bs> to tensor<?x1xi1, #ht.dims<s0 * s1>>
  %0 = ht.gather %flat, %index axis 0 : tensor<?x1xi1, #ht.dims<s0 * s1>>, tensor<?x1x1x?xi64, #bs> -> tensor<?x1x1x?x1xi1, #bs>
  return %0 : tensor<?x1x1x?x1xi1, #bs>
}

// -----

#b = #ht.dims<s0>
#s = #ht.dims<s1>
#bs = #ht.dims<s0, s1>

// Near miss: position * B + batch is the transposed order.
// CHECK-LABEL: func.func @flat_gather_of_columns
// CHECK:         ht.gather
func.func @flat_gather_of_columns(%mask: tensor<?x1xi1, #ht.dims<s0 * s1>>) -> tensor<?x?x1xi1, #bs>
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 512>]} {
  %b = ht.iota : tensor<?xi64, #b>
  %s = ht.iota : tensor<?xi64, #s>
  %b2 = ht.reshape %b : tensor<?xi64, #b> to tensor<?x1xi64, #b>
  %size = ht.dim <s0> : tensor<i64>
  %start = ht.mul %s, %size : tensor<?xi64, #s>, tensor<i64> -> tensor<?xi64, #s>
  %index = ht.add %b2, %start : tensor<?x1xi64, #b>, tensor<?xi64, #s> -> tensor<?x?xi64, #bs>
  %0 = ht.gather %mask, %index axis 0 : tensor<?x1xi1, #ht.dims<s0 * s1>>, tensor<?x?xi64, #bs> -> tensor<?x?x1xi1, #bs>
  return %0 : tensor<?x?x1xi1, #bs>
}

// -----

#b = #ht.dims<s0>
#s = #ht.dims<s1>
#bs = #ht.dims<s0, s1>

// mask[batch_index, position], from dynamo.
// CHECK-LABEL: func.func @coordinates
// CHECK-SAME:    (%[[MASK:.*]]: tensor<?x?xi1{{.*}}>)
// CHECK:         %[[Y:.*]] = ht.reshape %[[MASK]] : {{.*}} to tensor<?x1x1x?xi1
// CHECK:         return %[[Y]]
func.func @coordinates(%mask: tensor<?x?xi1, #bs>) -> tensor<?x1x1x?xi1, #bs>
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 512>]} {
  %b = ht.iota : tensor<?xi64, #b>
  %s = ht.iota : tensor<?xi64, #s>
  %b5 = ht.reshape %b : tensor<?xi64, #b> to tensor<?x1x1x1x1xi64, #b>
  %s5 = ht.reshape %s : tensor<?xi64, #s> to tensor<1x1x1x?x1xi64, #s>
  %bw = ht.broadcast %b5 : tensor<?x1x1x1x1xi64, #b> to tensor<?x1x1x?x1xi64, #bs>
  %sw = ht.broadcast %s5 : tensor<1x1x1x?x1xi64, #s> to tensor<?x1x1x?x1xi64, #bs>
  %index = ht.concat %bw, %sw axis 4 : tensor<?x1x1x?x1xi64, #bs>, tensor<?x1x1x?x1xi64, #bs> -> tensor<?x1x1x?x2xi64, #bs>
  %0 = ht.gather_nd %mask, %index : tensor<?x?xi1, #bs>, tensor<?x1x1x?x2xi64, #bs> -> tensor<?x1x1x?xi1, #bs>
  return %0 : tensor<?x1x1x?xi1, #bs>
}

// -----

// Near miss: the first column starts at 1.
// CHECK-LABEL: func.func @shifted_coordinates
// CHECK:         ht.gather_nd
func.func @shifted_coordinates(%x: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %i = ht.iota {start = 1 : i64} : tensor<2xi64>
  %j = ht.iota : tensor<4xi64>
  %i3 = ht.reshape %i : tensor<2xi64> to tensor<2x1x1xi64>
  %j3 = ht.reshape %j : tensor<4xi64> to tensor<1x4x1xi64>
  %iw = ht.broadcast %i3 : tensor<2x1x1xi64> to tensor<2x4x1xi64>
  %jw = ht.broadcast %j3 : tensor<1x4x1xi64> to tensor<2x4x1xi64>
  %index = ht.concat %iw, %jw axis 2 : tensor<2x4x1xi64>, tensor<2x4x1xi64> -> tensor<2x4x2xi64>
  %0 = ht.gather_nd %x, %index : tensor<3x4xf32>, tensor<2x4x2xi64> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

#s = #ht.dims<s0>

// Positions are never negative; the broadcast `true` folds into its user.
// CHECK-LABEL: func.func @always_true
// CHECK-SAME:    (%[[MASK:.*]]: tensor<?xi1{{.*}}>)
// CHECK-NEXT:    return %[[MASK]]
func.func @always_true(%mask: tensor<?xi1, #s>) -> tensor<?xi1, #s>
    attributes {ht.symbols = [#ht.symbol<"sequence", 1, 512>]} {
  %zero = ht.constant dense<0> : tensor<i64>
  %s = ht.iota : tensor<?xi64, #s>
  %0 = ht.compare ge %s, %zero : tensor<?xi64, #s>, tensor<i64> -> tensor<?xi1, #s>
  %1 = ht.and %0, %mask : tensor<?xi1, #s>, tensor<?xi1, #s> -> tensor<?xi1, #s>
  return %1 : tensor<?xi1, #s>
}

// -----

#s = #ht.dims<s0>

// Near miss: position 0 is not greater than 0.
// CHECK-LABEL: func.func @not_always_true
// CHECK:         ht.compare gt
func.func @not_always_true() -> tensor<?xi1, #s> attributes {ht.symbols = [#ht.symbol<"sequence", 1, 512>]} {
  %zero = ht.constant dense<0> : tensor<i64>
  %s = ht.iota : tensor<?xi64, #s>
  %0 = ht.compare gt %s, %zero : tensor<?xi64, #s>, tensor<i64> -> tensor<?xi1, #s>
  return %0 : tensor<?xi1, #s>
}

// -----

// CHECK-LABEL: func.func @causal_is_kept
// CHECK:         ht.compare le
func.func @causal_is_kept() -> tensor<4x4xi1> {
  %i = ht.iota : tensor<4xi64>
  %column = ht.reshape %i : tensor<4xi64> to tensor<4x1xi64>
  %0 = ht.compare le %i, %column : tensor<4xi64>, tensor<4x1xi64> -> tensor<4x4xi1>
  return %0 : tensor<4x4xi1>
}

// -----

#s = #ht.dims<s0>

// Position ids as a table.
// CHECK-LABEL: func.func @position_table
// CHECK:         %[[IOTA:.*]] = ht.iota {start = 2 : i64} : tensor<?xi64
func.func @position_table() -> tensor<1x?xi64, #s> attributes {ht.symbols = [#ht.symbol<"sequence", 1, 10>]} {
  %table = ht.constant dense<[[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]> : tensor<1x12xi64>
  %0 = ht.slice %table starts <0, 2> strides [1, 1] : tensor<1x12xi64> to tensor<1x?xi64, #s>
  return %0 : tensor<1x?xi64, #s>
}

// -----

// CHECK-LABEL: func.func @bits
// CHECK-SAME:    (%[[M:.*]]: tensor<4xi64>, %[[B:.*]]: tensor<4xi1>)
// CHECK-NEXT:    %[[BIT:.*]] = ht.cast %[[M]] : tensor<4xi64> to tensor<4xi1>
// CHECK-NEXT:    %[[SAME:.*]] = ht.cast %[[M]] : tensor<4xi64> to tensor<4xi1>
// CHECK-NEXT:    %[[NOT:.*]] = ht.not %[[SAME]]
// CHECK-NEXT:    return %[[BIT]], %[[NOT]], %[[B]]
func.func @bits(%m: tensor<4xi64>, %b: tensor<4xi1>) -> (tensor<4xi1>, tensor<4xi1>, tensor<4xi1>) {
  %zero = ht.constant dense<0> : tensor<i64>
  %half = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.compare ne %m, %zero : tensor<4xi64>, tensor<i64> -> tensor<4xi1>
  %1 = ht.compare eq %m, %zero : tensor<4xi64>, tensor<i64> -> tensor<4xi1>
  %f = ht.cast %b : tensor<4xi1> to tensor<4xf32>
  %2 = ht.compare gt %f, %half : tensor<4xf32>, tensor<f32> -> tensor<4xi1>
  return %0, %1, %2 : tensor<4xi1>, tensor<4xi1>, tensor<4xi1>
}

// -----

// Near miss: x == 1 says more than "not 0" of an integer.
// CHECK-LABEL: func.func @equals_one
// CHECK:         ht.compare eq
func.func @equals_one(%m: tensor<4xi64>) -> tensor<4xi1> {
  %one = ht.constant dense<1> : tensor<i64>
  %0 = ht.compare eq %m, %one : tensor<4xi64>, tensor<i64> -> tensor<4xi1>
  return %0 : tensor<4xi1>
}

// -----

// CHECK-LABEL: func.func @unit_transpose
// CHECK-SAME:    (%[[X:.*]]: tensor<2x1x3xf32>)
// CHECK-NEXT:    ht.reshape %[[X]] : tensor<2x1x3xf32> to tensor<1x2x3xf32>
func.func @unit_transpose(%x: tensor<2x1x3xf32>) -> tensor<1x2x3xf32> {
  %0 = ht.transpose %x [1, 0, 2] : tensor<2x1x3xf32> -> tensor<1x2x3xf32>
  return %0 : tensor<1x2x3xf32>
}

// -----

#b = #ht.dims<s0, s1>

// [b, h, s, d] transposed as [b * h, s, d].
// CHECK-LABEL: func.func @merged_transpose
// CHECK-SAME:    (%[[X:.*]]: tensor<?x2x?x8xf32{{.*}}>)
// CHECK-NEXT:    %[[Y:.*]] = ht.transpose %[[X]] [0, 1, 3, 2]
// CHECK-NEXT:    return %[[Y]]
func.func @merged_transpose(%x: tensor<?x2x?x8xf32, #b>) -> tensor<?x2x8x?xf32, #b>
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 512>]} {
  %0 = ht.reshape %x : tensor<?x2x?x8xf32, #b> to tensor<?x?x8xf32, #ht.dims<s0 * 2, s1>>
  %1 = ht.transpose %0 [0, 2, 1] : tensor<?x?x8xf32, #ht.dims<s0 * 2, s1>> -> tensor<?x8x?xf32, #ht.dims<s0 * 2, s1>>
  %2 = ht.reshape %1 : tensor<?x8x?xf32, #ht.dims<s0 * 2, s1>> to tensor<?x2x8x?xf32, #b>
  return %2 : tensor<?x2x8x?xf32, #b>
}

// -----

// Near miss: the second reshape mixes what the transpose moved, which stays before it.
// CHECK-LABEL: func.func @mixed_reshape
// CHECK-NEXT:    ht.transpose {{.*}} [0, 1, 3, 2]
// CHECK-NEXT:    ht.reshape {{.*}} to tensor<6x20xf32>
func.func @mixed_reshape(%x: tensor<2x3x4x5xf32>) -> tensor<6x20xf32> {
  %0 = ht.reshape %x : tensor<2x3x4x5xf32> to tensor<6x4x5xf32>
  %1 = ht.transpose %0 [0, 2, 1] : tensor<6x4x5xf32> -> tensor<6x5x4xf32>
  %2 = ht.reshape %1 : tensor<6x5x4xf32> to tensor<6x20xf32>
  return %2 : tensor<6x20xf32>
}

// -----

// CHECK-LABEL: func.func @powers
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>)
// CHECK-DAG:     %[[ROOT:.*]] = ht.rsqrt %[[X]]
// CHECK-DAG:     %[[POWER:.*]] = ht.rsqrt %[[X]]
// CHECK-DAG:     %[[SQUARE:.*]] = ht.mul %[[X]], %[[X]]
// CHECK-DAG:     %[[CUBE:.*]] = ht.pow %[[X]]
func.func @powers(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %one = ht.constant dense<1.0> : tensor<f32>
  %minus_half = ht.constant dense<-0.5> : tensor<f32>
  %two = ht.constant dense<2.0> : tensor<f32>
  %three = ht.constant dense<3.0> : tensor<f32>
  %0 = ht.sqrt %x : tensor<4xf32>
  %1 = ht.div %one, %0 : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %2 = ht.pow %x, %minus_half : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %3 = ht.pow %x, %two : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %4 = ht.pow %x, %three : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  return %1, %2, %3, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

#b = #ht.dims<s0, s1>
#rows = #ht.dims<s0 * s1>

// Rows flattened for a matmul (OPT): flatten sinks, unflatten hoists, and they meet.
// CHECK-LABEL: func.func @flattened_rows
// CHECK-SAME:    (%[[X:.*]]: tensor<?x?x4xf32{{.*}}>, %[[W:.*]]: tensor<4x4xf32>, %[[B:.*]]: tensor<4xf32>)
// CHECK-NEXT:    %[[PRODUCT:.*]] = ht.matmul %[[X]], %[[W]] : tensor<?x?x4xf32
// CHECK-NEXT:    %[[BIASED:.*]] = ht.add %[[PRODUCT]], %[[B]]
// CHECK-NEXT:    %[[RELU:.*]] = ht.relu %[[BIASED]]
// CHECK-NEXT:    %[[Y:.*]] = ht.add %[[RELU]], %[[X]]
// CHECK-NEXT:    return %[[Y]]
func.func @flattened_rows(%x: tensor<?x?x4xf32, #b>, %w: tensor<4x4xf32>, %bias: tensor<4xf32>) -> tensor<?x?x4xf32, #b>
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 512>]} {
  %0 = ht.reshape %x : tensor<?x?x4xf32, #b> to tensor<?x4xf32, #rows>
  %1 = ht.matmul %0, %w : tensor<?x4xf32, #rows>, tensor<4x4xf32> -> tensor<?x4xf32, #rows>
  %2 = ht.add %1, %bias : tensor<?x4xf32, #rows>, tensor<4xf32> -> tensor<?x4xf32, #rows>
  %3 = ht.relu %2 : tensor<?x4xf32, #rows>
  %4 = ht.add %3, %0 : tensor<?x4xf32, #rows>, tensor<?x4xf32, #rows> -> tensor<?x4xf32, #rows>
  %5 = ht.reshape %4 : tensor<?x4xf32, #rows> to tensor<?x?x4xf32, #b>
  return %5 : tensor<?x?x4xf32, #b>
}

// -----

// Near miss: the two were flattened from different shapes.
// CHECK-LABEL: func.func @flattened_differently
// CHECK:         ht.add %{{.*}}, %{{.*}} : tensor<6x4xf32>, tensor<6x4xf32>
func.func @flattened_differently(%x: tensor<2x3x4xf32>, %y: tensor<3x2x4xf32>) -> tensor<6x4xf32> {
  %0 = ht.reshape %x : tensor<2x3x4xf32> to tensor<6x4xf32>
  %1 = ht.reshape %y : tensor<3x2x4xf32> to tensor<6x4xf32>
  %2 = ht.add %0, %1 : tensor<6x4xf32>, tensor<6x4xf32> -> tensor<6x4xf32>
  return %2 : tensor<6x4xf32>
}

// -----

// The query's scale, applied before the heads are split.
// CHECK-LABEL: func.func @scale_sinks
// CHECK-SAME:    (%[[X:.*]]: tensor<2x5x8xf32>)
// CHECK:         %[[SPLIT:.*]] = ht.reshape %[[X]]
// CHECK-NEXT:    %[[TURNED:.*]] = ht.transpose %[[SPLIT]]
// CHECK-NEXT:    %[[SCALED:.*]] = ht.mul %[[TURNED]], %{{.*}}
// CHECK-NEXT:    return %[[SCALED]]
func.func @scale_sinks(%x: tensor<2x5x8xf32>) -> tensor<2x2x5x4xf32> {
  %half = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.mul %x, %half : tensor<2x5x8xf32>, tensor<f32> -> tensor<2x5x8xf32>
  %1 = ht.reshape %0 : tensor<2x5x8xf32> to tensor<2x5x2x4xf32>
  %2 = ht.transpose %1 [0, 2, 1, 3] : tensor<2x5x2x4xf32> -> tensor<2x2x5x4xf32>
  return %2 : tensor<2x2x5x4xf32>
}

// -----

// Near miss: a product keeps its factor (the half of gelu).
// CHECK-LABEL: func.func @scale_of_product
// CHECK:         %[[PRODUCT:.*]] = ht.mul
// CHECK:         %[[SCALED:.*]] = ht.mul %[[PRODUCT]],
// CHECK:         ht.transpose %[[SCALED]]
func.func @scale_of_product(%x: tensor<2x8xf32>, %y: tensor<2x8xf32>) -> tensor<8x2xf32> {
  %half = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.mul %x, %y : tensor<2x8xf32>, tensor<2x8xf32> -> tensor<2x8xf32>
  %1 = ht.mul %0, %half : tensor<2x8xf32>, tensor<f32> -> tensor<2x8xf32>
  %2 = ht.transpose %1 [1, 0] : tensor<2x8xf32> -> tensor<8x2xf32>
  return %2 : tensor<8x2xf32>
}

// -----

// Near miss: the scaled tensor has another reader, for which it would be computed twice.
// CHECK-LABEL: func.func @scale_stays
// CHECK:         %[[SCALED:.*]] = ht.mul
// CHECK-NEXT:    ht.reshape %[[SCALED]]
func.func @scale_stays(%x: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<4x4xf32>) {
  %half = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.mul %x, %half : tensor<2x8xf32>, tensor<f32> -> tensor<2x8xf32>
  %1 = ht.reshape %0 : tensor<2x8xf32> to tensor<4x4xf32>
  return %0, %1 : tensor<2x8xf32>, tensor<4x4xf32>
}

// -----

// One transpose, then a split (GPT-NeoX): only the part that is turned back loses both.
// CHECK-LABEL: func.func @split_after_transpose
// CHECK-SAME:    (%[[X:.*]]: tensor<2x5x3x8xf32>)
// CHECK-DAG:     %[[BACK:.*]] = ht.slice %[[X]] starts <0, 0, 0, 4> {{.*}} : tensor<2x5x3x8xf32> to tensor<2x5x3x4xf32>
// CHECK-DAG:     %[[TURNED:.*]] = ht.transpose %[[X]] [0, 2, 1, 3]
// CHECK-DAG:     %[[STAYS:.*]] = ht.slice %[[TURNED]]
// CHECK:         return %[[BACK]], %[[STAYS]]
func.func @split_after_transpose(%x: tensor<2x5x3x8xf32>) -> (tensor<2x5x3x4xf32>, tensor<2x3x5x4xf32>) {
  %0 = ht.transpose %x [0, 2, 1, 3] : tensor<2x5x3x8xf32> -> tensor<2x3x5x8xf32>
  %1 = ht.slice %0 starts <0, 0, 0, 4> strides [1, 1, 1, 1] : tensor<2x3x5x8xf32> to tensor<2x3x5x4xf32>
  %2 = ht.transpose %1 [0, 2, 1, 3] : tensor<2x3x5x4xf32> -> tensor<2x5x3x4xf32>
  %3 = ht.slice %0 starts <0, 0, 0, 0> strides [1, 1, 1, 1] : tensor<2x3x5x8xf32> to tensor<2x3x5x4xf32>
  return %2, %3 : tensor<2x5x3x4xf32>, tensor<2x3x5x4xf32>
}

// -----

// CHECK-LABEL: func.func @inverted_mask
// CHECK-SAME:    (%[[M:.*]]: tensor<4xi64>, %[[B:.*]]: tensor<4xi1>)
// CHECK:         %[[NOT_ONE:.*]] = ht.compare ne %[[M]], %{{.*}}
// CHECK:         %[[NOT:.*]] = ht.not %[[B]]
// CHECK:         return %[[NOT_ONE]], %[[NOT]]
func.func @inverted_mask(%m: tensor<4xi64>, %b: tensor<4xi1>) -> (tensor<4xi1>, tensor<4xi1>) {
  %one = ht.constant dense<1.0> : tensor<f32>
  %mf = ht.cast %m : tensor<4xi64> to tensor<4xf32>
  %0 = ht.sub %one, %mf : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %1 = ht.cast %0 : tensor<4xf32> to tensor<4xi1>
  %bf = ht.cast %b : tensor<4xi1> to tensor<4xf32>
  %2 = ht.sub %one, %bf : tensor<f32>, tensor<4xf32> -> tensor<4xf32>
  %3 = ht.cast %2 : tensor<4xf32> to tensor<4xi1>
  return %1, %3 : tensor<4xi1>, tensor<4xi1>
}

// Convolutions run on channels-last data; what stands between two of them may as well.
// CHECK-LABEL: func.func @function_between_transposes
// CHECK-SAME: (%[[X:.+]]: tensor<2x5x3xf32>)
// CHECK-NEXT: %[[Y:.+]] = ht.gelu %[[X]] : tensor<2x5x3xf32>
// CHECK-NEXT: return %[[Y]]
func.func @function_between_transposes(%x: tensor<2x5x3xf32>) -> tensor<2x5x3xf32> {
  %0 = ht.transpose %x [0, 2, 1] : tensor<2x5x3xf32> -> tensor<2x3x5xf32>
  %1 = ht.gelu %0 : tensor<2x3x5xf32>
  %2 = ht.transpose %1 [0, 2, 1] : tensor<2x3x5xf32> -> tensor<2x5x3xf32>
  return %2 : tensor<2x5x3xf32>
}

// Not where the second goes elsewhere.
// CHECK-LABEL: func.func @function_between_other_transposes
// CHECK: ht.transpose
// CHECK: ht.gelu
// CHECK: ht.transpose
func.func @function_between_other_transposes(%x: tensor<2x5x3xf32>) -> tensor<3x2x5xf32> {
  %0 = ht.transpose %x [0, 2, 1] : tensor<2x5x3xf32> -> tensor<2x3x5xf32>
  %1 = ht.gelu %0 : tensor<2x3x5xf32>
  %2 = ht.transpose %1 [1, 0, 2] : tensor<2x3x5xf32> -> tensor<3x2x5xf32>
  return %2 : tensor<3x2x5xf32>
}
