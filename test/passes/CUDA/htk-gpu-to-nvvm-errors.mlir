// RUN: halftone-opt --htk-gpu-to-nvvm --split-input-file --verify-diagnostics %s

// The CPU calls libm for it.
gpu.module @kernels {
  gpu.func @log(%x: memref<?xf32>) kernel {
    %i = gpu.thread_id x
    %0 = memref.load %x[%i] : memref<?xf32>
    // expected-error @+1 {{kernel 'log' has no GPU form: PTX has no instruction for math.log of 'f32'}}
    %1 = math.log %0 : f32
    memref.store %1, %x[%i] : memref<?xf32>
    gpu.return
  }
}

// -----

// A polynomial is for f32.
gpu.module @kernels {
  gpu.func @wide(%x: memref<?xf64>) kernel {
    %i = gpu.thread_id x
    %0 = memref.load %x[%i] : memref<?xf64>
    // expected-error @+1 {{kernel 'wide' has no GPU form: PTX has no instruction for math.exp of 'f64'}}
    %1 = math.exp %0 : f64
    memref.store %1, %x[%i] : memref<?xf64>
    gpu.return
  }
}
