// Each phase's contract, broken once; the label names it.
// RUN: split-file %s %t
// RUN: halftone-opt --ht-verify-phase=phase=import --split-input-file --verify-diagnostics %t/import.mlir
// RUN: halftone-opt --ht-verify-phase=phase=raise --split-input-file --verify-diagnostics %t/raise.mlir
// RUN: halftone-opt --ht-verify-phase=phase=assign --split-input-file --verify-diagnostics %t/assign.mlir
// RUN: halftone-opt --ht-verify-phase=phase=fold --split-input-file --verify-diagnostics %t/fold.mlir
// RUN: halftone-opt --ht-verify-phase=phase=quantize --split-input-file --verify-diagnostics %t/quantize.mlir
// RUN: halftone-opt --ht-verify-phase=phase=fuse --split-input-file --verify-diagnostics %t/fuse.mlir
// RUN: halftone-opt --ht-verify-phase=phase=layout --split-input-file --verify-diagnostics %t/layout.mlir
// RUN: halftone-opt --ht-verify-phase=phase=lower --split-input-file --verify-diagnostics %t/lower.mlir
// RUN: halftone-opt --ht-verify-phase=phase=unfold --split-input-file --verify-diagnostics %t/unknown.mlir

//--- import.mlir
// expected-error @+1 {{phase 'import' must leave a graph function @main}}
module @import_main {
}

// -----

// expected-error @+1 {{phase 'import' must leave a graph function @main}}
module @import_main_declared {
  func.func private @main()
}

// -----

func.func private @main_helper(tensor<4xf32>) -> tensor<4xf32>
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'func.call' op is still in @main after phase 'import'}}
  %0 = func.call @main_helper(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// expected-error @+1 {{argument 1 is 'tensor<?xf32>' after phase 'import', expected a tensor whose dynamic dimensions have expressions}}
func.func @main(%x: tensor<4xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  return %y : tensor<?xf32>
}

// -----

// expected-error @+1 {{argument 0 is 'memref<4xf32>' after phase 'import', expected a tensor}}
func.func @main(%x: memref<4xf32>) {
  return
}

//--- raise.mlir
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'htk.kernel' op is still in @main after phase 'raise'}}
  %0 = htk.kernel "copy"(%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%y: tensor<4xf32>):
    htk.yield %y : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

//--- assign.mlir
func.func @main(%x: tensor<4xf32>) {
  // expected-error @+1 {{'arith.constant' op is still in @main after phase 'assign'}}
  %0 = arith.constant 0 : index
  return
}

//--- fold.mlir
func.func @main(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>) -> tensor<3x8xf32> {
  // expected-error @+1 {{still has htq.rotation after phase 'fold'}}
  %0 = ht.linear %x, %w {htq.rotation = array<i64: 4, 1>} : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

//--- quantize.mlir
// expected-error @+1 {{phase 'quantize' must leave a graph function @main}}
module @quantize_main {
}

// -----

func.func @main(%x: tensor<2x4xf32>, %w: tensor<3x4xf32>) -> tensor<2x3xf32> {
  // expected-error @+1 {{'ht.linear' op still has htq.weights after phase 'quantize'}}
  %0 = ht.linear %x, %w {htq.weights = #htq.format<bf16>} : tensor<2x4xf32>, tensor<3x4xf32> -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

//--- fuse.mlir
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ht.exp' op is still in @main after phase 'fuse'}}
  %0 = ht.exp %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

//--- layout.mlir
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{'ht.exp' op is still in @main after phase 'layout'}}
  %0 = ht.exp %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

ht.weight @w : tensor<4x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<4x4xf32>
  ht.yield %0 : tensor<4x4xf32>
}
func.func @main(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %w = ht.get_weight @w : tensor<4x4xf32>
  %0 = htk.kernel "linear"(%x, %w) : (tensor<3x4xf32>, tensor<4x4xf32>) -> tensor<3x4xf32> {
  ^bb0(%y: tensor<3x4xf32>, %v: tensor<4x4xf32>):
    // expected-error @+1 {{'ht.linear' op reads an unpacked weight after phase 'layout'}}
    %1 = ht.linear %y, %v : tensor<3x4xf32>, tensor<4x4xf32> -> tensor<3x4xf32>
    htk.yield %1 : tensor<3x4xf32>
  }
  return %0 : tensor<3x4xf32>
}

//--- lower.mlir
module {
module @level {
  // expected-error @+1 {{'ht.weight' op has no place in the payload after phase 'lower'}}
  ht.weight @w : tensor<4xf32> {
    %0 = ht.load "w" offset 0 : tensor<4xf32>
    ht.yield %0 : tensor<4xf32>
  }
}
}

// -----

module {
module @level {
  // expected-error @+1 {{'func.func' op is not LLVM dialect after phase 'lower'}}
  func.func @step(%x: tensor<4xf32>) {
    return
  }
}
}

// -----

module {
module @level {
  llvm.func @step(%x: i64) {
    // expected-error @+1 {{'arith.addi' op is not LLVM dialect after phase 'lower'}}
    %0 = arith.addi %x, %x : i64
    llvm.return
  }
}
}

// -----

// expected-error @+1 {{'llvm.func' op is not in the module of a level after phase 'lower'}}
llvm.func @step(%x: i64) {
  llvm.return
}

//--- unknown.mlir
// expected-error @+1 {{unknown phase 'unfold'}}
module @unknown {
}
