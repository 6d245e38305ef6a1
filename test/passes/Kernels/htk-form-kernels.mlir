// RUN: halftone-opt --htk-form-kernels --split-input-file %s | FileCheck %s
// RUN: halftone-opt --htk-form-kernels=one-root=true --split-input-file %s | FileCheck --check-prefix=ONE %s

#bs = #ht.dims<s0, s1>

// Bias, activation and residual join the contraction; weights stay outside.
// CHECK-LABEL: func.func @epilogue
// CHECK-SAME:    (%[[X:.*]]: tensor<3x4xf32>, %[[RESIDUAL:.*]]: tensor<3x8xf32>)
// CHECK-NEXT:    %[[W:.*]] = ht.get_weight @w
// CHECK-NEXT:    %[[B:.*]] = ht.get_weight @b
// CHECK-NEXT:    %[[Y:.*]] = htk.kernel "linear_gelu_add"(%[[X]], %[[W]], %[[B]], %[[RESIDUAL]])
// CHECK-NEXT:    ^bb0(%[[X1:.*]]: tensor<3x4xf32>, %[[W1:.*]]: tensor<8x4xf32>, %[[B1:.*]]: tensor<8xf32>, %[[R1:.*]]: tensor<3x8xf32>):
// CHECK-NEXT:      %[[LINEAR:.*]] = ht.linear %[[X1]], %[[W1]] bias %[[B1]]
// CHECK-NEXT:      %[[GELU:.*]] = ht.gelu %[[LINEAR]]
// CHECK-NEXT:      %[[SUM:.*]] = ht.add %[[GELU]], %[[R1]]
// CHECK-NEXT:      htk.yield %[[SUM]]
// CHECK-NEXT:    }
// CHECK-NEXT:    return %[[Y]]
ht.weight @w : tensor<8x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<8x4xf32>
  ht.yield %0 : tensor<8x4xf32>
}
ht.weight @b : tensor<8xf32> {
  %0 = ht.load "w" offset 128 : tensor<8xf32>
  ht.yield %0 : tensor<8xf32>
}
func.func @epilogue(%x: tensor<3x4xf32>, %residual: tensor<3x8xf32>) -> tensor<3x8xf32> {
  %w = ht.get_weight @w : tensor<8x4xf32>
  %b = ht.get_weight @b : tensor<8xf32>
  %0 = ht.linear %x, %w bias %b : tensor<3x4xf32>, tensor<8x4xf32>, tensor<8xf32> -> tensor<3x8xf32>
  %1 = ht.gelu %0 : tensor<3x8xf32>
  %2 = ht.add %1, %residual : tensor<3x8xf32>, tensor<3x8xf32> -> tensor<3x8xf32>
  return %2 : tensor<3x8xf32>
}

// -----

// With symbolic shapes, equality of expressions is all that is needed.
// CHECK-LABEL: func.func @epilogue_symbols
// CHECK:         htk.kernel "layer_norm_gelu"
// CHECK-NOT:     htk.kernel
// CHECK:         return
func.func @epilogue_symbols(%x: tensor<?x?x4xf32, #ht.dims<s0, s1>>, %g: tensor<4xf32>) -> tensor<?x?x4xf32, #ht.dims<s0, s1>>
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 512>]} {
  %0 = ht.layer_norm %x, %g epsilon 1.0 : tensor<?x?x4xf32, #ht.dims<s0, s1>>, tensor<4xf32>
  %1 = ht.gelu %0 : tensor<?x?x4xf32, #ht.dims<s0, s1>>
  return %1 : tensor<?x?x4xf32, #ht.dims<s0, s1>>
}

// -----

// A value that two kernels read is written to memory: its kernel ends there.
// CHECK-LABEL: func.func @two_readers
// CHECK:         %[[SUM:.*]] = htk.kernel "add"
// CHECK:         %[[NORM:.*]] = htk.kernel "rms_norm"(%[[SUM]],
// CHECK:         %[[SOFTMAX:.*]] = htk.kernel "softmax"(%[[SUM]])
// CHECK:         return %[[NORM]], %[[SOFTMAX]]
func.func @two_readers(%x: tensor<3x4xf32>, %g: tensor<4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>) {
  %0 = ht.add %x, %x : tensor<3x4xf32>, tensor<3x4xf32> -> tensor<3x4xf32>
  %1 = ht.rms_norm %0, %g epsilon 1.0 : tensor<3x4xf32>, tensor<4xf32>
  %2 = ht.softmax %0 axis 1 : tensor<3x4xf32>
  return %1, %2 : tensor<3x4xf32>, tensor<3x4xf32>
}

