// RUN: halftone-opt --ht-drop-unused-weights %s | FileCheck %s

// CHECK:       ht.weight @read :
// CHECK-NOT:   ht.weight
ht.weight @read : tensor<2xf32> {
  %0 = ht.load "m.onnx" offset 0 : tensor<2xf32>
  ht.yield %0 : tensor<2xf32>
}
ht.weight @unread : tensor<2xf32> {
  %0 = ht.load "m.onnx" offset 8 : tensor<2xf32>
  ht.yield %0 : tensor<2xf32>
}
// CHECK:       func.func @main
func.func @main() -> tensor<2xf32> {
  %0 = ht.get_weight @read : tensor<2xf32>
  return %0 : tensor<2xf32>
}
