// RUN: halftone-opt %s --canonicalize --split-input-file | FileCheck %s

// A rotation is its own inverse.
// CHECK-LABEL: func.func @twice
// CHECK-SAME: (%[[X:.*]]: tensor<4x64xf32>)
func.func @twice(%x: tensor<4x64xf32>) -> tensor<4x64xf32> {
  %0 = htq.hadamard 8 stride 2 %x : tensor<4x64xf32>
  %1 = htq.hadamard 8 stride 2 %0 : tensor<4x64xf32>
  // CHECK-NEXT: return %[[X]]
  return %1 : tensor<4x64xf32>
}

// -----

// CHECK-LABEL: func.func @others_stay
func.func @others_stay(%x: tensor<4x64xf32>) -> (tensor<4x64xf32>, tensor<4x64xf32>) {
  // CHECK: htq.hadamard 8 %
  %0 = htq.hadamard 8 %x : tensor<4x64xf32>
  // CHECK: htq.hadamard 8 stride 2 %
  %1 = htq.hadamard 8 stride 2 %0 : tensor<4x64xf32>
  // CHECK: htq.hadamard 4 %
  %2 = htq.hadamard 4 %0 : tensor<4x64xf32>
  return %1, %2 : tensor<4x64xf32>, tensor<4x64xf32>
}