// -----

// Two readers in one kernel are one reader.
// CHECK-LABEL: func.func @diamond
// CHECK:         %[[Y:.*]] = htk.kernel "abs_exp_neg_mul"
// CHECK-NOT:     htk.kernel
// CHECK:         return %[[Y]]
func.func @diamond(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = ht.abs %x : tensor<3x4xf32>
  %1 = ht.exp %0 : tensor<3x4xf32>
  %2 = ht.neg %0 : tensor<3x4xf32>
  %3 = ht.mul %1, %2 : tensor<3x4xf32>, tensor<3x4xf32> -> tensor<3x4xf32>
  return %3 : tensor<3x4xf32>
}

// -----

// Linears of one input that meet in one result are roots of one kernel.
// CHECK-LABEL: func.func @gated
// CHECK-SAME:    (%[[X:.*]]: tensor<3x4xf32>, %[[W:.*]]: tensor<8x4xf32>, %[[V:.*]]: tensor<8x4xf32>)
// CHECK-NEXT:    %[[Y:.*]] = htk.kernel "linear_x2_glu"(%[[X]], %[[W]], %[[V]])
// CHECK-NEXT:    ^bb0(%[[X1:.*]]: tensor<3x4xf32>, %[[W1:.*]]: tensor<8x4xf32>, %[[V1:.*]]: tensor<8x4xf32>):
// CHECK-NEXT:      %[[GATE:.*]] = ht.linear %[[X1]], %[[W1]]
// CHECK-NEXT:      %[[UP:.*]] = ht.linear %[[X1]], %[[V1]]
// CHECK-NEXT:      ht.glu silu %[[GATE]], %[[UP]]
// CHECK:         return %[[Y]]
// ONE-LABEL:   func.func @gated
// ONE:           %[[GATE:.*]] = htk.kernel "linear"
// ONE:           htk.kernel "linear_glu"({{.*}}, %[[GATE]])
func.func @gated(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>, %v: tensor<8x4xf32>) -> tensor<3x8xf32> {
  %0 = ht.linear %x, %w : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %1 = ht.linear %x, %v : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %2 = ht.glu silu %0, %1 : tensor<3x8xf32>
  return %2 : tensor<3x8xf32>
}

// -----

// Those of two inputs are not.
// CHECK-LABEL: func.func @two_inputs
// CHECK:         %[[Y:.*]] = htk.kernel "linear"
// CHECK:         htk.kernel "linear_add"({{.*}}, %[[Y]])
func.func @two_inputs(%x: tensor<3x4xf32>, %y: tensor<3x4xf32>, %w: tensor<8x4xf32>, %v: tensor<8x4xf32>) -> tensor<3x8xf32> {
  %0 = ht.linear %x, %w : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %1 = ht.linear %y, %v : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %2 = ht.add %0, %1 : tensor<3x8xf32>, tensor<3x8xf32> -> tensor<3x8xf32>
  return %2 : tensor<3x8xf32>
}

// -----

// Linears of one input are roots of one kernel wherever their results go, each with what follows it. What
// the kernel reads is moved before it.
// CHECK-LABEL: func.func @apart
// CHECK-SAME:    (%[[X:.*]]: tensor<3x4xf32>)
// CHECK-NEXT:    %[[W:.*]] = ht.get_weight @w
// CHECK-NEXT:    %[[V:.*]] = ht.get_weight @v
// CHECK-NEXT:    %[[QK:.*]]:2 = htk.kernel "linear_x2_gelu"(%[[X]], %[[W]], %[[V]])
// CHECK:           %[[Q:.*]] = ht.linear
// CHECK:           %[[K:.*]] = ht.linear
// CHECK:           %[[GELU:.*]] = ht.gelu %[[K]] : tensor<3x2xf32>
// CHECK:           htk.yield %[[Q]], %[[GELU]]
// CHECK:         %[[S:.*]] = htk.kernel "softmax"(%[[QK]]#0)
// CHECK:         return %[[S]], %[[QK]]#1
ht.weight @w : tensor<8x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<8x4xf32>
  ht.yield %0 : tensor<8x4xf32>
}
ht.weight @v : tensor<2x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<2x4xf32>
  ht.yield %0 : tensor<2x4xf32>
}
func.func @apart(%x: tensor<3x4xf32>) -> (tensor<3x8xf32>, tensor<3x2xf32>) {
  %w = ht.get_weight @w : tensor<8x4xf32>
  %0 = ht.linear %x, %w : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %1 = ht.softmax %0 axis 1 : tensor<3x8xf32>
  %v = ht.get_weight @v : tensor<2x4xf32>
  %2 = ht.linear %x, %v : tensor<3x4xf32>, tensor<2x4xf32> -> tensor<3x2xf32>
  %3 = ht.gelu %2 : tensor<3x2xf32>
  return %1, %3 : tensor<3x8xf32>, tensor<3x2xf32>
}

