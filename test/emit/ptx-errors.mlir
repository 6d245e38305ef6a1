// RUN: split-file %s %t
// RUN: not halftone-translate --gpu-to-ptx %t/none.mlir 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not halftone-translate --gpu-to-ptx %t/early.mlir 2>&1 | FileCheck %s --check-prefix=EARLY
// RUN: not halftone-translate --gpu-to-llvmir %t/early.mlir 2>&1 | FileCheck %s --check-prefix=EARLY
// RUN: not halftone-translate --gpu-to-ptx --chip=turing %t/empty.mlir 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not halftone-translate --gpu-to-ptx --chip=sm_75 %t/empty.mlir 2>&1 | FileCheck %s --check-prefix=OLD
// RUN: not halftone-translate --gpu-to-ptx --chip=sm_81 %t/empty.mlir 2>&1 | FileCheck %s --check-prefix=UNKNOWN

//--- none.mlir
// NONE: error: expected one gpu.module, got 0
func.func private @kernel()

//--- early.mlir
gpu.module @kernels {
  // EARLY: error: gpu.func is no code of LLVM: run htk-gpu-to-nvvm first
  gpu.func @kernel() kernel {
    gpu.return
  }
}

//--- empty.mlir
// CHIP: error: --chip: expected a GPU that LLVM knows, such as sm_80 or sm_90a, got 'turing'
// OLD: error: --chip: kernels are for sm_80 and later, got 'sm_75'
// UNKNOWN: error: --chip: expected a GPU that LLVM knows, such as sm_80 or sm_90a, got 'sm_81'
gpu.module @kernels {
}
