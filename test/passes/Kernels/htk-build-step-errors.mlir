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
