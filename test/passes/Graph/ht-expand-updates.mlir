// RUN: halftone-opt %s --ht-expand-updates --split-input-file --remarks-filter-passed=ht-expand-updates --remark-format=emitRemark 2>&1 | FileCheck %s

// The cache is an input and comes out as an output: each row is the old or the new one.
// CHECK: remark: {{.*}}a cache that is an input is copied at every step
// CHECK-LABEL: func.func @input
// CHECK-SAME: (%[[PAST:.+]]: tensor<2x16x4x8xf32>, %[[KEY:.+]]: tensor<2x?x4x8xf32, #ht.dims<s0>>, %[[START:.+]]: tensor<2xi64>)
// CHECK-DAG: %[[ROW:.+]] = ht.iota : tensor<16xi64>
// CHECK-DAG: %[[AT:.+]] = ht.reshape %[[START]] : tensor<2xi64> to tensor<2x1xi64>
// CHECK: %[[FRESH:.+]] = ht.sub %[[ROW]], %[[AT]]
// CHECK: %[[COUNT:.+]] = ht.dim <s0>
// CHECK-DAG: %[[BEHIND:.+]] = ht.compare ge %[[FRESH]], %{{.+}}
// CHECK-DAG: %[[BELOW:.+]] = ht.compare lt %[[FRESH]], %[[COUNT]]
// CHECK: %[[IS_NEW:.+]] = ht.and %[[BEHIND]], %[[BELOW]]
// CHECK: %[[CHOSEN:.+]] = ht.gather_nd %[[KEY]], %{{.+}} -> tensor<2x16x4x8xf32>
// CHECK: %[[EACH:.+]] = ht.reshape %[[IS_NEW]] : tensor<2x16xi1> to tensor<2x16x1x1xi1>
// CHECK: %[[PRESENT:.+]] = ht.where %[[EACH]], %[[CHOSEN]], %[[PAST]]
// CHECK: return %[[PRESENT]]
func.func @input(%past: tensor<2x16x4x8xf32>, %key: tensor<2x?x4x8xf32, #ht.dims<s0>>, %start: tensor<2xi64>)
    -> tensor<2x16x4x8xf32> attributes {ht.symbols = [#ht.symbol<"tokens", 1, 8>]} {
  %rows = ht.iota : tensor<2xi64>
  %y = ht.update %past, %key sequences %rows start %start
    : tensor<2x16x4x8xf32>, tensor<2x?x4x8xf32, #ht.dims<s0>>, tensor<2xi64>, tensor<2xi64>
  return %y : tensor<2x16x4x8xf32>
}

// -----

// A state is changed where it lies, and so is what it became.
// CHECK-LABEL: func.func @state
// CHECK: ht.update
// CHECK: ht.update
// CHECK-NOT: ht.where
func.func @state(%x: tensor<1x1x8xf32> {ht.name = "x"}, %at: tensor<1xi64> {ht.name = "at"},
                 %kept: tensor<2x16x8xf32> {ht.name = "kept", ht.state})
    -> (tensor<2x16x8xf32> {ht.name = "kept", ht.state}) {
  %0 = ht.update %kept, %x sequences %at start %at
    : tensor<2x16x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>, tensor<1xi64>
  %1 = ht.update %0, %x sequences %at start %at
    : tensor<2x16x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>, tensor<1xi64>
  return %1 : tensor<2x16x8xf32>
}
