// RUN: halftone-opt --ht-raise-embedding --split-input-file %s | FileCheck %s
// RUN: halftone-opt --ht-raise-embedding --split-input-file --remarks-filter-missed=ht-raise-embedding \
// RUN:   --remark-format=emitRemark %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=MISSED

ht.weight @table : tensor<9x4xf32> {
  %0 = ht.load "m.onnx" offset 0 : tensor<9x4xf32>
  ht.yield %0 : tensor<9x4xf32>
}
// CHECK-LABEL: func.func @rows
// CHECK-SAME:    (%[[IDS:.*]]: tensor<2x3xi64>)
// CHECK:         %[[TABLE:.*]] = ht.get_weight @table
// CHECK-NEXT:    %[[Y:.*]] = ht.embedding %[[TABLE]], %[[IDS]]
// CHECK-NEXT:    return %[[Y]]
func.func @rows(%ids: tensor<2x3xi64>) -> tensor<2x3x4xf32> {
  %table = ht.get_weight @table : tensor<9x4xf32>
  %0 = ht.gather %table, %ids axis 0 : tensor<9x4xf32>, tensor<2x3xi64> -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// -----

// Read as f32, which the graph's own cast wanted.
ht.weight @half : tensor<9x4xf16> {
  %0 = ht.load "m.onnx" offset 0 : tensor<9x4xf16>
  ht.yield %0 : tensor<9x4xf16>
}
// CHECK-LABEL: func.func @narrow
// CHECK:         %[[TABLE:.*]] = ht.get_weight @half
// CHECK-NEXT:    %[[Y:.*]] = ht.embedding %[[TABLE]], %{{.*}} -> tensor<2x4xf32>
// CHECK-NEXT:    return %[[Y]]
func.func @narrow(%ids: tensor<2xi32>) -> tensor<2x4xf32> {
  %table = ht.get_weight @half : tensor<9x4xf16>
  %0 = ht.gather %table, %ids axis 0 : tensor<9x4xf16>, tensor<2xi32> -> tensor<2x4xf16>
  %1 = ht.cast %0 : tensor<2x4xf16> to tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

// Near miss: columns.
ht.weight @table : tensor<9x4xf32> {
  %0 = ht.load "m.onnx" offset 0 : tensor<9x4xf32>
  ht.yield %0 : tensor<9x4xf32>
}
// CHECK-LABEL: func.func @columns
// CHECK:         ht.gather
// MISSED: not raised: an embedding gathers along axis 0, but found ht.gather at
func.func @columns(%ids: tensor<2xi64>) -> tensor<9x2xf32> {
  %table = ht.get_weight @table : tensor<9x4xf32>
  %0 = ht.gather %table, %ids axis 1 : tensor<9x4xf32>, tensor<2xi64> -> tensor<9x2xf32>
  return %0 : tensor<9x2xf32>
}

// -----

// A gather of activations is no near miss.
// CHECK-LABEL: func.func @activations
// CHECK:         ht.gather
// MISSED-NOT: not raised
func.func @activations(%x: tensor<9x4xf32>, %ids: tensor<2xi64>) -> tensor<2x4xf32> {
  %0 = ht.gather %x, %ids axis 0 : tensor<9x4xf32>, tensor<2xi64> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
