// RUN: halftone-opt --ht-assign-storage=storage=int3 --split-input-file --verify-diagnostics %s

// expected-error @+1 {{storage must be f32 or bf16, got 'int3'}}
module @storage {
}
