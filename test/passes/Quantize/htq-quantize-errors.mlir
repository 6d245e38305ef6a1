// RUN: halftone-opt --htq-quantize --split-input-file --verify-diagnostics %s

ht.weight @w : tensor<8x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<8x4xf32>
  ht.yield %0 : tensor<8x4xf32>
}
func.func @rotation(%x: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %w = ht.get_weight @w : tensor<8x4xf32>
  // expected-error @+1 {{has a rotation to come before quantization: htq-rotate makes it}}
  %0 = ht.linear %x, %w {htq.weights = #htq.format<bf16>, htq.rotation = array<i64: 4, 1>} : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// -----

func.func @computed(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>) -> tensor<3x8xf32> {
  // expected-error @+1 {{has a format for a weight that is no parameter of the model}}
  %0 = ht.linear %x, %w {htq.weights = #htq.format<bf16>} : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// -----

ht.weight @w : tensor<8x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<8x4xf32>
  ht.yield %0 : tensor<8x4xf32>
}
func.func @other_term(%x: tensor<3x4xf32>) -> tensor<3x8xf32> {
  %w = ht.get_weight @w : tensor<8x4xf32>
  // expected-error @+1 {{has a format without a rule, but @w is no value of its term}}
  %0 = ht.linear %x, %w {htq.weights = #htq.format<affine<i8, blocks [1, ?], scale f32>>} : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}
