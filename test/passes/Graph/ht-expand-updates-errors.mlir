// RUN: halftone-opt %s --ht-expand-updates --verify-diagnostics

func.func @any_sequences(%past: tensor<2x16x8xf32>, %x: tensor<1x1x8xf32>, %at: tensor<1xi64>) -> tensor<2x16x8xf32> {
  // expected-error @below {{of what is no state of the graph needs its sequences in order}}
  %0 = ht.update %past, %x sequences %at start %at
    : tensor<2x16x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>, tensor<1xi64>
  return %0 : tensor<2x16x8xf32>
}
