// A chain of which only the softmax is interesting.
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ht.exp %x : tensor<4xf32>
  %1 = ht.softmax %0 axis 0 : tensor<4xf32>
  %2 = ht.neg %1 : tensor<4xf32>
  return %2 : tensor<4xf32>
}
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ht.log %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