// -----

// The kernel of several waits for what any of them needs.
// CHECK-LABEL: func.func @later_operand
// CHECK-SAME:    (%[[X:.*]]: tensor<3x4xf32>,
// CHECK:         %[[R:.*]] = htk.kernel "softmax"
// CHECK:         %[[Y:.*]]:2 = htk.kernel "linear_x2_add"(%[[X]], {{.*}}, %[[R]])
// CHECK:         htk.kernel "exp"(%[[Y]]#0)
func.func @later_operand(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>, %v: tensor<8x4xf32>, %z: tensor<3x8xf32>) -> (tensor<3x8xf32>, tensor<3x8xf32>, tensor<3x8xf32>) {
  %0 = ht.linear %x, %w : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %1 = ht.exp %0 : tensor<3x8xf32>
  %2 = ht.softmax %z axis 1 : tensor<3x8xf32>
  %3 = ht.linear %x, %v : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %4 = ht.add %3, %2 : tensor<3x8xf32>, tensor<3x8xf32> -> tensor<3x8xf32>
  return %0, %1, %4 : tensor<3x8xf32>, tensor<3x8xf32>, tensor<3x8xf32>
}

// -----

// One that needs what another kernel makes of the other's result is a kernel of its own.
// CHECK-LABEL: func.func @one_after_another
// CHECK:         %[[Y:.*]] = htk.kernel "linear"
// CHECK:         %[[S:.*]] = htk.kernel "softmax"(%[[Y]])
// CHECK:         htk.kernel "linear_add"({{.*}}, %[[S]])
func.func @one_after_another(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>, %v: tensor<8x4xf32>) -> tensor<3x8xf32> {
  %0 = ht.linear %x, %w : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %1 = ht.softmax %0 axis 1 : tensor<3x8xf32>
  %2 = ht.linear %x, %v : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %3 = ht.add %2, %1 : tensor<3x8xf32>, tensor<3x8xf32> -> tensor<3x8xf32>
  return %3 : tensor<3x8xf32>
}

// -----

// What two results of a kernel need is computed once, by another.
// CHECK-LABEL: func.func @for_two_results
// CHECK:         %[[R:.*]] = htk.kernel "neg"
// CHECK:         htk.kernel "linear_x2_add_sub"({{.*}}, %[[R]], {{.*}})
func.func @for_two_results(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>, %v: tensor<8x4xf32>, %z: tensor<3x8xf32>) -> (tensor<3x8xf32>, tensor<3x8xf32>) {
  %r = ht.neg %z : tensor<3x8xf32>
  %s = ht.softmax %x axis 1 : tensor<3x4xf32>
  %0 = ht.linear %s, %w : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %1 = ht.add %0, %r : tensor<3x8xf32>, tensor<3x8xf32> -> tensor<3x8xf32>
  %2 = ht.linear %s, %v : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %3 = ht.sub %2, %r : tensor<3x8xf32>, tensor<3x8xf32> -> tensor<3x8xf32>
  return %1, %3 : tensor<3x8xf32>, tensor<3x8xf32>
}

// -----

// Elements are written out once for each way to them: sixteen sums of a sum with itself would
// make 2^16 in one kernel.
// CHECK-LABEL: func.func @doubling
// CHECK:         %[[A:.*]] = htk.kernel "add_add_add_add"
// CHECK:         htk.kernel "add_add_add_add"(%[[A]])
func.func @doubling(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ht.add %x, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %1 = ht.add %0, %0 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %2 = ht.add %1, %1 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %3 = ht.add %2, %2 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %4 = ht.add %3, %3 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %5 = ht.add %4, %4 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %6 = ht.add %5, %5 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %7 = ht.add %6, %6 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %8 = ht.add %7, %7 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %9 = ht.add %8, %8 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %10 = ht.add %9, %9 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %11 = ht.add %10, %10 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %12 = ht.add %11, %11 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %13 = ht.add %12, %12 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %14 = ht.add %13, %13 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  %15 = ht.add %14, %14 : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return %15 : tensor<4xf32>
}

