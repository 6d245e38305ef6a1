// RUN: halftone-opt --htk-gpu-to-nvvm --canonicalize --split-input-file %s | FileCheck %s

// A buffer is one pointer, an index one number, and the threads of a block are known.
// CHECK-LABEL: llvm.func @pointers(
// CHECK-SAME:    %[[X:.*]]: !llvm.ptr, %[[I:.*]]: i64)
// CHECK-SAME:    nvvm.kernel
// CHECK-SAME:    nvvm.maxntid = array<i32: 64, 4, 1>
// CHECK-NOT:     unrealized_conversion_cast
// CHECK:         %[[AT:.*]] = llvm.getelementptr {{.*}}%[[X]][%[[I]]]
// CHECK:         llvm.load %[[AT]] : !llvm.ptr -> f32
// CHECK:         llvm.return
gpu.module @kernels {
  gpu.func @pointers(%x: memref<?xf32>, %i: index) kernel attributes {known_block_size = array<i32: 64, 4, 1>} {
    %0 = memref.load %x[%i] : memref<?xf32>
    %1 = math.absf %0 : f32
    memref.store %1, %x[%i] : memref<?xf32>
    gpu.return
  }
}

// -----

// Loops over work items become branches, and ids what the hardware says.
// CHECK-LABEL: llvm.func @items(
// CHECK-DAG:     nvvm.read.ptx.sreg.tid.x
// CHECK-DAG:     nvvm.read.ptx.sreg.ctaid.x
// CHECK-DAG:     nvvm.read.ptx.sreg.nctaid.x
// CHECK:         llvm.cond_br
gpu.module @kernels {
  gpu.func @items(%x: memref<?xi32>, %n: index) kernel {
    %thread = gpu.thread_id x
    %block = gpu.block_id x
    %blocks = gpu.grid_dim x
    %0 = arith.constant 0 : i32
    scf.for %item = %block to %n step %blocks {
      memref.store %0, %x[%thread] : memref<?xi32>
    }
    gpu.return
  }
}

// -----

// exp of f32 is a polynomial: no call, which nothing could answer.
// CHECK-LABEL: llvm.func @polynomial(
// CHECK-NOT:     llvm.call
// CHECK-NOT:     llvm.intr.exp
// CHECK:         llvm.intr.fma
// CHECK:         llvm.return
gpu.module @kernels {
  gpu.func @polynomial(%x: memref<?xf32>, %i: index) kernel {
    %0 = memref.load %x[%i] : memref<?xf32>
    %1 = math.exp %0 : f32
    memref.store %1, %x[%i] : memref<?xf32>
    gpu.return
  }
}
