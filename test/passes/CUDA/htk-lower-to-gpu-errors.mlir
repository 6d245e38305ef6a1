// RUN: halftone-opt --htk-lower-to-gpu --split-input-file --verify-diagnostics %s

// Whatever has no GPU form is named, in every kernel that has such a thing.
func.func private @softmax(%x: tensor<3x8xf32>) -> tensor<3x8xf32> attributes {htk.kernel} {
  // expected-error @+1 {{kernel 'softmax' has no GPU form: ht.softmax is lowered for CPUs only}}
  %0 = ht.softmax %x axis 1 : tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}
func.func private @matmul(%x: tensor<3x8xf32>, %y: tensor<8x4xf32>) -> tensor<3x4xf32> attributes {htk.kernel} {
  // expected-error @+1 {{kernel 'matmul' has no GPU form: ht.matmul is lowered for CPUs only}}
  %0 = ht.matmul %x, %y : tensor<3x8xf32>, tensor<8x4xf32> -> tensor<3x4xf32>
  return %0 : tensor<3x4xf32>
}

// -----

// expected-error @+1 {{kernel 'results' has no GPU form: it has several results}}
func.func private @results(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) attributes {htk.kernel} {
  return %x, %x : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @+1 {{kernel 'gated' has no GPU form: it has several linears}}
func.func private @gated(%x: tensor<3x8xf32>, %v: tensor<1x8x64xf32>, %w: tensor<1x8x64xf32>) -> tensor<3x64xf32> attributes {htk.kernel} {
  %0 = htk.linear f32(%x) by f32(%v) : (tensor<3x8xf32>) by (tensor<1x8x64xf32>) -> tensor<3x64xf32>
  %1 = htk.linear f32(%x) by f32(%w) : (tensor<3x8xf32>) by (tensor<1x8x64xf32>) -> tensor<3x64xf32>
  %2 = ht.mul %0, %1 : tensor<3x64xf32>, tensor<3x64xf32> -> tensor<3x64xf32>
  return %2 : tensor<3x64xf32>
}

// -----

// An index that is known to be inside needs no check; one from data does.
func.func private @gather(%x: tensor<5x3xf32>, %i: tensor<2xi64>) -> tensor<2x3xf32> attributes {htk.kernel} {
  // expected-error @+1 {{kernel 'gather' has no GPU form: an index from data may be out of range, which it cannot report}}
  %0 = ht.gather %x, %i axis 0 : tensor<5x3xf32>, tensor<2xi64> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
func.func private @known(%x: tensor<5x3xf32>) -> tensor<2x3xf32> attributes {htk.kernel} {
  %i = ht.constant dense<[4, 0]> : tensor<2xi64>
  %0 = ht.gather %x, %i axis 0 : tensor<5x3xf32>, tensor<2xi64> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// -----

// A linear's operands are read many times: they come from memory.
func.func private @computed_input(%x: tensor<3x8xf32>, %w: tensor<1x8x64xf32>) -> tensor<3x64xf32> attributes {htk.kernel} {
  %0 = ht.exp %x : tensor<3x8xf32>
  // expected-error @+1 {{'htk.linear' op expects its operands in memory}}
  %1 = htk.linear f32(%0) by f32(%w) : (tensor<3x8xf32>) by (tensor<1x8x64xf32>) -> tensor<3x64xf32>
  return %1 : tensor<3x64xf32>
}
