// Each numbered constraint of the dialect, broken once; the label names it.
// RUN: halftone-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{expected non-function type}}
func.func private @affine_c1() attributes {a = #htq.affine<"int8", blocks [1], scale f32>}

// -----

// expected-error @+1 {{a block has at least one element, got 0}}
func.func private @affine_c2() attributes {a = #htq.affine<i8, blocks [0], scale f32>}

// -----

// expected-error @+1 {{expected non-function type}}
func.func private @lookup_c1() attributes {a = #htq.lookup<ui4, codebook [1.0]>}

// -----

// expected-error @+1 {{expected non-function type}}
func.func private @sum_c1() attributes {a = #htq.sum<i8, 1>}

// -----

// expected-error @+1 {{terms nest deeper than 16}}
func.func private @term_depth() attributes {a = #htq.sum<i8, sum<i8, sum<i8, sum<i8, sum<i8, sum<i8, sum<i8, sum<i8, sum<i8, sum<i8, sum<i8, sum<i8, sum<i8, sum<i8, sum<i8, sum<i8, sum<i8, i8>>>>>>>>>>>>>>>>>}

// -----

func.func @dequantize_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected an affine, lookup or sum term, got f32}}
  %0 = htq.dequantize f32(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @dequantize_c1_count(%x: tensor<4xi8>) {
  // expected-error @+1 {{has 1 tensors for the 2 leaves of its term}}
  %0 = htq.dequantize #htq.affine<i8, blocks [?], scale f32>(%x) : (tensor<4xi8>) -> tensor<4xf32>
  return
}

// -----

func.func @dequantize_c1_type(%x: tensor<4xui8>, %s: tensor<1xf32>) {
  // expected-error @+1 {{leaf 0 has elements of type 'ui8', its term says 'i8'}}
  %0 = htq.dequantize #htq.affine<i8, blocks [?], scale f32>(%x, %s) : (tensor<4xui8>, tensor<1xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @dequantize_c2(%x: tensor<4x5xi8>, %s: tensor<4x2xf32>) {
  // expected-error @+1 {{expected parameters of shape [4, 3], got [4, 2]}}
  %0 = htq.dequantize #htq.affine<i8, blocks [1, 2], scale f32>(%x, %s)
      : (tensor<4x5xi8>, tensor<4x2xf32>) -> tensor<4x5xf32>
  return
}

// -----

func.func @dequantize_c2_zero(%x: tensor<4x5xi8>, %s: tensor<4x1xf32>, %z: tensor<1x1xi8>) {
  // expected-error @+1 {{expected parameters of shape [4, 1], got [1, 1]}}
  %0 = htq.dequantize #htq.affine<i8, blocks [1, ?], scale f32, zero i8>(%x, %s, %z)
      : (tensor<4x5xi8>, tensor<4x1xf32>, tensor<1x1xi8>) -> tensor<4x5xf32>
  return
}

// -----

func.func @dequantize_c2_rank(%x: tensor<4x5xi8>, %s: tensor<1xf32>) {
  // expected-error @+1 {{has 1 blocks for codes of shape [4, 5]}}
  %0 = htq.dequantize #htq.affine<i8, blocks [?], scale f32>(%x, %s) : (tensor<4x5xi8>, tensor<1xf32>) -> tensor<4x5xf32>
  return
}

// -----

func.func @dequantize_c3(%x: tensor<4xui4>, %b: tensor<1x16xf32>) {
  // expected-error @+1 {{expected a codebook of one dimension, got [1, 16]}}
  %0 = htq.dequantize #htq.lookup<ui4, codebook f32>(%x, %b) : (tensor<4xui4>, tensor<1x16xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @dequantize_c3_signed(%x: tensor<4xi4>, %b: tensor<16xf32>) {
  // expected-error @+1 {{chooses from a codebook by what are no unsigned integers}}
  %0 = htq.dequantize #htq.lookup<i4, codebook f32>(%x, %b) : (tensor<4xi4>, tensor<16xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @dequantize_c4(%x: tensor<4xf16>, %y: tensor<5xf16>) {
  // expected-error @+1 {{adds terms of shapes [4] and [5]}}
  %0 = htq.dequantize #htq.sum<f16, f16>(%x, %y) : (tensor<4xf16>, tensor<5xf16>) -> tensor<4xf32>
  return
}

// -----

func.func @dequantize_c5(%x: tensor<4xi8>, %s: tensor<1xf32>) {
  // expected-error @+1 {{has codes of shape [4] but a result of [5]}}
  %0 = htq.dequantize #htq.affine<i8, blocks [?], scale f32>(%x, %s) : (tensor<4xi8>, tensor<1xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @quantize_c1(%x: tensor<4xf32>, %s: tensor<1xf32>) {
  // expected-error @+1 {{expected an affine of element types}}
  %0 = htq.quantize <lookup<ui4, codebook f32>, blocks [?], scale f32>(%x, %s)
      : tensor<4xf32>, tensor<1xf32> -> tensor<4xui4>
  return
}

// -----

func.func @quantize_c2(%x: tensor<4xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{expected parameters of shape [1], got [4]}}
  %0 = htq.quantize <i8, blocks [?], scale f32>(%x, %s) : tensor<4xf32>, tensor<4xf32> -> tensor<4xi8>
  return
}

// -----

func.func @quantize_c2_zero(%x: tensor<4xf32>, %s: tensor<1xf32>) {
  // expected-error @+1 {{lacks the zero of its term}}
  %0 = htq.quantize <i8, blocks [?], scale f32, zero i8>(%x, %s) : tensor<4xf32>, tensor<1xf32> -> tensor<4xi8>
  return
}

// -----

func.func @quantize_c2_type(%x: tensor<4xf32>, %s: tensor<1xf16>) {
  // expected-error @+1 {{has a parameter of elements 'f16', its term says 'f32'}}
  %0 = htq.quantize <i8, blocks [?], scale f32>(%x, %s) : tensor<4xf32>, tensor<1xf16> -> tensor<4xi8>
  return
}

// -----

func.func @quantize_c3(%x: tensor<4xf32>, %s: tensor<1xf32>) {
  // expected-error @+1 {{expected a result of shape [4] and elements 'i8'}}
  %0 = htq.quantize <i8, blocks [?], scale f32>(%x, %s) : tensor<4xf32>, tensor<1xf32> -> tensor<4xui8>
  return
}

// -----

func.func @quantize_c3_zero(%x: tensor<4xf32>, %s: tensor<1xf32>, %z: tensor<1xi8>) {
  // expected-error @+1 {{has a zero of 'i8' for codes of 'ui8'}}
  %0 = htq.quantize <ui8, blocks [?], scale f32, zero i8>(%x, %s, %z)
      : tensor<4xf32>, tensor<1xf32>, tensor<1xi8> -> tensor<4xui8>
  return
}

// -----

func.func @dynamic_quantize_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected an affine of codes or of a lookup}}
  %0, %1 = htq.dynamic_quantize absmax <f8E8M0FNU, blocks [?], scale f32>(%x)
      : (tensor<4xf32>) -> (tensor<4xf8E8M0FNU>, tensor<1xf32>)
  return
}

