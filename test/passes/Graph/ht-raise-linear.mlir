// RUN: halftone-opt --ht-raise-linear --split-input-file %s | FileCheck %s
// RUN: halftone-opt --ht-raise-linear --split-input-file --remarks-filter-missed=ht-raise-linear \
// RUN:   --remark-format=emitRemark %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=MISSED

// The recipe turns the weight; the bias may stand on either side.
// CHECK:       ht.weight @w : tensor<3x2xf32>
// CHECK-NEXT:    %[[LOADED:.*]] = ht.load "m.onnx" offset 16 : tensor<2x3xf32>
// CHECK-NEXT:    %[[TURNED:.*]] = ht.transpose %[[LOADED]] [1, 0]
// CHECK-NEXT:    ht.yield %[[TURNED]]
ht.weight @w : tensor<2x3xf32> {
  %0 = ht.load "m.onnx" offset 16 : tensor<2x3xf32>
  ht.yield %0 : tensor<2x3xf32>
}
ht.weight @b : tensor<3xf32> {
  %0 = ht.load "m.onnx" offset 64 : tensor<3xf32>
  ht.yield %0 : tensor<3xf32>
}
// CHECK-LABEL: func.func @bias
// CHECK-SAME:    (%[[X:.*]]: tensor<4x2xf32>)
// CHECK-DAG:     %[[W:.*]] = ht.get_weight @w : tensor<3x2xf32>
// CHECK-DAG:     %[[B:.*]] = ht.get_weight @b
// CHECK:         %[[Y:.*]] = ht.linear %[[X]], %[[W]] bias %[[B]]
// CHECK-NEXT:    return %[[Y]]
func.func @bias(%x: tensor<4x2xf32>) -> tensor<4x3xf32> {
  %w = ht.get_weight @w : tensor<2x3xf32>
  %b = ht.get_weight @b : tensor<3xf32>
  %0 = ht.matmul %x, %w : tensor<4x2xf32>, tensor<2x3xf32> -> tensor<4x3xf32>
  %1 = ht.add %b, %0 : tensor<3xf32>, tensor<4x3xf32> -> tensor<4x3xf32>
  return %1 : tensor<4x3xf32>
}

// -----

// Two readers in one layout share one recipe; a reader of the file's layout keeps it.
// CHECK:       ht.weight @w : tensor<2x3xf32>
// CHECK:       ht.weight @w_t : tensor<3x2xf32>
// CHECK-NOT:   ht.weight
ht.weight @w : tensor<2x3xf32> {
  %0 = ht.load "m.onnx" offset 16 : tensor<2x3xf32>
  ht.yield %0 : tensor<2x3xf32>
}
// CHECK-LABEL: func.func @two_layouts
// CHECK-DAG:     %[[W:.*]] = ht.get_weight @w :
// CHECK-DAG:     %[[FIRST:.*]] = ht.get_weight @w_t
// CHECK-DAG:     %[[SECOND:.*]] = ht.get_weight @w_t
// CHECK-DAG:     ht.linear %{{.*}}, %[[FIRST]]
// CHECK-DAG:     ht.linear %{{.*}}, %[[SECOND]]
// CHECK-DAG:     ht.exp %[[W]]
func.func @two_layouts(%x: tensor<4x2xf32>, %y: tensor<5x2xf32>) -> (tensor<4x3xf32>, tensor<5x3xf32>, tensor<2x3xf32>) {
  %w = ht.get_weight @w : tensor<2x3xf32>
  %0 = ht.matmul %x, %w : tensor<4x2xf32>, tensor<2x3xf32> -> tensor<4x3xf32>
  %1 = ht.matmul %y, %w : tensor<5x2xf32>, tensor<2x3xf32> -> tensor<5x3xf32>
  %2 = ht.exp %w : tensor<2x3xf32>
  return %0, %1, %2 : tensor<4x3xf32>, tensor<5x3xf32>, tensor<2x3xf32>
}

// -----

