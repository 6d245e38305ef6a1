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
