// RUN: halftone-opt --ht-canonical-names %s | FileCheck %s --check-prefixes=CHECK,KEEP
// RUN: halftone-opt --ht-canonical-names=forget-files=true --mlir-print-debuginfo --mlir-print-local-scope %s \
// RUN:   | FileCheck %s --check-prefixes=CHECK,FORGET

// CHECK:       ht.weight @w1 :
// KEEP:          ht.load "a.onnx" offset 8 :
// FORGET:        ht.load "" offset 0 : tensor<2xf32> loc(unknown)
ht.weight @head.weight : tensor<2xf32> {
  %0 = ht.load "a.onnx" offset 8 : tensor<2xf32>
  ht.yield %0 : tensor<2xf32>
}
// CHECK:       ht.weight @w0 :
ht.weight @embed.weight : tensor<2xf32> {
  %0 = ht.load "a.onnx" offset 16 : tensor<2xf32>
  ht.yield %0 : tensor<2xf32>
}
// CHECK-LABEL: func.func @main
// CHECK:         ht.get_weight @w0
// CHECK:         ht.get_weight @w1
// CHECK:         ht.get_weight @w0
func.func @main() -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %0 = ht.get_weight @embed.weight : tensor<2xf32>
  %1 = ht.get_weight @head.weight : tensor<2xf32>
  %2 = ht.get_weight @embed.weight : tensor<2xf32>
  return %0, %1, %2 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}
