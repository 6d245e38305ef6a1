// The fields of halftone_step (runtime/include/halftone/abi.h): inputs at 0,
// outputs 8, symbols 16, arena 24, payload 32, num_threads 40, fault 56. Entry i
// of an array of pointers or 64-bit numbers is at 8 i.
// RUN: halftone-opt --htk-convert-to-llvm --split-input-file %s | FileCheck %s

// CHECK-LABEL: llvm.func @input(
// CHECK-SAME:    %[[STEP:.*]]: !llvm.ptr
// CHECK:         %[[FIELD:.*]] = llvm.getelementptr %[[STEP]][0] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK:         %[[ARRAY:.*]] = llvm.load %[[FIELD]] : !llvm.ptr -> !llvm.ptr
// CHECK:         %[[ENTRY:.*]] = llvm.getelementptr %[[ARRAY]][16] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK:         %[[BUFFER:.*]] = llvm.load %[[ENTRY]] : !llvm.ptr -> !llvm.ptr
// CHECK:         llvm.insertvalue %[[BUFFER]]
func.func @input(%step: !llvm.ptr) -> memref<?xf32> {
  %0 = htk.input %step[2] : !llvm.ptr -> memref<?xf32>
  return %0 : memref<?xf32>
}

// -----

// CHECK-LABEL: llvm.func @output(
// CHECK-SAME:    %[[STEP:.*]]: !llvm.ptr
// CHECK:         %[[FIELD:.*]] = llvm.getelementptr %[[STEP]][8] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK:         %[[ARRAY:.*]] = llvm.load %[[FIELD]] : !llvm.ptr -> !llvm.ptr
// CHECK:         llvm.getelementptr %[[ARRAY]][8] : (!llvm.ptr) -> !llvm.ptr, i8
func.func @output(%step: !llvm.ptr) -> memref<?xf32> {
  %0 = htk.output %step[1] : !llvm.ptr -> memref<?xf32>
  return %0 : memref<?xf32>
}

// -----

// CHECK-LABEL: llvm.func @symbol(
// CHECK-SAME:    %[[STEP:.*]]: !llvm.ptr
// CHECK:         %[[FIELD:.*]] = llvm.getelementptr %[[STEP]][16] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK:         %[[ARRAY:.*]] = llvm.load %[[FIELD]] : !llvm.ptr -> !llvm.ptr
// CHECK:         %[[ENTRY:.*]] = llvm.getelementptr %[[ARRAY]][8] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK:         llvm.load %[[ENTRY]] : !llvm.ptr -> i64
func.func @symbol(%step: !llvm.ptr) -> index {
  %0 = htk.symbol %step[1] : !llvm.ptr
  return %0 : index
}

// -----

// CHECK-LABEL: llvm.func @arena(
// CHECK-SAME:    %[[STEP:.*]]: !llvm.ptr
// CHECK:         %[[FIELD:.*]] = llvm.getelementptr %[[STEP]][24] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK:         %[[BASE:.*]] = llvm.load %[[FIELD]] : !llvm.ptr -> !llvm.ptr
// CHECK:         %[[OFFSET:.*]] = llvm.mlir.constant(128 : i64)
// CHECK:         llvm.getelementptr %[[BASE]][%[[OFFSET]]] : (!llvm.ptr, i64) -> !llvm.ptr, i8
func.func @arena(%step: !llvm.ptr) -> memref<?xf32> {
  %0 = htk.arena %step[128] : !llvm.ptr -> memref<?xf32>
  return %0 : memref<?xf32>
}

// -----

// A weight is at its offset in the payload; it stays, for emission.
// CHECK:       ht.weight @w : tensor<4xf32> attributes {htk.payload_offset = 192 : i64}
// CHECK-LABEL: llvm.func @payload(
// CHECK-SAME:    %[[STEP:.*]]: !llvm.ptr
// CHECK:         %[[FIELD:.*]] = llvm.getelementptr %[[STEP]][40] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK:         %[[BASE:.*]] = llvm.load %[[FIELD]] : !llvm.ptr -> !llvm.ptr
// CHECK:         %[[OFFSET:.*]] = llvm.mlir.constant(192 : i64)
// CHECK:         llvm.getelementptr %[[BASE]][%[[OFFSET]]] : (!llvm.ptr, i64) -> !llvm.ptr, i8
ht.weight @w : tensor<4xf32> attributes {htk.payload_offset = 192 : i64} {
  %0 = ht.load "w" offset 0 : tensor<4xf32>
  ht.yield %0 : tensor<4xf32>
}
func.func @payload(%step: !llvm.ptr) -> memref<?xf32> {
  %0 = htk.payload %step[@w] : !llvm.ptr -> memref<?xf32>
  return %0 : memref<?xf32>
}

