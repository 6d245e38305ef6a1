// RUN: halftone-opt --htk-convert-to-llvm --split-input-file --verify-diagnostics %s

// A weight without a place in the payload has no address.
ht.weight @w : tensor<4xf32> {
  %0 = ht.load "weights.bin" offset 0 : tensor<4xf32>
  ht.yield %0 : tensor<4xf32>
}
func.func @step(%step: !llvm.ptr, %thread: index) {
  // expected-error @below {{failed to legalize operation 'htk.payload'}}
  %0 = htk.payload %step[@w] : !llvm.ptr -> memref<?xf32>
  %zero = arith.constant 0 : index
  %1 = memref.load %0[%zero] : memref<?xf32>
  memref.store %1, %0[%zero] : memref<?xf32>
  return
}
