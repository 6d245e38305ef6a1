// Each numbered constraint of the dialect, broken once; the label names it.
// RUN: halftone-opt %s --split-input-file --verify-diagnostics

// As a tensor encoding: one expression for each `?`.
// expected-error @+1 {{expected one expression for each of the 2 dynamic dimensions, got 1}}
func.func private @dims_c1(tensor<?x?xf32, #ht.dims<s0>>)

// -----

// expected-error @+1 {{expected one expression for each of the 0 dynamic dimensions, got 1}}
func.func private @dims_c1_static(tensor<2xf32, #ht.dims<s0>>)

// -----

// A constant belongs into the shape.
// expected-error @+1 {{dimension 4 is constant: write it in the shape}}
func.func private @dims_c2(tensor<?xf32, #ht.dims<4>>)

// -----

// 0 <= min <= max.
// expected-error @+1 {{symbol "batch" needs 0 <= min <= max, got 3 and 2}}
func.func private @symbol_c1() attributes {ht.symbols = [#ht.symbol<"batch", 3, 2>]}

// -----

// expected-error @+1 {{symbol "batch" needs 0 <= min <= max, got -1 and 2}}
func.func private @symbol_c1_negative() attributes {ht.symbols = [#ht.symbol<"batch", -1, 2>]}

// -----

// An array of symbols …
// expected-error @+1 {{'ht.symbols' must be an array on a function}}
func.func private @function_f1() attributes {ht.symbols = #ht.symbol<"batch", 1, 2>}

// -----

// expected-error @+1 {{'ht.symbols' must hold #ht.symbol, got "batch"}}
func.func private @function_f1_element() attributes {ht.symbols = ["batch"]}

// -----

// … with distinct names …
// expected-error @+1 {{declares symbol "n" twice}}
func.func private @function_f1_names() attributes {ht.symbols = [#ht.symbol<"n", 1, 2>, #ht.symbol<"n", 1, 2>]}

// -----

// … on a function.
// expected-error @+1 {{'ht.symbols' must be an array on a function}}
module @function_f1_where attributes {ht.symbols = [#ht.symbol<"n", 1, 2>]} {
}

// -----

// Every symbol is declared: in argument types, …
// expected-error @+1 {{uses a symbol in s1, but the function declares 1}}
func.func private @function_f2(tensor<?xf32, #ht.dims<s1>>) attributes {ht.symbols = [#ht.symbol<"n", 1, 2>]}

// -----

// … in the types of values, …
func.func @function_f2_result(%x: tensor<2xf32>) attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 16>]} {
  // expected-error @+1 {{uses a symbol in s2, but the function declares 2}}
  %0 = ht.iota : tensor<?xf32, #ht.dims<s2>>
  return
}

// -----

// … in attributes.
func.func @function_f2_attribute() attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 16>]} {
  // expected-error @+1 {{uses a symbol in s0 + s2, but the function declares 2}}
  %0 = ht.dim <s0 + s2> : tensor<i64>
  return
}

// -----

// A function that declares nothing has no symbols, …
func.func @function_f2_none(%x: tensor<?xf32, #ht.dims<s0>>) {
  // expected-error @+1 {{uses a symbol in s0, but the function declares 0}}
  %0 = ht.exp %x : tensor<?xf32, #ht.dims<s0>>
  return
}

// -----

func.func @function_f2_none_attribute() {
  // expected-error @+1 {{uses a symbol in s1, but the function declares 0}}
  %0 = ht.dim <s1> : tensor<i64>
  return
}

// -----

// … but for a fragment, which is private.
func.func private @function_f2_fragment(%x: tensor<?xf32, #ht.dims<s0>>) -> tensor<?xf32, #ht.dims<s0>> {
  %0 = ht.exp %x : tensor<?xf32, #ht.dims<s0>>
  return %0 : tensor<?xf32, #ht.dims<s0>>
}

// -----

// Every dynamic dimension has an expression: in operands, …
func.func @function_f3(%x: tensor<?x4xf32>) {
  // expected-error @+1 {{has 'tensor<?x4xf32>', whose dynamic dimensions have no expressions}}
  %0 = ht.reshape %x : tensor<?x4xf32> to tensor<8xf32>
  return
}

// -----

// … and in results.
func.func @function_f3_result() {
  // expected-error @+1 {{has 'tensor<?xi64>', whose dynamic dimensions have no expressions}}
  %0 = ht.iota : tensor<?xi64>
  return
}

// -----

// Elementwise operations keep the type.
func.func @unary_type(%x: tensor<2xf32>) {
  // expected-error @+1 {{requires the same type for all operands and results}}
  %0 = "ht.exp"(%x) : (tensor<2xf32>) -> tensor<3xf32>
  return
}

// -----

// exp is for floats.
func.func @unary_integer(%x: tensor<2xi32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of 16-bit float or bfloat16 type or 32-bit float or 64-bit float values, but got 'tensor<2xi32>'}}
  %0 = ht.exp %x : tensor<2xi32>
  return
}

// -----

func.func @cast_shape(%x: tensor<2xf32>) {
  // expected-error @+1 {{requires the same shape for all operands and results}}
  %0 = ht.cast %x : tensor<2xf32> to tensor<3xf16>
  return
}

// -----

// One element type.
func.func @binary_c1(%x: tensor<2xf32>, %y: tensor<2xf16>) {
  // expected-error @+2 {{operands have element types 'f32' and 'f16', expected one}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.add %x, %y : tensor<2xf32>, tensor<2xf16> -> tensor<2xf32>
  return
}

// -----

func.func @binary_c1_result(%x: tensor<2xf32>) {
  // expected-error @+2 {{inferred type(s) 'tensor<2xf32>' are incompatible with return type(s) of operation 'tensor<2xf64>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.add %x, %x : tensor<2xf32>, tensor<2xf32> -> tensor<2xf64>
  return
}

// -----

// Shapes broadcast, …
func.func @binary_c2(%x: tensor<2xf32>, %y: tensor<3xf32>) {
  // expected-error @+2 {{shapes [2] and [3] do not broadcast}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.mul %x, %y : tensor<2xf32>, tensor<3xf32> -> tensor<3xf32>
  return
}

// -----

// … which two symbols do not, even where their bounds agree.
func.func @binary_c2_symbols(%x: tensor<?xf32, #ht.dims<s0>>, %y: tensor<?xf32, #ht.dims<s1>>) attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 16>]} {
  // expected-error @+2 {{shapes [s0] and [s1] do not broadcast}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.sub %x, %y : tensor<?xf32, #ht.dims<s0>>, tensor<?xf32, #ht.dims<s1>> -> tensor<?xf32, #ht.dims<s0>>
  return
}

// -----

// and is for bits.
func.func @binary_logic(%x: tensor<2xf32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of}}
  %0 = ht.and %x, %x : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @compare_c1(%x: tensor<2xf32>, %y: tensor<2xi32>) {
  // expected-error @+2 {{operands have element types 'f32' and 'i32', expected one}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.compare eq %x, %y : tensor<2xf32>, tensor<2xi32> -> tensor<2xi1>
  return
}

// -----

func.func @compare_c1_result(%x: tensor<2xf32>) {
  // expected-error @+1 {{result #0 must be ranked tensor of 1-bit signless integer values, but got 'tensor<2xi8>'}}
  %0 = ht.compare eq %x, %x : tensor<2xf32>, tensor<2xf32> -> tensor<2xi8>
  return
}

// -----

func.func @compare_c2(%x: tensor<2xf32>, %y: tensor<3xf32>) {
  // expected-error @+2 {{shapes [2] and [3] do not broadcast}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.compare eq %x, %y : tensor<2xf32>, tensor<3xf32> -> tensor<2xi1>
  return
}

// -----

func.func @where_c1(%c: tensor<2xi1>, %x: tensor<2xf32>, %y: tensor<2xf16>) {
  // expected-error @+2 {{choices have element types 'f32' and 'f16', expected one}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.where %c, %x, %y : tensor<2xi1>, tensor<2xf32>, tensor<2xf16> -> tensor<2xf32>
  return
}

// -----

func.func @where_c2(%c: tensor<3xi1>, %x: tensor<2xf32>) {
  // expected-error @+2 {{shapes [3] and [2] do not broadcast}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.where %c, %x, %x : tensor<3xi1>, tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @constant_type() {
  // expected-error @+1 {{failed to verify that all of {value, result} have same type}}
  %0 = "ht.constant"() {value = dense<1> : tensor<2xi64>} : () -> tensor<3xi64>
  return
}

// -----

// Exactly one expression.
func.func @dim_c1() attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 16>]} {
  // expected-error @+1 {{expected one expression, got 2}}
  %0 = ht.dim <s0, s1> : tensor<i64>
  return
}

// -----

// One-dimensional.
func.func @iota_c1() {
  // expected-error @+1 {{result #0 must be 1D tensor of}}
  %0 = ht.iota : tensor<2x2xi64>
  return
}

// -----

func.func @reshape_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{changes the element type}}
  %0 = ht.reshape %x : tensor<4xf32> to tensor<2x2xf64>
  return
}

// -----

func.func @reshape_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{shapes [4] and [2, 3] have different numbers of elements}}
  %0 = ht.reshape %x : tensor<4xf32> to tensor<2x3xf32>
  return
}