// -----

// CHECK-LABEL: llvm.func @num_threads(
// CHECK-SAME:    %[[STEP:.*]]: !llvm.ptr
// CHECK:         %[[FIELD:.*]] = llvm.getelementptr %[[STEP]][48] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK:         llvm.load %[[FIELD]] : !llvm.ptr -> i64
func.func @num_threads(%step: !llvm.ptr) -> index {
  %0 = htk.num_threads %step : !llvm.ptr
  return %0 : index
}

// -----

// The runtime's barrier is called with the step and the thread.
// CHECK:       llvm.func @halftone_barrier(!llvm.ptr, i64)
// CHECK-LABEL: llvm.func @barrier(
// CHECK-SAME:    %[[STEP:.*]]: !llvm.ptr, %[[THREAD:.*]]: i64
// CHECK:         llvm.call @halftone_barrier(%[[STEP]], %[[THREAD]]) : (!llvm.ptr, i64) -> ()
func.func @barrier(%step: !llvm.ptr, %thread: index) {
  htk.barrier %step thread %thread : !llvm.ptr
  return
}

// -----

// An index from the end, then one comparison for both bounds; outside it is 0,
// and the step's fault becomes the site's number. Sites are numbered from 1 by
// their texts.
// CHECK: module attributes {htk.fault_sites = ["node \22a\22", "node \22b\22"]}
// CHECK-LABEL: llvm.func @check_index(
// CHECK-SAME:    %[[STEP:.*]]: !llvm.ptr, %[[I:.*]]: i64, %[[BOUND:.*]]: i64)
// CHECK:         %[[ZERO:.*]] = llvm.mlir.constant(0 : i64)
// CHECK:         %[[NEGATIVE:.*]] = llvm.icmp "slt" %[[I]], %[[ZERO]]
// CHECK:         %[[FROM_END:.*]] = llvm.add %[[I]], %[[BOUND]]
// CHECK:         %[[INDEX:.*]] = llvm.select %[[NEGATIVE]], %[[FROM_END]], %[[I]]
// CHECK:         %[[INSIDE:.*]] = llvm.icmp "ult" %[[INDEX]], %[[BOUND]]
// CHECK:         llvm.select %[[INSIDE]], %[[INDEX]], %[[ZERO]]
// CHECK:         llvm.cond_br %[[INSIDE]], ^[[AFTER:.*]], ^[[FAULT:.*]]
// CHECK:       ^[[FAULT]]:
// CHECK:         %[[FIELD:.*]] = llvm.getelementptr %[[STEP]][64] : (!llvm.ptr) -> !llvm.ptr, i8
// CHECK:         %[[SITE:.*]] = llvm.mlir.constant(1 : i32)
// CHECK:         llvm.store %[[SITE]], %[[FIELD]] atomic monotonic {alignment = 4 : i64} : i32
// CHECK:         llvm.br ^[[AFTER]]
// CHECK:         llvm.mlir.constant(2 : i32)
// CHECK:         llvm.mlir.constant(1 : i32)
func.func @check_index(%step: !llvm.ptr, %i: index, %bound: index) -> (index, index, index) {
  %0 = htk.check_index %step, %i in %bound at "node \22a\22" : !llvm.ptr
  %1 = htk.check_index %step, %i in %bound at "node \22b\22" : !llvm.ptr
  %2 = htk.check_index %step, %i in %bound at "node \22a\22" : !llvm.ptr
  return %0, %1, %2 : index, index, index
}

// -----

// exp, erf and tanh are polynomials: no lane calls the C library.
// CHECK-LABEL: llvm.func @polynomials(
// CHECK-NOT:     llvm.call @
// CHECK-NOT:     llvm.intr.exp(
// CHECK:         llvm.intr.fma
// CHECK-NOT:     llvm.call @
// CHECK:         llvm.return
func.func @polynomials(%e: f32) -> vector<16xf32> {
  %x = vector.broadcast %e : f32 to vector<16xf32>
  %0 = math.exp %x : vector<16xf32>
  %1 = math.erf %0 : vector<16xf32>
  %2 = math.tanh %1 : vector<16xf32>
  return %2 : vector<16xf32>
}

// -----

// The graph's signature stays, for emission.
// CHECK: func.func private @main(tensor<4xf32> {ht.name = "x"})
func.func private @main(tensor<4xf32> {ht.name = "x"})