// -----

func.func @dynamic_quantize_c1_width(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected an affine of codes or of a lookup}}
  %0, %1 = htq.dynamic_quantize absmax <i32, blocks [?], scale f32>(%x) : (tensor<4xf32>) -> (tensor<4xi32>, tensor<1xf32>)
  return
}

// -----

func.func @dynamic_quantize_c1_rule(%x: tensor<4xf32>) {
  // expected-error @+1 {{has codes of 'f8E4M3FN', which only absmax makes}}
  %0, %1 = htq.dynamic_quantize signed_max <f8E4M3FN, blocks [?], scale f32>(%x)
      : (tensor<4xf32>) -> (tensor<4xf8E4M3FN>, tensor<1xf32>)
  return
}

// -----

func.func @dynamic_quantize_c1_codebook(%x: tensor<4xf32>) {
  // expected-error @+1 {{lacks the codebook of its term}}
  %0, %1 = htq.dynamic_quantize absmax <lookup<ui4, codebook f32>, blocks [?], scale f32>(%x)
      : (tensor<4xf32>) -> (tensor<4xui4>, tensor<1xf32>)
  return
}

// -----

func.func @dynamic_quantize_c1_codebook_rule(%x: tensor<4xf32>, %b: tensor<16xf32>) {
  // expected-error @+1 {{codes of a codebook are chosen by absmax, got signed_max}}
  %0, %1 = htq.dynamic_quantize signed_max <lookup<ui4, codebook f32>, blocks [?], scale f32>(%x, %b)
      : (tensor<4xf32>, tensor<16xf32>) -> (tensor<4xui4>, tensor<1xf32>)
  return
}