// -----

func.func @reshape_c2_symbols(%x: tensor<?x4xf32, #ht.dims<s0>>) attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 16>]} {
  // expected-error @+1 {{shapes [s0, 4] and [s1, 4] have different numbers of elements}}
  %0 = ht.reshape %x : tensor<?x4xf32, #ht.dims<s0>> to tensor<?x4xf32, #ht.dims<s1>>
  return
}

// -----

// A permutation of all axes.
func.func @transpose_c1(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{expected a permutation of 2 axes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.transpose %x [0, 0] : tensor<2x3xf32> -> tensor<2x2xf32>
  return
}

// -----

func.func @transpose_c1_short(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{expected a permutation of 2 axes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.transpose %x [1] : tensor<2x3xf32> -> tensor<3xf32>
  return
}

// -----

func.func @transpose_c1_negative(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{expected a permutation of 2 axes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.transpose %x [-1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  return
}

// -----

func.func @transpose_type(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{inferred type(s) 'tensor<3x2xf32>' are incompatible with return type(s) of operation 'tensor<2x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.transpose %x [1, 0] : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @broadcast_c1(%x: tensor<1xf32>) {
  // expected-error @+1 {{changes the element type}}
  %0 = ht.broadcast %x : tensor<1xf32> to tensor<2xf64>
  return
}

// -----

func.func @broadcast_c2(%x: tensor<2xf32>) {
  // expected-error @+1 {{shape [2] does not broadcast to [2, 3]}}
  %0 = ht.broadcast %x : tensor<2xf32> to tensor<2x3xf32>
  return
}

// -----

func.func @broadcast_c2_rank(%x: tensor<1x2xf32>) {
  // expected-error @+1 {{shape [1, 2] does not broadcast to [2]}}
  %0 = ht.broadcast %x : tensor<1x2xf32> to tensor<2xf32>
  return
}

// -----

func.func @slice_c1(%x: tensor<4x4xf32>) {
  // expected-error @+1 {{expected 2 starts, strides and result dimensions}}
  %0 = ht.slice %x starts <0> strides [1, 1] : tensor<4x4xf32> to tensor<2x2xf32>
  return
}

// -----

func.func @slice_c1_zero(%x: tensor<4xf32>) {
  // expected-error @+1 {{stride of axis 0 is 0}}
  %0 = ht.slice %x starts <0> strides [0] : tensor<4xf32> to tensor<2xf32>
  return
}

// -----

func.func @slice_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{changes the element type}}
  %0 = ht.slice %x starts <0> strides [1] : tensor<4xf32> to tensor<2xf64>
  return
}

// -----

func.func @slice_c2_rank(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected 1 starts, strides and result dimensions}}
  %0 = ht.slice %x starts <0> strides [1] : tensor<4xf32> to tensor<2x1xf32>
  return
}

// -----

func.func @slice_c3(%x: tensor<4xf32>) {
  // expected-error @+1 {{window 2 … 4 of axis 0 leaves its 4 elements}}
  %0 = ht.slice %x starts <2> strides [2] : tensor<4xf32> to tensor<2xf32>
  return
}

// -----

func.func @slice_c3_backwards(%x: tensor<4xf32>) {
  // expected-error @+1 {{window 1 … -1 of axis 0 leaves its 4 elements}}
  %0 = ht.slice %x starts <1> strides [-1] : tensor<4xf32> to tensor<3xf32>
  return
}

// -----

// One stride and dilation for each axis …
func.func @window_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected a stride and a dilation for each of 1 axes}}
  %0 = ht.window %x axes [0] strides [1, 1] dilations [1] : tensor<4xf32> to tensor<3x2xf32>
  return
}

