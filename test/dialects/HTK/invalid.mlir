// Each numbered constraint of the dialect, broken once; the label names it.
// RUN: halftone-opt %s --split-input-file --verify-diagnostics

// A vector register of x86 has 256 or 512 bits.
// expected-error @+1 {{vectors have 256 or 512 bits, got 128}}
module @cpu_bits attributes {htk.cpu = #htk.cpu<"x86-64", 128>} {
}

// -----

func.func @kernel_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{block arguments differ from the operands in type}}
  %0 = htk.kernel "k"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%y: tensor<4xf32>, %z: tensor<4xf32>):
    htk.yield %y : tensor<4xf32>
  }
  return
}

// -----

func.func @kernel_c1_type(%x: tensor<4xf32>) {
  // expected-error @+1 {{block arguments differ from the operands in type}}
  %0 = htk.kernel "k"(%x) : (tensor<4xf32>) -> tensor<4xf64> {
  ^bb0(%y: tensor<4xf64>):
    htk.yield %y : tensor<4xf64>
  }
  return
}

// -----

func.func @kernel_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{yielded values differ from the results in type}}
  %0 = htk.kernel "k"(%x) : (tensor<4xf32>) -> tensor<2x2xf32> {
  ^bb0(%y: tensor<4xf32>):
    htk.yield %y : tensor<4xf32>
  }
  return
}

// -----

func.func @kernel_c2_number(%x: tensor<4xf32>) {
  // expected-error @+1 {{yielded values differ from the results in type}}
  %0 = htk.kernel "k"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%y: tensor<4xf32>):
    htk.yield %y, %y : tensor<4xf32>, tensor<4xf32>
  }
  return
}

// -----

func.func @kernel_c3(%x: tensor<3x4xf32>, %w: tensor<1x4x64xf32>) {
  // expected-error @+1 {{has several roots that are not linears of one input}}
  %0 = htk.kernel "k"(%x, %w) : (tensor<3x4xf32>, tensor<1x4x64xf32>) -> tensor<3x4xf32> {
  ^bb0(%y: tensor<3x4xf32>, %v: tensor<1x4x64xf32>):
    %z = htk.linear f32(%y) by f32(%v) : (tensor<3x4xf32>) by (tensor<1x4x64xf32>) -> tensor<3x4xf32>
    %s = ht.softmax %z axis 1 : tensor<3x4xf32>
    htk.yield %s : tensor<3x4xf32>
  }
  return
}

// -----

func.func @kernel_c3_input(%x: tensor<3x4xf32>, %w: tensor<1x4x64xf32>) {
  // expected-error @+1 {{has several roots that are not linears of one input}}
  %0:2 = htk.kernel "k"(%x, %x, %w) : (tensor<3x4xf32>, tensor<3x4xf32>, tensor<1x4x64xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>) {
  ^bb0(%y: tensor<3x4xf32>, %z: tensor<3x4xf32>, %v: tensor<1x4x64xf32>):
    %a = htk.linear f32(%y) by f32(%v) : (tensor<3x4xf32>) by (tensor<1x4x64xf32>) -> tensor<3x4xf32>
    %b = htk.linear f32(%z) by f32(%v) : (tensor<3x4xf32>) by (tensor<1x4x64xf32>) -> tensor<3x4xf32>
    htk.yield %a, %b : tensor<3x4xf32>, tensor<3x4xf32>
  }
  return
}

// -----

// What a kernel reads is listed: it can be outlined as it is.
func.func @kernel_isolated(%x: tensor<4xf32>) {
  // expected-note @+1 {{required by region isolation constraints}}
  %0 = htk.kernel "k"() : () -> tensor<4xf32> {
    // expected-error @+1 {{'htk.yield' op using value defined outside the region}}
    htk.yield %x : tensor<4xf32>
  }
  return
}

// -----

func.func @pack_c3(%x: tensor<100x4xf32>) {
  // expected-error @+1 {{packs 'tensor<100x4xf32>' to 'tensor<2x4x64xf32>', not 'tensor<1x4x64xf32>'}}
  %0 = htk.pack %x : tensor<100x4xf32> to tensor<1x4x64xf32>
  return
}

// -----

func.func @pack_c3_depth(%x: tensor<100x4xf32>) {
  // expected-error @+1 {{packs 'tensor<100x4xf32>' to 'tensor<2x4x64xf32>', not 'tensor<2x5x64xf32>'}}
  %0 = htk.pack %x : tensor<100x4xf32> to tensor<2x5x64xf32>
  return
}

// -----

func.func @pack_c3_element(%x: tensor<100x4xf32>) {
  // expected-error @+1 {{packs 'tensor<100x4xf32>' to 'tensor<2x4x64xf32>', not 'tensor<2x4x64xbf16>'}}
  %0 = htk.pack %x : tensor<100x4xf32> to tensor<2x4x64xbf16>
  return
}

// -----

func.func @pack_c1_rank(%x: tensor<400xf32>) {
  // expected-error @+1 {{packs rows of columns, got 'tensor<400xf32>'}}
  %0 = htk.pack %x : tensor<400xf32> to tensor<2x4x64xf32>
  return
}

// -----

func.func @pack_c2(%x: tensor<100x4xf32>) {
  // expected-error @+1 {{has groups of 0 columns}}
  %0 = htk.pack %x group 0 : tensor<100x4xf32> to tensor<2x4x64xf32>
  return
}

// -----