// -----

func.func @dynamic_quantize_c1_scale(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected a scale of floats or an affine, got i8}}
  %0, %1 = htq.dynamic_quantize absmax <i8, blocks [?], scale i8>(%x) : (tensor<4xf32>) -> (tensor<4xi8>, tensor<1xi8>)
  return
}

// -----

func.func @dynamic_quantize_c1_scale_of_lookup(%x: tensor<4xf32>) {
  // expected-error @+1 {{expected an affine of codes or of a lookup, got #htq.affine<lookup}}
  %0, %1, %2, %3 = htq.dynamic_quantize absmax
      <i8, blocks [?], scale affine<lookup<ui4, codebook f32>, blocks [?], scale f32>>(%x)
      : (tensor<4xf32>) -> (tensor<4xi8>, tensor<1xui4>, tensor<4xf32>, tensor<1xf32>)
  return
}

// -----

func.func @dynamic_quantize_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{has a zero, which only minmax finds}}
  %0, %1, %2 = htq.dynamic_quantize absmax <i8, blocks [?], scale f32, zero i8>(%x)
      : (tensor<4xf32>) -> (tensor<4xi8>, tensor<1xf32>, tensor<1xi8>)
  return
}

// -----

func.func @dynamic_quantize_c2_missing(%x: tensor<4xf32>) {
  // expected-error @+1 {{needs a zero for minmax}}
  %0, %1 = htq.dynamic_quantize minmax <i8, blocks [?], scale f32>(%x) : (tensor<4xf32>) -> (tensor<4xi8>, tensor<1xf32>)
  return
}

// -----

func.func @dynamic_quantize_c2_type(%x: tensor<4xf32>) {
  // expected-error @+1 {{has a zero that is not of the codes' type}}
  %0, %1, %2 = htq.dynamic_quantize minmax <ui8, blocks [?], scale f32, zero i8>(%x)
      : (tensor<4xf32>) -> (tensor<4xui8>, tensor<1xf32>, tensor<1xi8>)
  return
}

// -----

func.func @dynamic_quantize_c2_unsigned(%x: tensor<4xf32>) {
  // expected-error @+1 {{has unsigned codes without a zero}}
  %0, %1 = htq.dynamic_quantize absmax <ui8, blocks [?], scale f32>(%x) : (tensor<4xf32>) -> (tensor<4xui8>, tensor<1xf32>)
  return
}

// -----

func.func @dynamic_quantize_c2_unsigned_scale(%x: tensor<4xf32>) {
  // expected-error @+1 {{has unsigned codes without a zero}}
  %0, %1, %2 = htq.dynamic_quantize signed_max <i4, blocks [2], scale affine<ui8, blocks [?], scale f32>>(%x)
      : (tensor<4xf32>) -> (tensor<4xi4>, tensor<2xui8>, tensor<1xf32>)
  return
}

// -----