// -----

// … that is positive …
func.func @window_c1_positive(%x: tensor<4xf32>) {
  // expected-error @+1 {{stride and dilation of axis 0 must be positive}}
  %0 = ht.window %x axes [0] strides [1] dilations [0] : tensor<4xf32> to tensor<3x2xf32>
  return
}

// -----

// … and ascending axes.
func.func @window_c1_axes(%x: tensor<4x4xf32>) {
  // expected-error @+1 {{axes must be distinct, ascending and below 2}}
  %0 = ht.window %x axes [1, 0] strides [1, 1] dilations [1, 1] : tensor<4x4xf32> to tensor<3x3x2x2xf32>
  return
}

// -----

// Nothing else changes: the element type …
func.func @window_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{changes the element type}}
  %0 = ht.window %x axes [0] strides [1] dilations [1] : tensor<4xf32> to tensor<3x2xf64>
  return
}

// -----

// … the rank …
func.func @window_c2_rank(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected a result of rank 2}}
  %0 = ht.window %x axes [0] strides [1] dilations [1] : tensor<4xf32> to tensor<3xf32>
  return
}

// -----

// … or another axis.
func.func @window_c2_axis(%x: tensor<5x4xf32>) {
  // expected-error @+1 {{changes axis 0, which has no window}}
  %0 = ht.window %x axes [1] strides [1] dilations [1] : tensor<5x4xf32> to tensor<6x3x2xf32>
  return
}

// -----

// Inside its operand.
func.func @window_c3(%x: tensor<4xf32>) {
  // expected-error @+1 {{the last window of axis 0 leaves its 4 elements}}
  %0 = ht.window %x axes [0] strides [2] dilations [2] : tensor<4xf32> to tensor<2x2xf32>
  return
}

// -----

// At least one operand, …
func.func @concat_c1() {
  // expected-error @+2 {{expected at least one operand}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "ht.concat"() {axis = 0 : i64} : () -> tensor<2xf32>
  return
}

// -----

// … all of one element type …
func.func @concat_c1_type(%x: tensor<2xf32>, %y: tensor<2xf64>) {
  // expected-error @+2 {{operands differ in element type or rank}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.concat %x, %y axis 0 : tensor<2xf32>, tensor<2xf64> -> tensor<4xf32>
  return
}

// -----

// … and rank.
func.func @concat_c1_rank(%x: tensor<2xf32>, %y: tensor<1x2xf32>) {
  // expected-error @+2 {{operands differ in element type or rank}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.concat %x, %y axis 0 : tensor<2xf32>, tensor<1x2xf32> -> tensor<4xf32>
  return
}

// -----

func.func @concat_c2(%x: tensor<2xf32>) {
  // expected-error @+2 {{axis 1 is not one of 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.concat %x, %x axis 1 : tensor<2xf32>, tensor<2xf32> -> tensor<4xf32>
  return
}

// -----

func.func @concat_c2_negative(%x: tensor<2xf32>) {
  // expected-error @+2 {{axis -1 is not one of 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.concat %x, %x axis -1 : tensor<2xf32>, tensor<2xf32> -> tensor<4xf32>
  return
}

// -----

