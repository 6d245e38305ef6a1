// RUN: halftone-opt --htk-build-step --split-input-file --verify-diagnostics %s

// expected-error @+1 {{expected a graph function @main}}
module @no_graph {
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ht.exp' op is not in a kernel: run htk-form-kernels and htk-outline-kernels first}}
  %0 = ht.exp %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'htk.kernel' op is not in a kernel: run htk-form-kernels and htk-outline-kernels first}}
  %0 = htk.kernel "copy"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%y: tensor<4xf32>):
    htk.yield %y : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

// 2^60 elements have no place in any arena; products past 64 bits must not wrap.
// expected-error @below {{values of the largest shapes need more than 64 TiB}}
func.func @main(%x: tensor<?x?xf32, #ht.dims<s0, s1>>) -> tensor<?x?xf32, #ht.dims<s0, s1>>
    attributes {ht.symbols = [#ht.symbol<"a", 1, 1099511627776>, #ht.symbol<"b", 1, 1099511627776>]} {
  %0 = htk.launch @half(%x) : (tensor<?x?xf32, #ht.dims<s0, s1>>) -> tensor<?x?xf32, #ht.dims<s0, s1>>
  %1 = htk.launch @half(%0) : (tensor<?x?xf32, #ht.dims<s0, s1>>) -> tensor<?x?xf32, #ht.dims<s0, s1>>
  return %1 : tensor<?x?xf32, #ht.dims<s0, s1>>
}
func.func private @half(%x: tensor<?x?xf32, #ht.dims<s0, s1>>) -> tensor<?x?xf32, #ht.dims<s0, s1>>
    attributes {htk.kernel, ht.symbols = [#ht.symbol<"a", 1, 1099511627776>, #ht.symbol<"b", 1, 1099511627776>]} {
  %0 = ht.neg %x : tensor<?x?xf32, #ht.dims<s0, s1>>
  return %0 : tensor<?x?xf32, #ht.dims<s0, s1>>
}

// -----

// Only a state may be changed in place: the old value may have other readers.
func.func private @update(%s: tensor<2x4xf32>, %x: tensor<1x1xf32>, %n: tensor<1xi64>) -> tensor<2x4xf32>
    attributes {htk.kernel} {
  %0 = ht.update %s, %x sequences %n start %n : tensor<2x4xf32>, tensor<1x1xf32>, tensor<1xi64>, tensor<1xi64>
  return %0 : tensor<2x4xf32>
}
func.func @main(%s: tensor<2x4xf32>, %x: tensor<1x1xf32>, %n: tensor<1xi64>) -> tensor<2x4xf32> {
  // expected-error @+1 {{'htk.launch' op updates a value that no state of the graph is: it would change its operand}}
  %0 = htk.launch @update(%s, %x, %n) : (tensor<2x4xf32>, tensor<1x1xf32>, tensor<1xi64>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func private @update(%s: tensor<2x4xf32>, %x: tensor<1x1xf32>, %n: tensor<1xi64>) -> tensor<2x4xf32>
    attributes {htk.kernel} {
  %0 = ht.update %s, %x sequences %n start %n : tensor<2x4xf32>, tensor<1x1xf32>, tensor<1xi64>, tensor<1xi64>
  return %0 : tensor<2x4xf32>
}
func.func private @f(tensor<2x4xf32>) -> tensor<2x4xf32> attributes {htk.kernel}
func.func @main(%s: tensor<2x4xf32> {ht.name = "s", ht.state}, %x: tensor<1x1xf32>, %n: tensor<1xi64>)
    -> (tensor<2x4xf32>, tensor<2x4xf32> {ht.name = "s", ht.state}) {
  %0 = htk.launch @update(%s, %x, %n) : (tensor<2x4xf32>, tensor<1x1xf32>, tensor<1xi64>) -> tensor<2x4xf32>
  // expected-error @+1 {{'htk.launch' op reads a state that has been, or is being, overwritten}}
  %1 = htk.launch @f(%s) : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1, %0 : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// States that trade places would need a third one.
func.func private @copy(tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel}
func.func @main(%a: tensor<4xf32> {ht.name = "a", ht.state}, %b: tensor<4xf32> {ht.name = "b", ht.state})
    -> (tensor<4xf32> {ht.name = "a", ht.state}, tensor<4xf32> {ht.name = "b", ht.state}) {
  %0 = htk.launch @copy(%b) : (tensor<4xf32>) -> tensor<4xf32>
  // expected-error @+1 {{'htk.launch' op reads a state that has been, or is being, overwritten}}
  %1 = htk.launch @copy(%a) : (tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// expected-error @+1 {{states need more than 64 TiB}}
func.func @main(%s: tensor<1099511627776x1099511627776xf32> {ht.name = "s", ht.state})
    -> (tensor<1099511627776x1099511627776xf32> {ht.name = "s", ht.state}) {
  return %s : tensor<1099511627776x1099511627776xf32>
}
