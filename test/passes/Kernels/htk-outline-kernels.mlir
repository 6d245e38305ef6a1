// RUN: halftone-opt --htk-outline-kernels --split-input-file %s | FileCheck %s
// What printers are asked to leave out still tells kernels apart.
// RUN: halftone-opt --htk-outline-kernels --split-input-file --mlir-elide-elementsattrs-if-larger=1 %s | FileCheck %s --check-prefix=ELIDED

// A kernel becomes a private function, and its place a launch.
// CHECK-LABEL: func.func @outlined
// CHECK-SAME:    (%[[X:.*]]: tensor<?xf32, #ht.dims<s0>>)
// CHECK-NEXT:    %[[Y:.*]] = htk.launch @exp(%[[X]]) : (tensor<?xf32, #ht.dims<s0>>) -> tensor<?xf32, #ht.dims<s0>>
// CHECK-NEXT:    return %[[Y]]
// Its shapes are over the same symbols.
// CHECK:       func.func private @exp(%[[Z:.*]]: tensor<?xf32, #ht.dims<s0>>) -> tensor<?xf32, #ht.dims<s0>>
// CHECK-SAME:    attributes {ht.symbols = [#ht.symbol<"rows", 1, 8>], htk.kernel}
// CHECK-NEXT:    %[[EXP:.*]] = ht.exp %[[Z]]
// CHECK-NEXT:    return %[[EXP]]
func.func @outlined(%x: tensor<?xf32, #ht.dims<s0>>) -> tensor<?xf32, #ht.dims<s0>>
    attributes {ht.symbols = [#ht.symbol<"rows", 1, 8>]} {
  %0 = htk.kernel "exp"(%x) : (tensor<?xf32, #ht.dims<s0>>) -> tensor<?xf32, #ht.dims<s0>> {
  ^bb0(%y: tensor<?xf32, #ht.dims<s0>>):
    %1 = ht.exp %y : tensor<?xf32, #ht.dims<s0>>
    htk.yield %1 : tensor<?xf32, #ht.dims<s0>>
  }
  return %0 : tensor<?xf32, #ht.dims<s0>>
}

// -----

// Equal kernels share one function, whatever their operands are called.
// CHECK-LABEL: func.func @equal
// CHECK:         %[[ONCE:.*]] = htk.launch @exp(
// CHECK:         htk.launch @exp(%[[ONCE]])
// CHECK:       func.func private @exp(
// CHECK-NOT:   func.func
func.func @equal(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = htk.kernel "exp"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%y: tensor<4xf32>):
    %2 = ht.exp %y : tensor<4xf32>
    htk.yield %2 : tensor<4xf32>
  }
  %1 = htk.kernel "exp"(%0) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%argument: tensor<4xf32>):
    %2 = ht.exp %argument : tensor<4xf32>
    htk.yield %2 : tensor<4xf32>
  }
  return %1 : tensor<4xf32>
}

// -----

// Other shapes are other kernels, under names of their own.
// CHECK-LABEL: func.func @shapes
// CHECK:         htk.launch @exp(%{{.*}}) : (tensor<4xf32>)
// CHECK:         htk.launch @[[SECOND:exp.+]](%{{.*}}) : (tensor<5xf32>)
// CHECK-DAG:   func.func private @exp(%{{.*}}: tensor<4xf32>)
// CHECK-DAG:   func.func private @[[SECOND]](%{{.*}}: tensor<5xf32>)
func.func @shapes(%x: tensor<4xf32>, %y: tensor<5xf32>) -> (tensor<4xf32>, tensor<5xf32>) {
  %0 = htk.kernel "exp"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%z: tensor<4xf32>):
    %2 = ht.exp %z : tensor<4xf32>
    htk.yield %2 : tensor<4xf32>
  }
  %1 = htk.kernel "exp"(%y) : (tensor<5xf32>) -> tensor<5xf32> {
  ^bb0(%z: tensor<5xf32>):
    %2 = ht.exp %z : tensor<5xf32>
    htk.yield %2 : tensor<5xf32>
  }
  return %0, %1 : tensor<4xf32>, tensor<5xf32>
}

// -----

// So are other attributes of an operation, however deep.
// CHECK-LABEL: func.func @attributes
// CHECK:         htk.launch @rms_norm(
// CHECK:         htk.launch @rms_norm_{{.+}}(
func.func @attributes(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = htk.kernel "rms_norm"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%y: tensor<4xf32>):
    %2 = ht.rms_norm %y, %y epsilon 1.0 : tensor<4xf32>, tensor<4xf32>
    htk.yield %2 : tensor<4xf32>
  }
  %1 = htk.kernel "rms_norm"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%y: tensor<4xf32>):
    %2 = ht.rms_norm %y, %y epsilon 2.0 : tensor<4xf32>, tensor<4xf32>
    htk.yield %2 : tensor<4xf32>
  }
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A literal is part of the code, printed or not.
// CHECK-LABEL: func.func @literals
// CHECK:         htk.launch @constant(
// CHECK:         htk.launch @constant_{{.+}}(
// ELIDED-LABEL: func.func @literals
// ELIDED:         htk.launch @constant(
// ELIDED:         htk.launch @constant_{{.+}}(
func.func @literals() -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = htk.kernel "constant"() : () -> tensor<2xf32> {
    %2 = ht.constant dense<[1.0, 2.0]> : tensor<2xf32>
    htk.yield %2 : tensor<2xf32>
  }
  %1 = htk.kernel "constant"() : () -> tensor<2xf32> {
    %2 = ht.constant dense<[1.0, 3.0]> : tensor<2xf32>
    htk.yield %2 : tensor<2xf32>
  }
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

// -----

// A fault names the node that looked something up: lookups of two nodes do not share.
// CHECK-LABEL: func.func @faults
// CHECK:         htk.launch @gather(
// CHECK:         htk.launch @[[OTHER:gather_.+]](
// CHECK:         htk.launch @[[OTHER]](
func.func @faults(%x: tensor<4xf32>, %i: tensor<2xi64>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %0 = htk.kernel "gather"(%x, %i) : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xf32> {
  ^bb0(%y: tensor<4xf32>, %j: tensor<2xi64>):
    %2 = ht.gather %y, %j axis 0 : tensor<4xf32>, tensor<2xi64> -> tensor<2xf32> loc("positions")
    htk.yield %2 : tensor<2xf32>
  }
  %1 = htk.kernel "gather"(%x, %i) : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xf32> {
  ^bb0(%y: tensor<4xf32>, %j: tensor<2xi64>):
    %2 = ht.gather %y, %j axis 0 : tensor<4xf32>, tensor<2xi64> -> tensor<2xf32> loc("words")
    htk.yield %2 : tensor<2xf32>
  }
  %2 = htk.kernel "gather"(%x, %i) : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xf32> {
  ^bb0(%y: tensor<4xf32>, %j: tensor<2xi64>):
    %3 = ht.gather %y, %j axis 0 : tensor<4xf32>, tensor<2xi64> -> tensor<2xf32> loc("words")
    htk.yield %3 : tensor<2xf32>
  }
  return %0, %1, %2 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}