func.func @concat_c2_dims(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) {
  // expected-error @+2 {{shapes [2, 3] and [2, 4] differ beside axis 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.concat %x, %y axis 0 : tensor<2x3xf32>, tensor<2x4xf32> -> tensor<4x3xf32>
  return
}

// -----

func.func @gather_c1(%x: tensor<2xf32>, %i: tensor<1xi64>) {
  // expected-error @+2 {{axis 1 is not one of 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.gather %x, %i axis 1 : tensor<2xf32>, tensor<1xi64> -> tensor<1xf32>
  return
}

// -----

func.func @gather_c2(%x: tensor<2x3xf32>, %i: tensor<1xi64>) {
  // expected-error @+2 {{inferred type(s) 'tensor<1x3xf32>' are incompatible with return type(s) of operation 'tensor<3x1xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.gather %x, %i axis 0 : tensor<2x3xf32>, tensor<1xi64> -> tensor<3x1xf32>
  return
}

// -----

func.func @gather_nd_c1(%x: tensor<2xf32>, %i: tensor<1x2xi64>) {
  // expected-error @+2 {{index tuples of 2 elements do not fit rank 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.gather_nd %x, %i : tensor<2xf32>, tensor<1x2xi64> -> tensor<1xf32>
  return
}

// -----

func.func @gather_nd_c1_dynamic(%x: tensor<2xf32>, %i: tensor<1x?xi64, #ht.dims<s0>>) attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 16>]} {
  // expected-error @+2 {{index tuples of s0 elements do not fit rank 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.gather_nd %x, %i : tensor<2xf32>, tensor<1x?xi64, #ht.dims<s0>> -> tensor<1xf32>
  return
}

// -----

func.func @gather_nd_c2(%x: tensor<2x3xf32>, %i: tensor<1x1xi64>) {
  // expected-error @+2 {{inferred type(s) 'tensor<1x3xf32>' are incompatible with return type(s) of operation 'tensor<1xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.gather_nd %x, %i : tensor<2x3xf32>, tensor<1x1xi64> -> tensor<1xf32>
  return
}

// -----

func.func @cumsum_c1(%x: tensor<2xf32>) {
  // expected-error @+1 {{axis 1 is not one of 1}}
  %0 = ht.cumsum %x axis 1 : tensor<2xf32>
  return
}

// -----

func.func @cumsum_c1_negative(%x: tensor<2xf32>) {
  // expected-error @+1 {{axis -1 is not one of 1}}
  %0 = ht.cumsum %x axis -1 : tensor<2xf32>
  return
}

// -----

// expected-error @+1 {{type 'tensor<?xf32, #ht.dims<s0>>' is not static}}
ht.weight @weight_c1 : tensor<?xf32, #ht.dims<s0>> {
  %0 = ht.iota : tensor<?xf32, #ht.dims<s0>>
  ht.yield %0 : tensor<?xf32, #ht.dims<s0>>
}

// -----

// expected-error @+1 {{declares 'tensor<2xf32>' but yields 'tensor<3xf32>'}}
ht.weight @weight_c1_yield : tensor<2xf32> {
  %0 = ht.iota : tensor<3xf32>
  ht.yield %0 : tensor<3xf32>
}

// -----

func.func @get_weight_c1() {
  // expected-error @+1 {{no weight is named @nothing}}
  %0 = ht.get_weight @nothing : tensor<2xf32>
  return
}

// -----

func.func @get_weight_c1_function() {
  // expected-error @+1 {{no weight is named @get_weight_c1_function}}
  %0 = ht.get_weight @get_weight_c1_function : tensor<2xf32>
  return
}

// -----

ht.weight @w : tensor<2xf32> {
  %0 = ht.iota : tensor<2xf32>
  ht.yield %0 : tensor<2xf32>
}
func.func @get_weight_c1_type() {
  // expected-error @+1 {{has type 'tensor<2xf16>' but @w is 'tensor<2xf32>'}}
  %0 = ht.get_weight @w : tensor<2xf16>
  return
}

// -----

ht.weight @load_c1 : tensor<2xf32> {
  // expected-error @+1 {{offset is negative}}
  %0 = ht.load "w" offset -1 : tensor<2xf32>
  ht.yield %0 : tensor<2xf32>
}

// -----

ht.weight @load_c1_static : tensor<2xf32> {
  // expected-error @+1 {{result is not static}}
  %0 = ht.load "w" offset 0 : tensor<?xf32, #ht.dims<s0>>
  %1 = ht.iota : tensor<2xf32>
  ht.yield %1 : tensor<2xf32>
}

// -----

// Only in a weight.
func.func @load_parent() {
  // expected-error @+1 {{expects parent op 'ht.weight'}}
  %0 = ht.load "w" offset 0 : tensor<2xf32>
  return
}

// -----

func.func @matmul_c1(%x: tensor<f32>, %y: tensor<2xf32>) {
  // expected-error @+2 {{expected operands of rank >= 1 and one element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.matmul %x, %y : tensor<f32>, tensor<2xf32> -> tensor<f32>
  return
}

// -----

func.func @matmul_c1_type(%x: tensor<2xf32>, %y: tensor<2xf16>) {
  // expected-error @+2 {{expected operands of rank >= 1 and one element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.matmul %x, %y : tensor<2xf32>, tensor<2xf16> -> tensor<f32>
  return
}

// -----

