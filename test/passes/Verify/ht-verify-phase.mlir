// What each phase may leave: these pass, unchanged.
// RUN: split-file %s %t
// RUN: halftone-opt --ht-verify-phase=phase=import %t/graph.mlir | FileCheck %t/graph.mlir
// RUN: halftone-opt --ht-verify-phase=phase=raise %t/graph.mlir -o /dev/null
// RUN: halftone-opt --ht-verify-phase=phase=assign %t/graph.mlir -o /dev/null
// RUN: halftone-opt --ht-verify-phase=phase=fuse %t/unpacked.mlir -o /dev/null
// RUN: halftone-opt --ht-verify-phase=phase=layout %t/packed.mlir -o /dev/null
// RUN: halftone-opt --ht-verify-phase=phase=lower %t/lowered.mlir -o /dev/null

//--- graph.mlir
// CHECK-LABEL: func.func @main
// CHECK-NEXT:    ht.exp
// CHECK-NEXT:    return
func.func @main(%x: tensor<?xf32, #ht.dims<s0>>) -> tensor<?xf32, #ht.dims<s0>>
    attributes {ht.symbols = [#ht.symbol<"rows", 1, 8>]} {
  %0 = ht.exp %x : tensor<?xf32, #ht.dims<s0>>
  return %0 : tensor<?xf32, #ht.dims<s0>>
}

//--- unpacked.mlir
ht.weight @w : tensor<4x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<4x4xf32>
  ht.yield %0 : tensor<4x4xf32>
}
func.func @main(%x: tensor<3x4xf32>) -> tensor<12xf32> {
  %w = ht.get_weight @w : tensor<4x4xf32>
  %0 = htk.kernel "linear"(%x, %w) : (tensor<3x4xf32>, tensor<4x4xf32>) -> tensor<3x4xf32> {
  ^bb0(%y: tensor<3x4xf32>, %v: tensor<4x4xf32>):
    %1 = ht.linear %y, %v : tensor<3x4xf32>, tensor<4x4xf32> -> tensor<3x4xf32>
    htk.yield %1 : tensor<3x4xf32>
  }
  %1 = ht.reshape %0 : tensor<3x4xf32> to tensor<12xf32>
  return %1 : tensor<12xf32>
}

//--- packed.mlir
// A linear by an input has nothing to pack.
func.func @main(%x: tensor<3x4xf32>, %w: tensor<4x4xf32>) -> tensor<3x4xf32> {
  %0 = htk.kernel "linear"(%x, %w) : (tensor<3x4xf32>, tensor<4x4xf32>) -> tensor<3x4xf32> {
  ^bb0(%y: tensor<3x4xf32>, %v: tensor<4x4xf32>):
    %1 = ht.linear %y, %v : tensor<3x4xf32>, tensor<4x4xf32> -> tensor<3x4xf32>
    htk.yield %1 : tensor<3x4xf32>
  }
  return %0 : tensor<3x4xf32>
}

//--- lowered.mlir
// The graph's signature stays as a declaration.
module {
module @level {
  ht.weight @w : tensor<4xf32> attributes {htk.payload_offset = 0 : i64} {
    %0 = ht.load "w" offset 0 : tensor<4xf32>
    ht.yield %0 : tensor<4xf32>
  }
  func.func private @main(tensor<3x4xf32>) -> tensor<3x4xf32>
  llvm.func @step(%step: !llvm.ptr, %thread: i64) {
    llvm.return
  }
}
}
