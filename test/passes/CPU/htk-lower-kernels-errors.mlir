// RUN: halftone-opt --htk-lower-kernels --split-input-file --verify-diagnostics %s

// expected-error @+1 {{'func.func' op expected the results of its root, or one}}
func.func private @results(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) attributes {htk.kernel} {
  return %x, %x : tensor<4xf32>, tensor<4xf32>
}

// -----

// A linear's operands are read many times: they come from memory.
func.func private @computed_input(%x: tensor<3x8xf32>, %w: tensor<1x8x64xf32>) -> tensor<3x64xf32> attributes {htk.kernel} {
  %0 = ht.exp %x : tensor<3x8xf32>
  // expected-error @+1 {{'htk.linear' op expects its operands in memory, or quantized or cast from there}}
  %1 = htk.linear f32(%0) by f32(%w) : (tensor<3x8xf32>) by (tensor<1x8x64xf32>) -> tensor<3x64xf32>
  return %1 : tensor<3x64xf32>
}

// -----

// Each result of several linears is made by one of them.
func.func private @other_result(%x: tensor<3x8xf32>, %w: tensor<1x8x64xf32>) -> (tensor<3x64xf32>, tensor<3x8xf32>) attributes {htk.kernel} {
  %0 = htk.linear f32(%x) by f32(%w) : (tensor<3x8xf32>) by (tensor<1x8x64xf32>) -> tensor<3x64xf32>
  %1 = ht.exp %x : tensor<3x8xf32>
  // expected-error @+1 {{has a result that no linear of the kernel makes}}
  return %0, %1 : tensor<3x64xf32>, tensor<3x8xf32>
}

// -----

func.func private @other_root(%x: tensor<3x64xf32>, %w: tensor<1x64x64xf32>) -> tensor<3x64xf32> attributes {htk.kernel} {
  %0 = htk.linear f32(%x) by f32(%w) : (tensor<3x64xf32>) by (tensor<1x64x64xf32>) -> tensor<3x64xf32>
  // expected-error @+1 {{'ht.softmax' op expects linears with weights in memory}}
  %1 = ht.softmax %0 axis 1 : tensor<3x64xf32>
  return %1 : tensor<3x64xf32>
}

// -----

func.func private @other_input(%x: tensor<3x8xf32>, %y: tensor<3x8xf32>, %w: tensor<1x8x64xf32>) -> tensor<3x64xf32> attributes {htk.kernel} {
  %0 = htk.linear f32(%x) by f32(%w) : (tensor<3x8xf32>) by (tensor<1x8x64xf32>) -> tensor<3x64xf32>
  // expected-error @+1 {{'htk.linear' op has another shape or input than the kernel's result}}
  %1 = htk.linear f32(%y) by f32(%w) : (tensor<3x8xf32>) by (tensor<1x8x64xf32>) -> tensor<3x64xf32>
  %2 = ht.add %0, %1 : tensor<3x64xf32>, tensor<3x64xf32> -> tensor<3x64xf32>
  return %2 : tensor<3x64xf32>
}

// -----

#w = #ht.dims<s0>
func.func private @dynamic_width(%q: tensor<1x3x2x?xf32, #w>) -> tensor<1x3x2x?xf32, #w>
    attributes {htk.kernel, ht.symbols = [#ht.symbol<"width", 1, 8>]} {
  // expected-error @+1 {{'ht.attention' op needs constant numbers of heads and channels}}
  %0 = ht.attention %q, %q, %q scale 1.0
      : tensor<1x3x2x?xf32, #w>, tensor<1x3x2x?xf32, #w>, tensor<1x3x2x?xf32, #w> -> tensor<1x3x2x?xf32, #w>
  return %0 : tensor<1x3x2x?xf32, #w>
}

// -----

// A launch of the value form has no step to hand on.
func.func private @kernel(%x: tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel} {
  %0 = ht.neg %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
func.func @value_form(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{is in the value form: run htk-build-step first}}
  %0 = htk.launch @kernel(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