func.func @matmul_c2(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{contracted dimensions differ in [2, 3] and [2, 3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.matmul %x, %x : tensor<2x3xf32>, tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @matmul_c3(%x: tensor<2x3x3xf32>, %y: tensor<4x3x3xf32>) {
  // expected-error @+2 {{leading axes of [2, 3, 3] and [4, 3, 3] do not broadcast}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.matmul %x, %y : tensor<2x3x3xf32>, tensor<4x3x3xf32> -> tensor<4x3x3xf32>
  return
}

// -----

func.func @reduce_c1(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{axes must ascend within rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.reduce sum %x [1, 0] : tensor<2x3xf32> -> tensor<1x1xf32>
  return
}

// -----

func.func @reduce_c1_twice(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{axes must ascend within rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.reduce sum %x [1, 1] : tensor<2x3xf32> -> tensor<2x1xf32>
  return
}

// -----

func.func @reduce_c1_range(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{axes must ascend within rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.reduce sum %x [2] : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @reduce_c2(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{inferred type(s) 'tensor<2x1xf32>' are incompatible with return type(s) of operation 'tensor<2xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.reduce sum %x [1] : tensor<2x3xf32> -> tensor<2xf32>
  return
}

// -----

func.func @softmax_c1(%x: tensor<2xf32>) {
  // expected-error @+1 {{axis -1 is not one of 1}}
  %0 = ht.softmax %x axis -1 : tensor<2xf32>
  return
}

// -----

func.func @linear_c1(%x: tensor<2x3xf32>, %w: tensor<4xf32>) {
  // expected-error @+2 {{expected a static weight [out, in], got 'tensor<4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.linear %x, %w : tensor<2x3xf32>, tensor<4xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_c1_static(%x: tensor<2x3xf32>, %w: tensor<?x3xf32, #ht.dims<s0>>) attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 16>]} {
  // expected-error @+2 {{expected a static weight [out, in], got 'tensor<?x3xf32, #ht.dims<s0>>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.linear %x, %w : tensor<2x3xf32>, tensor<?x3xf32, #ht.dims<s0>> -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_c1_width(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>) {
  // expected-error @+2 {{input [2, 3] does not end in the weight's 4 inputs}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.linear %x, %w : tensor<2x3xf32>, tensor<3x4xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_c2(%x: tensor<2x3xf32>, %w: tensor<4x3xf32>, %b: tensor<3xf32>) {
  // expected-error @+2 {{expected a bias of 4 'f32', got 'tensor<3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.linear %x, %w bias %b : tensor<2x3xf32>, tensor<4x3xf32>, tensor<3xf32> -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_c2_type(%x: tensor<2x3xf32>, %w: tensor<4x3xbf16>, %b: tensor<4xbf16>) {
  // expected-error @+2 {{expected a bias of 4 'f32', got 'tensor<4xbf16>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.linear %x, %w bias %b : tensor<2x3xf32>, tensor<4x3xbf16>, tensor<4xbf16> -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_c3(%x: tensor<2x3xf32>, %w: tensor<4x3xbf16>) {
  // expected-error @+2 {{inferred type(s) 'tensor<2x4xf32>' are incompatible with return type(s) of operation 'tensor<2x4xbf16>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.linear %x, %w : tensor<2x3xf32>, tensor<4x3xbf16> -> tensor<2x4xbf16>
  return
}

// -----

func.func @embedding_c1(%t: tensor<4xf32>, %i: tensor<2xi64>) {
  // expected-error @+2 {{expected a static table of rank 2, got 'tensor<4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.embedding %t, %i : tensor<4xf32>, tensor<2xi64> -> tensor<2xf32>
  return
}

// -----

func.func @embedding_c2(%t: tensor<4x3xbf16>, %i: tensor<2xi64>) {
  // expected-error @+2 {{inferred type(s) 'tensor<2x3xf32>' are incompatible with return type(s) of operation 'tensor<2x3xbf16>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.embedding %t, %i : tensor<4x3xbf16>, tensor<2xi64> -> tensor<2x3xbf16>
  return
}

// -----

func.func @layer_norm_c1(%x: tensor<2x3xf32>, %g: tensor<2xf32>) {
  // expected-error @+1 {{parameter of shape [2] does not fit last dimension 3}}
  %0 = ht.layer_norm %x, %g epsilon 1.0 : tensor<2x3xf32>, tensor<2xf32>
  return
}

// -----

func.func @layer_norm_c1_beta(%x: tensor<2x3xf32>, %g: tensor<3xf32>, %b: tensor<1x3xf32>) {
  // expected-error @+1 {{parameter of shape [1, 3] does not fit last dimension 3}}
  %0 = ht.layer_norm %x, %g, %b epsilon 1.0 : tensor<2x3xf32>, tensor<3xf32>, tensor<1x3xf32>
  return
}

// -----

func.func @layer_norm_scalar(%x: tensor<f32>, %g: tensor<1xf32>) {
  // expected-error @+1 {{expected rank >= 1}}
  %0 = ht.layer_norm %x, %g epsilon 1.0 : tensor<f32>, tensor<1xf32>
  return
}

// -----

func.func @layer_norm_c2(%x: tensor<2x3xf32>, %g: tensor<3xf32>) {
  // expected-error @+1 {{epsilon is negative or NaN}}
  %0 = ht.layer_norm %x, %g epsilon -1.0 : tensor<2x3xf32>, tensor<3xf32>
  return
}

// -----

func.func @rms_norm_c1(%x: tensor<2x3xf32>, %g: tensor<2xf32>) {
  // expected-error @+1 {{parameter of shape [2] does not fit last dimension 3}}
  %0 = ht.rms_norm %x, %g epsilon 1.0 : tensor<2x3xf32>, tensor<2xf32>
  return
}

// -----

// NaN is not >= 0 either.
func.func @rms_norm_c2(%x: tensor<2x3xf32>, %g: tensor<3xf32>) {
  // expected-error @+1 {{epsilon is negative or NaN}}
  %0 = ht.rms_norm %x, %g epsilon 0x7FF8000000000000 : tensor<2x3xf32>, tensor<3xf32>
  return
}

// -----

func.func @rope_c1(%x: tensor<2x3x8xf32>, %c: tensor<1x2x4xf32>) {
  // expected-error @+1 {{expected input [batch, sequence, heads, d] and angles [1 or batch, sequence, r], got [2, 3, 8] and [1, 2, 4]}}
  %0 = ht.rope %x, %c, %c : tensor<2x3x8xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return
}

// -----

func.func @rope_c1_sequence(%x: tensor<2x3x4x8xf32>, %c: tensor<1x2x4xf32>) {
  // expected-error @+1 {{expected input [batch, sequence, heads, d] and angles [1 or batch, sequence, r], got [2, 3, 4, 8] and [1, 2, 4]}}
  %0 = ht.rope %x, %c, %c : tensor<2x3x4x8xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>
  return
}

// -----

func.func @rope_c1_batch(%x: tensor<2x3x4x8xf32>, %c: tensor<3x3x4xf32>) {
  // expected-error @+1 {{expected input [batch, sequence, heads, d] and angles [1 or batch, sequence, r], got [2, 3, 4, 8] and [3, 3, 4]}}
  %0 = ht.rope %x, %c, %c : tensor<2x3x4x8xf32>, tensor<3x3x4xf32>, tensor<3x3x4xf32>
  return
}

// -----

func.func @rope_c1_types(%x: tensor<2x3x4x8xf32>, %c: tensor<1x3x4xf32>, %s: tensor<2x3x4xf32>) {
  // expected-error @+1 {{cos and sin differ in type}}
  %0 = ht.rope %x, %c, %s : tensor<2x3x4x8xf32>, tensor<1x3x4xf32>, tensor<2x3x4xf32>
  return
}

// -----

func.func @rope_c2(%x: tensor<2x3x4x8xf32>, %c: tensor<1x3x5xf32>) {
  // expected-error @+1 {{rotates 5 pairs of 8 elements}}
  %0 = ht.rope %x, %c, %c : tensor<2x3x4x8xf32>, tensor<1x3x5xf32>, tensor<1x3x5xf32>
  return
}

// -----

func.func @attention_c1(%q: tensor<2x3x4xf32>, %k: tensor<2x5x4x8xf32>, %v: tensor<2x5x4x8xf32>) {
  // expected-error @+1 {{expected [batch, tokens, heads, d] operands and result}}
  %0 = ht.attention %q, %k, %v scale 1.0 : tensor<2x3x4xf32>, tensor<2x5x4x8xf32>, tensor<2x5x4x8xf32> -> tensor<2x3x4x8xf32>
  return
}

// -----

func.func @attention_c1_type(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x4x8xf16>, %v: tensor<2x5x4x8xf32>) {
  // expected-error @+1 {{operands differ in element type}}
  %0 = ht.attention %q, %k, %v scale 1.0 : tensor<2x3x4x8xf32>, tensor<2x5x4x8xf16>, tensor<2x5x4x8xf32> -> tensor<2x3x4x8xf32>
  return
}

// -----

func.func @attention_c1_batch(%q: tensor<2x3x4x8xf32>, %k: tensor<1x5x4x8xf32>, %v: tensor<1x5x4x8xf32>) {
  // expected-error @+1 {{query [2, 3, 4, 8], key [1, 5, 4, 8] and value [1, 5, 4, 8] do not fit}}
  %0 = ht.attention %q, %k, %v scale 1.0 : tensor<2x3x4x8xf32>, tensor<1x5x4x8xf32>, tensor<1x5x4x8xf32> -> tensor<2x3x4x8xf32>
  return
}

// -----

func.func @attention_c1_width(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x4x6xf32>, %v: tensor<2x5x4x8xf32>) {
  // expected-error @+1 {{query [2, 3, 4, 8], key [2, 5, 4, 6] and value [2, 5, 4, 8] do not fit}}
  %0 = ht.attention %q, %k, %v scale 1.0 : tensor<2x3x4x8xf32>, tensor<2x5x4x6xf32>, tensor<2x5x4x8xf32> -> tensor<2x3x4x8xf32>
  return
}

// -----

func.func @attention_c1_tokens(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x4x8xf32>, %v: tensor<2x6x4x8xf32>) {
  // expected-error @+1 {{query [2, 3, 4, 8], key [2, 5, 4, 8] and value [2, 6, 4, 8] do not fit}}
  %0 = ht.attention %q, %k, %v scale 1.0 : tensor<2x3x4x8xf32>, tensor<2x5x4x8xf32>, tensor<2x6x4x8xf32> -> tensor<2x3x4x8xf32>
  return
}

// -----

func.func @attention_c2(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x3x8xf32>, %v: tensor<2x5x3x8xf32>) {
  // expected-error @+1 {{4 heads are not a multiple of 3 kv heads}}
  %0 = ht.attention %q, %k, %v scale 1.0 : tensor<2x3x4x8xf32>, tensor<2x5x3x8xf32>, tensor<2x5x3x8xf32> -> tensor<2x3x4x8xf32>
  return
}

// -----

func.func @attention_c3(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x4x8xf32>, %v: tensor<2x5x4x8xf32>, %m: tensor<2x1x5x3xi1>) {
  // expected-error @+1 {{mask or bias [2, 1, 5, 3] does not broadcast to [2, 4, 3, 5]}}
  %0 = ht.attention %q, %k, %v mask %m : tensor<2x1x5x3xi1> scale 1.0 : tensor<2x3x4x8xf32>, tensor<2x5x4x8xf32>, tensor<2x5x4x8xf32> -> tensor<2x3x4x8xf32>
  return
}

// -----

func.func @attention_c3_rank(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x4x8xf32>, %v: tensor<2x5x4x8xf32>, %m: tensor<3x5xf32>) {
  // expected-error @+1 {{mask or bias [3, 5] does not broadcast to [2, 4, 3, 5]}}
  %0 = ht.attention %q, %k, %v bias %m : tensor<3x5xf32> scale 1.0 : tensor<2x3x4x8xf32>, tensor<2x5x4x8xf32>, tensor<2x5x4x8xf32> -> tensor<2x3x4x8xf32>
  return
}

// -----

func.func @attention_c4(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x4x8xf32>, %v: tensor<2x5x4x6xf32>) {
  // expected-error @+1 {{expected result [2, 3, 4, 6], got [2, 3, 4, 8]}}
  %0 = ht.attention %q, %k, %v scale 1.0 : tensor<2x3x4x8xf32>, tensor<2x5x4x8xf32>, tensor<2x5x4x6xf32> -> tensor<2x3x4x8xf32>
  return
}

// -----

func.func @attention_c4_type(%q: tensor<2x3x4x8xf32>, %k: tensor<2x5x4x8xf32>) {
  // expected-error @+1 {{makes 'bf16' of 'f32'}}
  %0 = ht.attention %q, %k, %k scale 1.0 : tensor<2x3x4x8xf32>, tensor<2x5x4x8xf32>, tensor<2x5x4x8xf32> -> tensor<2x3x4x8xbf16>
  return
}

// -----

func.func @glu_types(%x: tensor<2xf32>, %y: tensor<3xf32>) {
  // expected-error @+1 {{requires the same type for all operands and results}}
  %0 = "ht.glu"(%x, %y) {activation = #ht<glu_activation silu>} : (tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>
  return
}

// -----

// Codes are moved and converted, not computed with …
func.func @code_compute(%x: tensor<2xi4>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of}}
  %0 = ht.add %x, %x : tensor<2xi4>, tensor<2xi4> -> tensor<2xi4>
  return
}

// -----

// … nor compared.
func.func @code_compare(%x: tensor<2xf8E5M2>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of}}
  %0 = ht.compare eq %x, %x : tensor<2xf8E5M2>, tensor<2xf8E5M2> -> tensor<2xi1>
  return
}

// -----

func.func @bitcast_c1(%x: tensor<2xf32>) {
  // expected-error @+1 {{'f32' and 'i16' do not have the same bits}}
  %0 = ht.bitcast %x : tensor<2xf32> to tensor<2xi16>
  return
}

// -----

func.func @bitcast_c1_bool(%x: tensor<2xi1>) {
  // expected-error @+1 {{'i1' and 'i1' do not have the same bits}}
  %0 = ht.bitcast %x : tensor<2xi1> to tensor<2xi1>
  return
}

// -----

func.func @scatter_nd_c1(%x: tensor<4x5xf32>, %i: tensor<3x3xi64>, %u: tensor<3xf32>) {
  // expected-error @+1 {{index tuples of 3 elements do not fit rank 2}}
  %0 = ht.scatter_nd %x, %i, %u : tensor<4x5xf32>, tensor<3x3xi64>, tensor<3xf32>
  return
}

// -----

func.func @scatter_nd_c2(%x: tensor<4x5xf32>, %i: tensor<3x1xi64>, %u: tensor<3x4xf32>) {
  // expected-error @+1 {{expected updates of shape [3, 5], got [3, 4]}}
  %0 = ht.scatter_nd %x, %i, %u : tensor<4x5xf32>, tensor<3x1xi64>, tensor<3x4xf32>
  return
}

// -----

func.func @scatter_nd_c3(%x: tensor<4x5xf32>, %i: tensor<3x1xi64>, %u: tensor<3x5xf16>) {
  // expected-error @+1 {{updates are 'f16', expected 'f32'}}
  %0 = ht.scatter_nd %x, %i, %u : tensor<4x5xf32>, tensor<3x1xi64>, tensor<3x5xf16>
  return
}

// -----

func.func @scatter_nd_c3_bool(%x: tensor<4xi1>, %i: tensor<3x1xi64>, %u: tensor<3xi1>) {
  // expected-error @+1 {{cannot combine elements of type 'i1'}}
  %0 = ht.scatter_nd %x, %i, %u reduction add : tensor<4xi1>, tensor<3x1xi64>, tensor<3xi1>
  return
}

// -----

func.func @topk_c1(%x: tensor<4x5xf32>) {
  // expected-error @+2 {{axis 2 is not one of 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = ht.topk %x k 2 axis 2 : tensor<4x5xf32> -> tensor<4x2xf32>, tensor<4x2xi64>
  return
}

// -----

func.func @topk_c2(%x: tensor<4x5xf32>) {
  // expected-error @+2 {{cannot take 6 of 5 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = ht.topk %x k 6 axis 1 : tensor<4x5xf32> -> tensor<4x6xf32>, tensor<4x6xi64>
  return
}

// -----

func.func @topk_c3(%x: tensor<4x5xf32>) {
  // expected-error @+2 {{are incompatible with return type(s) of operation}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = ht.topk %x k 2 axis 1 : tensor<4x5xf32> -> tensor<4x3xf32>, tensor<4x3xi64>
  return
}

// -----

func.func @arg_reduce_c1(%x: tensor<4x5xf32>) {
  // expected-error @+2 {{expected max or min}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.arg_reduce sum %x axis 1 : tensor<4x5xf32> -> tensor<4x1xi64>
  return
}

// -----

func.func @arg_reduce_c1_axis(%x: tensor<4x5xf32>) {
  // expected-error @+2 {{axis -1 is not one of 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.arg_reduce max %x axis -1 : tensor<4x5xf32> -> tensor<4x1xi64>
  return
}

// -----

func.func @arg_reduce_c2(%x: tensor<4x5xf32>) {
  // expected-error @+2 {{are incompatible with return type(s) of operation}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = ht.arg_reduce max %x axis 1 : tensor<4x5xf32> -> tensor<4xi64>
  return
}

// -----

func.func @attention_c5(%q: tensor<1x2x2x4xf32>) {
  // expected-error @+1 {{softcap is not a finite number >= 0}}
  %0 = ht.attention %q, %q, %q scale 1.0 softcap -1.0 : tensor<1x2x2x4xf32>, tensor<1x2x2x4xf32>, tensor<1x2x2x4xf32> -> tensor<1x2x2x4xf32>
  return
}

// -----

func.func @attention_c6(%q: tensor<1x2x2x4xf32>, %n: tensor<2xi64>) {
  // expected-error @+1 {{expected one sequence and start for each of 1 rows, got [2]}}
  %0 = ht.attention %q, %q, %q sequences %n : tensor<2xi64> scale 1.0 : tensor<1x2x2x4xf32>, tensor<1x2x2x4xf32>, tensor<1x2x2x4xf32> -> tensor<1x2x2x4xf32>
  return
}

// -----

func.func @attention_c7(%q: tensor<1x2x2x4xf32>) {
  // expected-error @+1 {{has a start or a window but is not causal}}
  %0 = ht.attention %q, %q, %q scale 1.0 window 3 : tensor<1x2x2x4xf32>, tensor<1x2x2x4xf32>, tensor<1x2x2x4xf32> -> tensor<1x2x2x4xf32>
  return
}

// -----

func.func @attention_c7_negative(%q: tensor<1x2x2x4xf32>) {
  // expected-error @+1 {{window is negative}}
  %0 = ht.attention %q, %q, %q scale 1.0 causal window -3 : tensor<1x2x2x4xf32>, tensor<1x2x2x4xf32>, tensor<1x2x2x4xf32> -> tensor<1x2x2x4xf32>
  return
}

// -----

func.func @update_c1(%s: tensor<3x4x2xf32>, %x: tensor<2x1x3xf32>, %n: tensor<2xi64>) {
  // expected-error @+1 {{are no tokens for 'tensor<3x4x2xf32>'}}
  %0 = ht.update %s, %x sequences %n start %n : tensor<3x4x2xf32>, tensor<2x1x3xf32>, tensor<2xi64>, tensor<2xi64>
  return
}

// -----

func.func @update_c2(%s: tensor<3x4x2xf32>, %x: tensor<2x1x2xf32>, %n: tensor<3xi64>) {
  // expected-error @+1 {{expected one sequence and start for each of 2 rows, got [3]}}
  %0 = ht.update %s, %x sequences %n start %n : tensor<3x4x2xf32>, tensor<2x1x2xf32>, tensor<3xi64>, tensor<3xi64>
  return
}

// -----

// expected-error @+1 {{expected a name and a static type of state 0, got 'tensor<?xf32, #ht.dims<s0>>'}}
func.func @function_f4_static(%x: tensor<?xf32, #ht.dims<s0>> {ht.name = "x", ht.state})
    attributes {ht.symbols = [#ht.symbol<"n", 1, 2>]} {
  return
}

// -----

// expected-error @+1 {{returns no state "x" of 'tensor<2xf32>'}}
func.func @function_f4_result(%x: tensor<2xf32> {ht.name = "x", ht.state}) -> (tensor<2xf32> {ht.name = "y", ht.state}) {
  return %x : tensor<2xf32>
}

// -----

// expected-error @+1 {{expected one state for result 0, got 0}}
func.func @function_f4_owner(%x: tensor<2xf32>) -> (tensor<2xf32> {ht.name = "x", ht.state}) {
  return %x : tensor<2xf32>
}

// -----

// expected-error @+1 {{has two states named "x"}}
func.func @function_f4_names(%x: tensor<2xf32> {ht.name = "x", ht.state}, %y: tensor<2xf32> {ht.name = "x", ht.state}) -> (tensor<2xf32> {ht.name = "x", ht.state}) {
  return %x : tensor<2xf32>
}