func.func @dynamic_quantize_c3(%x: tensor<4xf32>) {
  // expected-error @+1 {{has 1 tensors for the 2 leaves of its term}}
  %0 = htq.dynamic_quantize absmax <i8, blocks [?], scale f32>(%x) : (tensor<4xf32>) -> tensor<4xi8>
  return
}

// -----

func.func @dynamic_quantize_c3_type(%x: tensor<4xf32>) {
  // expected-error @+1 {{leaf 1 has elements of type 'f32', its term says 'f16'}}
  %0, %1 = htq.dynamic_quantize absmax <i8, blocks [?], scale f16>(%x) : (tensor<4xf32>) -> (tensor<4xi8>, tensor<1xf32>)
  return
}

// -----

func.func @dynamic_quantize_c3_shape(%x: tensor<4xf32>) {
  // expected-error @+1 {{has codes of shape [5] for an input of [4]}}
  %0, %1 = htq.dynamic_quantize absmax <i8, blocks [?], scale f32>(%x) : (tensor<4xf32>) -> (tensor<5xi8>, tensor<1xf32>)
  return
}

// -----

func.func @linear_c1(%x: tensor<4x8xf32>, %w: tensor<3x8xi8>) {
  // expected-error @+1 {{has 1 tensors for the 2 leaves of its term}}
  %0 = htq.linear f32(%x) by affine<i8, blocks [1, ?], scale f32>(%w) : (tensor<4x8xf32>) by (tensor<3x8xi8>) -> tensor<4x3xf32>
  return
}

// -----

