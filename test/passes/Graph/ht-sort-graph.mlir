// RUN: halftone-opt --ht-sort-graph %s | FileCheck %s

// Weights in the order of their first use; the unread one last.
// CHECK:       ht.weight @second
// CHECK:       ht.weight @first
// CHECK:       ht.weight @unread
ht.weight @unread : tensor<2xf32> {
  %0 = ht.load "m.onnx" offset 0 : tensor<2xf32>
  ht.yield %0 : tensor<2xf32>
}
ht.weight @first : tensor<2xf32> {
  %0 = ht.load "m.onnx" offset 8 : tensor<2xf32>
  ht.yield %0 : tensor<2xf32>
}
ht.weight @second : tensor<2xf32> {
  %0 = ht.load "m.onnx" offset 16 : tensor<2xf32>
  ht.yield %0 : tensor<2xf32>
}

// Producers stand before their first reader, in the order of its operands; the deeper
// operand of a commuting operation comes first, that of another stays.
// CHECK-LABEL: func.func @main
// CHECK-SAME:    (%[[X:.*]]: tensor<2xf32>)
// CHECK-NEXT:    %[[SECOND:.*]] = ht.get_weight @second
// CHECK-NEXT:    %[[FIRST:.*]] = ht.get_weight @first
// CHECK-NEXT:    %[[EXP:.*]] = ht.exp %[[FIRST]]
// CHECK-NEXT:    %[[SUB:.*]] = ht.sub %[[SECOND]], %[[EXP]]
// CHECK-NEXT:    %[[ADD:.*]] = ht.add %[[SUB]], %[[X]]
// CHECK-NEXT:    return %[[ADD]]
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %first = ht.get_weight @first : tensor<2xf32>
  %second = ht.get_weight @second : tensor<2xf32>
  %0 = ht.exp %first : tensor<2xf32>
  %1 = ht.sub %second, %0 : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  %2 = ht.add %x, %1 : tensor<2xf32>, tensor<2xf32> -> tensor<2xf32>
  return %2 : tensor<2xf32>
}

// Operations that nothing reads keep their place before what they do not need.
// CHECK-LABEL: func.func @unread_operation
// CHECK-NEXT:    ht.exp
// CHECK-NEXT:    return
func.func @unread_operation(%x: tensor<2xf32>) {
  %0 = ht.exp %x : tensor<2xf32>
  return
}