// Columns of 4-bit codes come in periods of 8.
func.func @pack_c3_codes(%x: tensor<100x12xi4>) {
  // expected-error @+1 {{packs 'tensor<100x12xi4>' to 'tensor<2x2x256xui8>', not 'tensor<2x3x256xui8>'}}
  %0 = htk.pack %x group 4 : tensor<100x12xi4> to tensor<2x3x256xui8>
  return
}

// -----

func.func @pack_c1_static(%x: tensor<?x4xf32, #ht.dims<s0>>) attributes {ht.symbols = [#ht.symbol<"rows", 1, 8>]} {
  // expected-error @+1 {{operand #0 must be statically shaped tensor of any type values}}
  %0 = htk.pack %x : tensor<?x4xf32, #ht.dims<s0>> to tensor<1x4x64xf32>
  return
}

// -----

func.func @linear_c1(%x: tensor<3x4xf32>, %w: tensor<2x4x64xf32>) {
  // expected-error @+1 {{has 1 tensors for the 2 leaves of its term}}
  %0 = htk.linear affine<i8, blocks [1, ?], scale f32>(%x) by f32(%w) : (tensor<3x4xf32>) by (tensor<2x4x64xf32>) -> tensor<3x100xf32>
  return
}

// -----

func.func @linear_c2_depth(%x: tensor<3x5xf32>, %w: tensor<2x4x64xf32>) {
  // expected-error @+1 {{expected packed weights 'tensor<2x5x64xf32>' for [100, 5], got 'tensor<2x4x64xf32>'}}
  %0 = htk.linear f32(%x) by f32(%w) : (tensor<3x5xf32>) by (tensor<2x4x64xf32>) -> tensor<3x100xf32>
  return
}

// -----

func.func @linear_c2_rank(%x: tensor<3x4xf32>, %w: tensor<128x4xf32>) {
  // expected-error @+1 {{expected packed weights 'tensor<2x4x64xf32>' for [128, 4], got 'tensor<128x4xf32>'}}
  %0 = htk.linear f32(%x) by f32(%w) : (tensor<3x4xf32>) by (tensor<128x4xf32>) -> tensor<3x128xf32>
  return
}

// -----

// One output more than the panels hold, …
func.func @linear_c2(%x: tensor<3x4xf32>, %w: tensor<2x4x64xf32>) {
  // expected-error @+1 {{expected packed weights 'tensor<3x4x64xf32>' for [129, 4], got 'tensor<2x4x64xf32>'}}
  %0 = htk.linear f32(%x) by f32(%w) : (tensor<3x4xf32>) by (tensor<2x4x64xf32>) -> tensor<3x129xf32>
  return
}

// -----

// … or so few that the last panel would be empty.
func.func @linear_c2_few(%x: tensor<3x4xf32>, %w: tensor<2x4x64xf32>) {
  // expected-error @+1 {{expected packed weights 'tensor<1x4x64xf32>' for [64, 4], got 'tensor<2x4x64xf32>'}}
  %0 = htk.linear f32(%x) by f32(%w) : (tensor<3x4xf32>) by (tensor<2x4x64xf32>) -> tensor<3x64xf32>
  return
}

// -----

// Codes that are a term have no packed layout.
func.func @linear_c2_term(%x: tensor<3x4xf32>, %w: tensor<2x1x256xui8>, %s: tensor<2x1x64xf32>) {
  // expected-error @+1 {{cannot read weights of this term packed}}
  %0 = htk.linear f32(%x) by sum<affine<i8, blocks [1, ?], scale f32>, f32>(%w, %s, %s)
      : (tensor<3x4xf32>) by (tensor<2x1x256xui8>, tensor<2x1x64xf32>, tensor<2x1x64xf32>) -> tensor<3x100xf32>
  return
}

// -----

func.func @linear_c3(%x: tensor<3x4xf32>, %w: tensor<2x4x64xf32>) {
  // expected-error @+1 {{result and input differ beside the last dimension}}
  %0 = htk.linear f32(%x) by f32(%w) : (tensor<3x4xf32>) by (tensor<2x4x64xf32>) -> tensor<2x100xf32>
  return
}

// -----

func.func private @plain(tensor<4xf32>) -> tensor<4xf32>
func.func @launch_c1(%x: tensor<4xf32>) {
  // expected-error @+1 {{@plain is not a kernel}}
  %0 = htk.launch @plain(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @launch_c1_unknown(%x: tensor<4xf32>) {
  // expected-error @+1 {{@nothing is not a kernel}}
  %0 = htk.launch @nothing(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func private @k(tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel}
func.func @launch_c2(%x: tensor<4xf32>) {
  // expected-error @+1 {{operands or results do not match @k}}
  %0 = htk.launch @k(%x, %x) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func private @k(tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel}
func.func @launch_c2_results(%x: tensor<4xf32>) {
  // expected-error @+1 {{operands or results do not match @k}}
  %0:2 = htk.launch @k(%x) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

// Buffers are flat.
func.func @buffer_rank(%step: !llvm.ptr) {
  // expected-error @+1 {{result #0 must be 1D memref of any type values}}
  %0 = htk.input %step[0] : !llvm.ptr -> memref<2x2xf32>
  return
}

// -----

func.func @buffer_rank_of_state(%step: !llvm.ptr) {
  // expected-error @+1 {{result #0 must be 1D memref of any type values}}
  %0 = htk.state %step[0] : !llvm.ptr -> memref<2x2xf32>
  return
}

// -----

func.func @yield_parent(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects parent op 'htk.kernel'}}
  htk.yield %x : tensor<4xf32>
}