// -----

// What a root reads comes from memory: it visits its operands several times.
// CHECK-LABEL: func.func @before_root
// CHECK:         %[[Y:.*]] = htk.kernel "exp"
// CHECK:         htk.kernel "linear"(%[[Y]],
func.func @before_root(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>) -> tensor<3x8xf32> {
  %0 = ht.exp %x : tensor<3x4xf32>
  %1 = ht.linear %0, %w : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  return %1 : tensor<3x8xf32>
}

// -----

// Attention makes its result in an order of its own: nothing follows it.
// CHECK-LABEL: func.func @after_attention
// CHECK:         %[[Y:.*]] = htk.kernel "attention"
// CHECK:         htk.kernel "exp"(%[[Y]])
func.func @after_attention(%q: tensor<1x3x2x4xf32>) -> tensor<1x3x2x4xf32> {
  %0 = ht.attention %q, %q, %q scale 1.0 : tensor<1x3x2x4xf32>, tensor<1x3x2x4xf32>, tensor<1x3x2x4xf32> -> tensor<1x3x2x4xf32>
  %1 = ht.exp %0 : tensor<1x3x2x4xf32>
  return %1 : tensor<1x3x2x4xf32>
}

// -----

// The epilogue works in place: what moves data is another kernel …
// CHECK-LABEL: func.func @transposed_after_root
// CHECK:         %[[Y:.*]] = htk.kernel "linear"
// CHECK:         htk.kernel "transpose"(%[[Y]])
func.func @transposed_after_root(%x: tensor<3x4xf32>, %w: tensor<3x4xf32>) -> tensor<3x3xf32> {
  %0 = ht.linear %x, %w : tensor<3x4xf32>, tensor<3x4xf32> -> tensor<3x3xf32>
  %1 = ht.transpose %0 [1, 0] : tensor<3x3xf32> -> tensor<3x3xf32>
  return %1 : tensor<3x3xf32>
}

// -----