// Tied to an embedding, the table is [out, in] already.
// CHECK:       ht.weight @table : tensor<3x2xf32>
// CHECK-NOT:   ht.transpose
ht.weight @table : tensor<3x2xf32> {
  %0 = ht.load "m.onnx" offset 16 : tensor<3x2xf32>
  ht.yield %0 : tensor<3x2xf32>
}
// CHECK-LABEL: func.func @tied
// CHECK:         %[[TABLE:.*]] = ht.get_weight @table
// CHECK:         %[[X:.*]] = ht.embedding %[[TABLE]]
// CHECK:         ht.linear %[[X]], %[[TABLE]] :
func.func @tied(%ids: tensor<4xi64>) -> tensor<4x3xf32> {
  %table = ht.get_weight @table : tensor<3x2xf32>
  %x = ht.embedding %table, %ids : tensor<3x2xf32>, tensor<4xi64> -> tensor<4x2xf32>
  %turned = ht.transpose %table [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
  %0 = ht.matmul %x, %turned : tensor<4x2xf32>, tensor<2x3xf32> -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

// Stored as bf16, widened in the graph: the linear widens when it reads.
ht.weight @narrow : tensor<2x3xbf16> {
  %0 = ht.load "m.onnx" offset 16 : tensor<2x3xbf16>
  ht.yield %0 : tensor<2x3xbf16>
}
// CHECK-LABEL: func.func @narrow_weight
// CHECK:         %[[W:.*]] = ht.get_weight @narrow : tensor<3x2xbf16>
// CHECK:         ht.linear %{{.*}}, %[[W]] :
func.func @narrow_weight(%x: tensor<4x2xf32>) -> tensor<4x3xf32> {
  %w = ht.get_weight @narrow : tensor<2x3xbf16>
  %wide = ht.cast %w : tensor<2x3xbf16> to tensor<2x3xf32>
  %0 = ht.matmul %x, %wide : tensor<4x2xf32>, tensor<2x3xf32> -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

// A residual is no bias, whatever its shape.
ht.weight @w : tensor<2x3xf32> {
  %0 = ht.load "m.onnx" offset 16 : tensor<2x3xf32>
  ht.yield %0 : tensor<2x3xf32>
}
// CHECK-LABEL: func.func @residual
// CHECK:         %[[Y:.*]] = ht.linear %{{.*}}, %{{.*}} : tensor<4x2xf32>, tensor<3x2xf32> ->
// CHECK:         ht.add %[[Y]]
func.func @residual(%x: tensor<4x2xf32>, %r: tensor<3xf32>) -> tensor<4x3xf32> {
  %w = ht.get_weight @w : tensor<2x3xf32>
  %0 = ht.matmul %x, %w : tensor<4x2xf32>, tensor<2x3xf32> -> tensor<4x3xf32>
  %1 = ht.add %0, %r : tensor<4x3xf32>, tensor<3xf32> -> tensor<4x3xf32>
  return %1 : tensor<4x3xf32>
}

// -----

// Near miss: the weight on the left.
ht.weight @w : tensor<4x2xf32> {
  %0 = ht.load "m.onnx" offset 16 : tensor<4x2xf32>
  ht.yield %0 : tensor<4x2xf32>
}
// CHECK-LABEL: func.func @left
// CHECK:         ht.matmul
// MISSED: not raised: the weight of a linear must be the right operand, but found ht.get_weight at
func.func @left(%x: tensor<2x3xf32>) -> tensor<4x3xf32> {
  %w = ht.get_weight @w : tensor<4x2xf32>
  %0 = ht.matmul %w, %x : tensor<4x2xf32>, tensor<2x3xf32> -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

// Near miss: a weight per batch.
ht.weight @experts : tensor<5x2x3xf32> {
  %0 = ht.load "m.onnx" offset 16 : tensor<5x2x3xf32>
  ht.yield %0 : tensor<5x2x3xf32>
}
// CHECK-LABEL: func.func @batched
// CHECK:         ht.matmul
// MISSED: not raised: the weight of a linear must be two-dimensional, but found ht.get_weight at
func.func @batched(%x: tensor<5x4x2xf32>) -> tensor<5x4x3xf32> {
  %w = ht.get_weight @experts : tensor<5x2x3xf32>
  %0 = ht.matmul %x, %w : tensor<5x4x2xf32>, tensor<5x2x3xf32> -> tensor<5x4x3xf32>
  return %0 : tensor<5x4x3xf32>
}

// -----

// A product of activations is no near miss.
// CHECK-LABEL: func.func @activations
// CHECK:         ht.matmul
// MISSED-NOT: not raised
func.func @activations(%x: tensor<4x2xf32>, %y: tensor<2x3xf32>) -> tensor<4x3xf32> {
  %0 = ht.matmul %x, %y : tensor<4x2xf32>, tensor<2x3xf32> -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}