func.func @linear_c1_type(%x: tensor<4x8xf16>, %w: tensor<3x8xf32>) {
  // expected-error @+1 {{leaf 0 has elements of type 'f16', its term says 'f32'}}
  %0 = htq.linear f32(%x) by f32(%w) : (tensor<4x8xf16>) by (tensor<3x8xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @linear_c2(%x: tensor<4x8xf32>, %w: tensor<3x7xf32>) {
  // expected-error @+1 {{input [4, 8] does not fit weight [3, 7]}}
  %0 = htq.linear f32(%x) by f32(%w) : (tensor<4x8xf32>) by (tensor<3x7xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @linear_c2_rows(%x: tensor<4x8xi8>, %s: tensor<1x1xf32>, %w: tensor<3x8xf32>) {
  // expected-error @+1 {{has a scale that several rows of its input share}}
  %0 = htq.linear affine<i8, blocks [?, ?], scale f32>(%x, %s) by f32(%w)
      : (tensor<4x8xi8>, tensor<1x1xf32>) by (tensor<3x8xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @linear_c3(%x: tensor<4x8xf32>, %w: tensor<3x8xf32>) {
  // expected-error @+1 {{expected a result of shape [4, 3], got [4, 8]}}
  %0 = htq.linear f32(%x) by f32(%w) : (tensor<4x8xf32>) by (tensor<3x8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @linear_c4(%x: tensor<4x33026xui8>, %s: tensor<4x1xf32>, %w: tensor<3x33026xui8>, %t: tensor<3x1xf32>) {
  // expected-error @+1 {{sums more than 33025 products of integers in i32}}
  %0 = htq.linear affine<ui8, blocks [1, ?], scale f32>(%x, %s) by affine<ui8, blocks [1, ?], scale f32>(%w, %t)
      : (tensor<4x33026xui8>, tensor<4x1xf32>) by (tensor<3x33026xui8>, tensor<3x1xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @requantize_c1(%x: tensor<4xi64>, %s: tensor<1xf32>) {
  // expected-error @+1 {{expected an affine of integers with a scale of floats, got #htq.affine<i64}}
  %0 = htq.requantize <i64, blocks [?], scale f32>(%x, %s) to <i8, blocks [?], scale f32>(%s)
      : (tensor<4xi64>, tensor<1xf32>) to (tensor<1xf32>) -> tensor<4xi8>
  return
}

// -----

func.func @requantize_c1_scale(%x: tensor<4xi32>, %s: tensor<1xf32>, %c: tensor<1xi8>) {
  // expected-error @+1 {{expected an affine of integers with a scale of floats, got #htq.affine<i8}}
  %0 = htq.requantize <i32, blocks [?], scale f32>(%x, %s) to <i8, blocks [?], scale i8>(%c)
      : (tensor<4xi32>, tensor<1xf32>) to (tensor<1xi8>) -> tensor<4xi8>
  return
}

// -----

func.func @requantize_c2(%x: tensor<4xi32>, %s: tensor<1xf32>, %t: tensor<2xf32>) {
  // expected-error @+1 {{expected parameters of shape [1], got [2]}}
  %0 = htq.requantize <i32, blocks [?], scale f32>(%x, %s) to <i8, blocks [?], scale f32>(%t)
      : (tensor<4xi32>, tensor<1xf32>) to (tensor<2xf32>) -> tensor<4xi8>
  return
}

// -----

func.func @requantize_c2_result(%x: tensor<4xi32>, %s: tensor<1xf32>) {
  // expected-error @+1 {{leaf 0 has elements of type 'ui8', its term says 'i8'}}
  %0 = htq.requantize <i32, blocks [?], scale f32>(%x, %s) to <i8, blocks [?], scale f32>(%s)
      : (tensor<4xi32>, tensor<1xf32>) to (tensor<1xf32>) -> tensor<4xui8>
  return
}

// -----

func.func @requantize_c3(%x: tensor<4xi32>, %s: tensor<1xf32>, %z: tensor<1xi32>) {
  // expected-error @+1 {{has a zero that is not of the codes' type}}
  %0 = htq.requantize <i32, blocks [?], scale f32>(%x, %s) to <i8, blocks [?], scale f32, zero i32>(%s, %z)
      : (tensor<4xi32>, tensor<1xf32>) to (tensor<1xf32>, tensor<1xi32>) -> tensor<4xi8>
  return
}

// -----

func.func @requantize_c4(%x: tensor<4xi32>, %s: tensor<1xf32>) {
  // expected-error @+1 {{has codes of shape [4] but a result of [5]}}
  %0 = htq.requantize <i32, blocks [?], scale f32>(%x, %s) to <i8, blocks [?], scale f32>(%s)
      : (tensor<4xi32>, tensor<1xf32>) to (tensor<1xf32>) -> tensor<5xi8>
  return
}

// -----

func.func @observe_c1(%x: tensor<4x?xf32, #ht.dims<s0>>) attributes {ht.symbols = [#ht.symbol<"n", 0, 100>]} {
  // expected-error @+1 {{expected a static last axis, got [4, s0]}}
  %0 = htq.observe "site" %x : tensor<4x?xf32, #ht.dims<s0>>
  return
}

// -----

func.func @hadamard_c1(%x: tensor<4x12xf32>) {
  // expected-error @+1 {{expected an order that is a power of two from 2 on, got 3}}
  %0 = htq.hadamard 3 %x : tensor<4x12xf32>
  return
}

// -----

func.func @hadamard_c1_one(%x: tensor<4x12xf32>) {
  // expected-error @+1 {{expected an order that is a power of two from 2 on, got 1}}
  %0 = htq.hadamard 1 %x : tensor<4x12xf32>
  return
}

// -----

func.func @hadamard_c1_stride(%x: tensor<4x12xf32>) {
  // expected-error @+1 {{expected a stride of at least 1, got 0}}
  %0 = htq.hadamard 4 stride 0 %x : tensor<4x12xf32>
  return
}

// -----

func.func @hadamard_c2(%x: tensor<4x12xf32>) {
  // expected-error @+1 {{expected a last axis of at most 65536 that is a multiple of 4 times 2, got [4, 12]}}
  %0 = htq.hadamard 4 stride 2 %x : tensor<4x12xf32>
  return
}

// -----

func.func @hadamard_c2_dynamic(%x: tensor<4x?xf32, #ht.dims<s0>>) attributes {ht.symbols = [#ht.symbol<"n", 0, 100>]} {
  // expected-error @+1 {{expected a last axis of at most 65536 that is a multiple of 4 times 1, got [4, s0]}}
  %0 = htq.hadamard 4 %x : tensor<4x?xf32, #ht.dims<s0>>
  return
}

// -----

func.func @hadamard_c2_long(%x: tensor<131072xf32>) {
  // expected-error @+1 {{expected a last axis of at most 65536 that is a multiple of 4 times 1, got [131072]}}
  %0 = htq.hadamard 4 %x : tensor<131072xf32>
  return
}

// -----

// expected-error @+1 {{expected an affine of codes or of a lookup}}
func.func private @format_c1() attributes {a = #htq.format<absmax affine<i1, blocks [1, ?], scale f32>>}

// -----

// expected-error @+1 {{has a rule for bf16, which is no affine}}
func.func private @format_c1_rule() attributes {a = #htq.format<absmax bf16>}

// -----

// expected-error @+1 {{lacks the codebook of its term}}
func.func private @format_c1_codebook() attributes {a = #htq.format<absmax affine<lookup<ui4, codebook f32>, blocks [1, 64], scale f32>>}

// -----

// expected-error @+1 {{has a codebook of 'tensor<16xf16>' that its term lacks}}
func.func private @format_c1_levels() attributes {a = #htq.format<absmax affine<lookup<ui4, codebook f32>, blocks [1, 64], scale f32> codebook dense<1.0> : tensor<16xf16>>}

// -----

// expected-error @+1 {{casts to 'i8', which is no float}}
func.func private @format_c2() attributes {a = #htq.format<i8>}

// -----

// expected-error @+1 {{expected blocks of two axes, rows and k, got #htq.affine<i8, blocks [1, 1, ?], scale f32>}}
func.func private @format_c3() attributes {a = #htq.format<absmax affine<i8, blocks [1, 1, ?], scale f32>>}

// -----

func.func @dialect_d1(%x: tensor<3xf32>) {
  // expected-error @+1 {{has "htq.weights", but reads no weight}}
  %0 = ht.exp %x {htq.weights = #htq.format<bf16>} : tensor<3xf32>
  return
}

// -----

func.func @dialect_d1_value(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>) {
  // expected-error @+1 {{"htq.weights" must be a format, got "int8"}}
  %0 = ht.linear %x, %w {htq.weights = "int8"} : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  return
}

// -----

func.func @dialect_d2(%ids: tensor<3xi64>, %w: tensor<8x4xf32>) {
  // expected-error @+1 {{has "htq.activations", but reads no weight with activations}}
  %0 = ht.embedding %w, %ids {htq.activations = #htq.format<bf16>} : tensor<8x4xf32>, tensor<3xi64> -> tensor<3x4xf32>
  return
}

// -----

func.func @dialect_d2_attention(%x: tensor<2x3x4x8xf32>) {
  // expected-error @+1 {{"htq.activations" of attention must be a float, got}}
  %0 = ht.attention %x, %x, %x scale 0.5 {htq.activations = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>} : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32> -> tensor<2x3x4x8xf32>
  return
}

// -----

func.func @dialect_d3(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>) {
  // expected-error @+1 {{"htq.rotation" must be an order and a stride for a linear's input}}
  %0 = ht.linear %x, %w {htq.rotation = array<i64: 4>} : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  return
}

// -----

func.func @dialect_d3_size(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>) {
  // expected-error @+1 {{"htq.rotation": expected a last axis of at most 65536 that is a multiple of 4 times 2, got [3, 4]}}
  %0 = ht.linear %x, %w {htq.rotation = array<i64: 4, 2>} : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  return
}

// -----

func.func @dialect_unknown(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>) {
  // expected-error @+1 {{has an unknown attribute "htq.weight"}}
  %0 = ht.linear %x, %w {htq.weight = #htq.format<bf16>} : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  return
}