// … and so is what widens the result.
// CHECK-LABEL: func.func @broadcast_after_root
// CHECK:         %[[Y:.*]] = htk.kernel "reduce"
// CHECK:         htk.kernel "sub"({{.*}}, %[[Y]])
func.func @broadcast_after_root(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = ht.reduce mean %x [1] : tensor<3x4xf32> -> tensor<3x1xf32>
  %1 = ht.sub %x, %0 : tensor<3x4xf32>, tensor<3x1xf32> -> tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

// -----

// Data movement before pointwise operations is an index computation.
// CHECK-LABEL: func.func @movement_joins
// CHECK:         %[[Y:.*]] = htk.kernel "transpose_exp"
// CHECK-NOT:     htk.kernel
// CHECK:         return %[[Y]]
func.func @movement_joins(%x: tensor<3x4xf32>) -> tensor<4x3xf32> {
  %0 = ht.transpose %x [1, 0] : tensor<3x4xf32> -> tensor<4x3xf32>
  %1 = ht.exp %0 : tensor<4x3xf32>
  return %1 : tensor<4x3xf32>
}

// -----

// A dear producer is not computed once for every reader of a broadcast, …
// CHECK-LABEL: func.func @dear_broadcast
// CHECK:         %[[Y:.*]] = htk.kernel "exp"
// CHECK:         htk.kernel "add"({{.*}}, %[[Y]])
func.func @dear_broadcast(%x: tensor<3x4xf32>, %y: tensor<4xf32>) -> tensor<3x4xf32> {
  %0 = ht.exp %y : tensor<4xf32>
  %1 = ht.add %x, %0 : tensor<3x4xf32>, tensor<4xf32> -> tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

// -----

// … a cheap one is.
// CHECK-LABEL: func.func @cheap_broadcast
// CHECK:         %[[Y:.*]] = htk.kernel "neg_add"
// CHECK-NOT:     htk.kernel
// CHECK:         return %[[Y]]
func.func @cheap_broadcast(%x: tensor<3x4xf32>, %y: tensor<4xf32>) -> tensor<3x4xf32> {
  %0 = ht.neg %y : tensor<4xf32>
  %1 = ht.add %x, %0 : tensor<3x4xf32>, tensor<4xf32> -> tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

// -----

// Sources are copied into each kernel that reads them: the constant is no operand.
// CHECK-LABEL: func.func @sources_copied
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT:    %[[SUM:.*]] = htk.kernel "add"(%[[X]])
// CHECK:           ht.constant dense<2.000000e+00>
// CHECK:         htk.kernel "softmax_mul"(%[[SUM]])
// CHECK:           ht.constant dense<2.000000e+00>
// CHECK:           ht.softmax
func.func @sources_copied(%x: tensor<4xf32>) -> tensor<4xf32> {
  %two = ht.constant dense<2.0> : tensor<f32>
  %0 = ht.add %x, %two : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  %1 = ht.softmax %0 axis 0 : tensor<4xf32>
  %2 = ht.mul %1, %two : tensor<4xf32>, tensor<f32> -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// -----

// A reshape is another name for the same bytes: it stays between the kernels.
// CHECK-LABEL: func.func @views_stay
// CHECK:         %[[Y:.*]] = htk.kernel "exp"
// CHECK:         %[[VIEW:.*]] = ht.reshape %[[Y]] : tensor<3x4xf32> to tensor<12xf32>
// CHECK:         htk.kernel "softmax"(%[[VIEW]])
func.func @views_stay(%x: tensor<3x4xf32>) -> tensor<12xf32> {
  %0 = ht.exp %x : tensor<3x4xf32>
  %1 = ht.reshape %0 : tensor<3x4xf32> to tensor<12xf32>
  %2 = ht.softmax %1 axis 0 : tensor<12xf32>
  return %2 : tensor<12xf32>
}

// -----

// The caller's buffers of results are written by kernels: an input that is
// returned is copied, …
// CHECK-LABEL: func.func @returned_input
// CHECK-SAME:    (%[[X:.*]]: tensor<4xf32>)
// CHECK-NEXT:    %[[COPY:.*]] = htk.kernel "copy"(%[[X]])
// CHECK-NEXT:    ^bb0(%[[Y:.*]]: tensor<4xf32>):
// CHECK-NEXT:      htk.yield %[[Y]]
// CHECK-NEXT:    }
// CHECK-NEXT:    return %[[COPY]]
func.func @returned_input(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}

// -----

// … also under another shape, …
// CHECK-LABEL: func.func @returned_view_of_input
// CHECK:         %[[VIEW:.*]] = ht.reshape
// CHECK-NEXT:    %[[COPY:.*]] = htk.kernel "copy"(%[[VIEW]])
// CHECK:         return %[[COPY]]
func.func @returned_view_of_input(%x: tensor<4xf32>) -> tensor<2x2xf32> {
  %0 = ht.reshape %x : tensor<4xf32> to tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

// … and so is what is returned twice,
// CHECK-LABEL: func.func @returned_twice
// CHECK:         %[[Y:.*]] = htk.kernel "exp"
// CHECK:         %[[COPY:.*]] = htk.kernel "copy"(%[[Y]])
// CHECK:         return %[[Y]], %[[COPY]]
func.func @returned_twice(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = ht.exp %x : tensor<4xf32>
  return %0, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// or a constant.
// CHECK-LABEL: func.func @returned_constant
// CHECK-NEXT:    %[[Y:.*]] = htk.kernel "constant"()
// CHECK-NEXT:      %[[C:.*]] = ht.constant
// CHECK-NEXT:      htk.yield %[[C]]
// CHECK:         return %[[Y]]
func.func @returned_constant() -> tensor<2xf32> {
  %0 = ht.constant dense<[1.0, 2.0]> : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// What a kernel returns in another shape is written in place.
// CHECK-LABEL: func.func @returned_view
// CHECK:         %[[Y:.*]] = htk.kernel "exp"
// CHECK:         %[[VIEW:.*]] = ht.reshape %[[Y]]
// CHECK-NEXT:    return %[[VIEW]]
func.func @returned_view(%x: tensor<4xf32>) -> tensor<2x2xf32> {
  %0 = ht.exp %x : tensor<4xf32>
  %1 = ht.reshape %0 : tensor<4xf32> to tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// -----

// Windows that a reduction combines are not stored; what they overlap over is.
// CHECK-LABEL: func.func @windows
// CHECK:         %[[ABS:.*]] = htk.kernel "abs"
// CHECK:         %[[Y:.*]] = htk.kernel "{{.*}}"(%[[ABS]])
// CHECK:           ht.window
// CHECK:           ht.reduce max
// CHECK:         return %[[Y]]
func.func @windows(%x: tensor<5xf32>) -> tensor<4x1xf32> {
  %0 = ht.abs %x : tensor<5xf32>
  %1 = ht.window %0 axes [0] strides [1] dilations [1] : tensor<5xf32> to tensor<4x2xf32>
  %2 = ht.reduce max %1 [1] : tensor<4x2xf32> -> tensor<4x1xf32>
  return %2 : tensor<4x1xf32>
}

// Windows side by side read each element once, so that both are one kernel.
// CHECK-LABEL: func.func @patches
// CHECK:         htk.kernel
// CHECK:           ht.abs
// CHECK:           ht.window
// CHECK-NOT:     htk.kernel
// CHECK:         return
func.func @patches(%x: tensor<6xf32>) -> tensor<3x2xf32> {
  %0 = ht.abs %x : tensor<6xf32>
  %1 = ht.window %0 axes [0] strides [2] dilations [1] : tensor<6xf32> to tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

// -----

// A linear's kernel quantizes the rows that it multiplies; the product of codes takes what
// follows it, like any linear.
// CHECK-LABEL: func.func @codes
// CHECK-SAME:    (%[[X:.*]]: tensor<3x8xf32>, %[[W:.*]]: tensor<5x8xi8>, %[[S:.*]]: tensor<5x1xf32>)
// CHECK-NEXT:    %[[Y:.*]] = htk.kernel "dynamic_quantize_linear_gelu"(%[[X]], %[[W]], %[[S]])
// CHECK-NEXT:    ^bb0
// CHECK-NEXT:      htq.dynamic_quantize absmax
// CHECK-NEXT:      htq.linear
// CHECK-NEXT:      ht.gelu
func.func @codes(%x: tensor<3x8xf32>, %w: tensor<5x8xi8>, %s: tensor<5x1xf32>) -> tensor<3x5xf32> {
  %c, %t = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, ?], scale f32>(%x)
      : (tensor<3x8xf32>) -> (tensor<3x8xi8>, tensor<3x1xf32>)
  %0 = htq.linear affine<i8, blocks [1, ?], scale f32>(%c, %t) by affine<i8, blocks [1, ?], scale f32>(%w, %s)
      : (tensor<3x8xi8>, tensor<3x1xf32>) by (tensor<5x8xi8>, tensor<5x1xf32>) -> tensor<3x5xf32>
  %1 = ht.gelu %0 : tensor<3x5xf32>
  return %1 : tensor<3x5xf32>
}

// -----

// A rotation is part of the quantization that reads it alone, and what is computed for it too. For
// others it is a kernel that ends as a kernel may.
// CHECK-LABEL: func.func @rotated
// CHECK-SAME:    (%[[X:.*]]: tensor<3x8xf32>)
// CHECK:         htk.kernel "dynamic_quantize_silu_hadamard"(%[[X]])
// CHECK:         %[[H:.*]] = htk.kernel "hadamard_exp"(%[[X]])
// CHECK:         htk.kernel "dynamic_quantize"(%[[H]])
func.func @rotated(%x: tensor<3x8xf32>)
    -> (tensor<3x8xi8>, tensor<3x1xf32>, tensor<3x8xi8>, tensor<3x1xf32>, tensor<3x8xf32>) {
  %0 = ht.silu %x : tensor<3x8xf32>
  %1 = htq.hadamard 8 %0 : tensor<3x8xf32>
  %2, %3 = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, ?], scale f32>(%1)
      : (tensor<3x8xf32>) -> (tensor<3x8xi8>, tensor<3x1xf32>)
  %4 = htq.hadamard 8 %x : tensor<3x8xf32>
  %5 = ht.exp %4 : tensor<3x8xf32>
  %6, %7 = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, ?], scale f32>(%5)
      : (tensor<3x8xf32>) -> (tensor<3x8xi8>, tensor<3x1xf32>)
  return %2, %3, %6, %7, %5 : tensor<3x8xi8>, tensor<3x1xf32>, tensor<3x8xi8>, tensor<3x1xf32>, tensor<3x8xf32>
}

// -----

// That of the rotated rows too; what is computed before is done by what makes them.
// CHECK-LABEL: func.func @rotated_codes
// CHECK-NEXT:    %[[E:.*]] = htk.kernel "exp"
// CHECK:         htk.kernel "hadamard_dynamic_quantize_linear"(%[[E]],
func.func @rotated_codes(%x: tensor<3x8xf32>, %w: tensor<5x8xi8>, %s: tensor<5x1xf32>) -> tensor<3x5xf32> {
  %0 = ht.exp %x : tensor<3x8xf32>
  %1 = htq.hadamard 8 %0 : tensor<3x8xf32>
  %c, %t = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, ?], scale f32>(%1)
      : (tensor<3x8xf32>) -> (tensor<3x8xi8>, tensor<3x1xf32>)
  %2 = htq.linear affine<i8, blocks [1, ?], scale f32>(%c, %t) by affine<i8, blocks [1, ?], scale f32>(%w, %s)
      : (tensor<3x8xi8>, tensor<3x1xf32>) by (tensor<5x8xi8>, tensor<5x1xf32>) -> tensor<3x5xf32>
  return %2 : tensor<3x5xf32>
}

// -----

// All linears of one input are in the kernel that quantizes it.
// CHECK-LABEL: func.func @codes_of_two
// CHECK-NEXT:    %[[Y:.*]]:2 = htk.kernel "dynamic_quantize_linear_x2_gelu"(
// CHECK:         return %[[Y]]#0, %[[Y]]#1
// ONE-LABEL:   func.func @codes_of_two
// ONE:           %[[CODES:.*]]:2 = htk.kernel "dynamic_quantize"
// ONE:           htk.kernel "linear"(%[[CODES]]#0, %[[CODES]]#1,
// ONE:           htk.kernel "linear_gelu"(%[[CODES]]#0, %[[CODES]]#1,
func.func @codes_of_two(%x: tensor<3x8xf32>, %w: tensor<5x8xi8>, %s: tensor<5x1xf32>) -> (tensor<3x5xf32>, tensor<3x5xf32>) {
  %c, %t = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, ?], scale f32>(%x)
      : (tensor<3x8xf32>) -> (tensor<3x8xi8>, tensor<3x1xf32>)
  %0 = htq.linear affine<i8, blocks [1, ?], scale f32>(%c, %t) by affine<i8, blocks [1, ?], scale f32>(%w, %s)
      : (tensor<3x8xi8>, tensor<3x1xf32>) by (tensor<5x8xi8>, tensor<5x1xf32>) -> tensor<3x5xf32>
  %1 = htq.linear affine<i8, blocks [1, ?], scale f32>(%c, %t) by affine<i8, blocks [1, ?], scale f32>(%w, %s)
      : (tensor<3x8xi8>, tensor<3x1xf32>) by (tensor<5x8xi8>, tensor<5x1xf32>) -> tensor<3x5xf32>
  %2 = ht.gelu %1 : tensor<3x5xf32>
  return %0, %2 : tensor<3x5xf32>, tensor<3x5xf32>
}

// -----

// Codes that something else reads are a kernel's results.
// CHECK-LABEL: func.func @codes_kept
// CHECK:         %[[CODES:.*]]:2 = htk.kernel "dynamic_quantize"
// CHECK:         htk.kernel "linear"(%[[CODES]]#0, %[[CODES]]#1,
func.func @codes_kept(%x: tensor<3x8xf32>, %w: tensor<5x8xi8>, %s: tensor<5x1xf32>) -> (tensor<3x5xf32>, tensor<3x8xi8>) {
  %c, %t = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, ?], scale f32>(%x)
      : (tensor<3x8xf32>) -> (tensor<3x8xi8>, tensor<3x1xf32>)
  %0 = htq.linear affine<i8, blocks [1, ?], scale f32>(%c, %t) by affine<i8, blocks [1, ?], scale f32>(%w, %s)
      : (tensor<3x8xi8>, tensor<3x1xf32>) by (tensor<5x8xi8>, tensor<5x1xf32>) -> tensor<3x5xf32>
  return %0, %c : tensor<3x5xf32>, tensor<3x8xi8>
}

// -----

// A linear's kernel converts what it multiplies, …
// CHECK-LABEL: func.func @cast
// CHECK-NEXT:    htk.kernel "cast_linear"(
func.func @cast(%x: tensor<3x8xf32>, %w: tensor<5x8xbf16>) -> tensor<3x5xf32> {
  %0 = ht.cast %x : tensor<3x8xf32> to tensor<3x8xbf16>
  %1 = htq.linear bf16(%0) by bf16(%w) : (tensor<3x8xbf16>) by (tensor<5x8xbf16>) -> tensor<3x5xf32>
  return %1 : tensor<3x5xf32>
}

// -----

// … unless what makes it can write it converted.
// CHECK-LABEL: func.func @cast_by_producer
// CHECK-NEXT:    htk.kernel "softmax_cast"(
// CHECK:         htk.kernel "linear"(
func.func @cast_by_producer(%x: tensor<3x8xf32>, %w: tensor<5x8xbf16>) -> tensor<3x5xf32> {
  %0 = ht.softmax %x axis 1 : tensor<3x8xf32>
  %1 = ht.cast %0 : tensor<3x8xf32> to tensor<3x8xbf16>
  %2 = htq.linear bf16(%1) by bf16(%w) : (tensor<3x8xbf16>) by (tensor<5x8xbf16>) -> tensor<3x5xf32>
  return %2 : tensor<3x5xf32>
}

// -----

// What nothing reads is gone.
// CHECK-LABEL: func.func @dead
// CHECK-NEXT:    htk.kernel "exp"
// CHECK-NOT:     ht.log
// CHECK:         return
func.func @dead(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ht.log %x : tensor<4xf32>
  %1 = ht.exp %x : tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// A declaration has nothing to group.
// CHECK: func.func private @declaration(tensor<4xf32>)
func.func private @declaration(tensor<4xf32>)

// -----

// New tokens are computed where they are stored: what makes them is in the update's kernel.
// A state that comes back so is changed in place and needs no copy.
// CHECK-LABEL: func.func @update
// CHECK-SAME:    (%[[STATE:.*]]: tensor<2x8x4xf32>
// CHECK-NEXT:    %[[NEW:.*]] = htk.kernel "update_neg"(
// CHECK:           %[[X:.*]] = ht.neg
// CHECK:           ht.update %{{.*}}, %[[X]]
// CHECK-NOT:     htk.kernel
// CHECK:         return %[[NEW]]
func.func @update(%state: tensor<2x8x4xf32> {ht.name = "keys", ht.state}, %x: tensor<1x1x4xf32>, %n: tensor<1xi64>)
    -> (tensor<2x8x4xf32> {ht.name = "keys", ht.state}) {
  %0 = ht.neg %x : tensor<1x1x4xf32>
  %1 = ht.update %state, %0 sequences %n start %n : tensor<2x8x4xf32>, tensor<1x1x4xf32>, tensor<1xi64>, tensor<1xi64>
  return %1 : tensor<2x8x4xf32>
}

// -----

// The caller gets a copy of a state: the kernel that makes it writes the session's memory.
// CHECK-LABEL: func.func @update_returned
// CHECK:         %[[NEW:.*]] = htk.kernel "update"
// CHECK:         %[[COPY:.*]] = htk.kernel "copy"(%[[NEW]])
// CHECK:         return %[[COPY]], %[[NEW]]
func.func @update_returned(%state: tensor<2x8xf32> {ht.name = "keys", ht.state}, %x: tensor<1x1xf32>, %n: tensor<1xi64>)
    -> (tensor<2x8xf32>, tensor<2x8xf32> {ht.name = "keys", ht.state}) {
  %0 = ht.update %state, %x sequences %n start %n : tensor<2x8xf32>, tensor<1x1xf32>, tensor<1xi64>, tensor<1xi64>
  return %0, %0 : tensor<2x8xf32>, tensor<2x8xf32>
}

// -----

// A state that is computed anew is stored by a copy, after all that reads the old one; one that
// stays needs nothing.
// CHECK-LABEL: func.func @recomputed
// CHECK-SAME:    (%[[SUM:[^:]*]]: tensor<4xf32> {{{[^}]*}}}, %[[LAST:[^:]*]]: tensor<4xf32>
// CHECK:         %[[Y:.*]] = htk.kernel "add"
// CHECK:         %[[COPY:.*]] = htk.kernel "copy"(%[[Y]])
// CHECK-NOT:     htk.kernel
// CHECK:         return %[[COPY]], %[[LAST]]
func.func @recomputed(%sum: tensor<4xf32> {ht.name = "sum", ht.state}, %last: tensor<4xf32> {ht.name = "last", ht.state},
                      %x: tensor<4xf32>)
    -> (tensor<4xf32> {ht.name = "sum", ht.state}, tensor<4xf32> {ht.name = "last", ht.state}) {
  %0 = ht.add %sum, %x : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return %0, %last : tensor<4xf32>, tensor<4xf32>
}
