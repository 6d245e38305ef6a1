// RUN: halftone-opt --htk-build-step --split-input-file %s | FileCheck %s

// The graph becomes a declaration, whose names and types describe the program,
// and a step that every thread runs.
// CHECK-LABEL: module @step
// CHECK-NEXT:    func.func private @f
// CHECK-NEXT:    func.func private @main(tensor<4xf32> {ht.name = "x"}) -> (tensor<4xf32> {ht.name = "y"})
// CHECK-NEXT:    func.func @step(%[[STEP:.*]]: !llvm.ptr, %[[THREAD:.*]]: index) attributes {htk.arena_bytes = 0 : i64} {
// CHECK-NEXT:    %[[X:.*]] = htk.input %[[STEP]][0] : !llvm.ptr -> memref<?xf32>
// CHECK-NEXT:    %[[Y:.*]] = htk.output %[[STEP]][0] : !llvm.ptr -> memref<?xf32>
// A result is written in place: it needs no arena.
// CHECK-NEXT:    htk.launch @f(%[[X]]) outs(%[[Y]]) on %[[STEP]] thread %[[THREAD]]
// CHECK-NEXT:    return
module @step {
  func.func private @f(tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel}
  func.func @main(%x: tensor<4xf32> {ht.name = "x"}) -> (tensor<4xf32> {ht.name = "y"}) {
    %0 = htk.launch @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}

// -----

// Launches that read nothing of each other share an epoch: no barrier between
// q, k and v, one before the attention that reads them.
// CHECK-LABEL: module @epochs
// CHECK:         func.func @step
// CHECK:         htk.launch @linear(
// CHECK-NOT:     htk.barrier
// CHECK:         htk.launch @linear(
// CHECK-NOT:     htk.barrier
// CHECK:         htk.launch @linear(
// CHECK:         htk.barrier
// CHECK-NOT:     htk.barrier
// CHECK:         htk.launch @attention(
// CHECK-NOT:     htk.barrier
// CHECK:         return
module @epochs {
  func.func private @linear(tensor<16xf32>, tensor<16x16xf32>) -> tensor<16xf32> attributes {htk.kernel}
  func.func private @attention(tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32> attributes {htk.kernel}
  func.func @main(%x: tensor<16xf32>, %w: tensor<16x16xf32>) -> tensor<16xf32> {
    %q = htk.launch @linear(%x, %w) : (tensor<16xf32>, tensor<16x16xf32>) -> tensor<16xf32>
    %k = htk.launch @linear(%x, %w) : (tensor<16xf32>, tensor<16x16xf32>) -> tensor<16xf32>
    %v = htk.launch @linear(%x, %w) : (tensor<16xf32>, tensor<16x16xf32>) -> tensor<16xf32>
    %y = htk.launch @attention(%q, %k, %v) : (tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
    return %y : tensor<16xf32>
  }
}

// -----

// A view of what the epoch wrote is read behind a barrier, too.
// CHECK-LABEL: module @epoch_of_view
// CHECK:         func.func @step
// CHECK:         htk.launch @f
// CHECK-NEXT:    htk.barrier
// CHECK-NEXT:    htk.launch @g
module @epoch_of_view {
  func.func private @f(tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel}
  func.func private @g(tensor<2x2xf32>) -> tensor<2x2xf32> attributes {htk.kernel}
  func.func @main(%x: tensor<4xf32>) -> tensor<2x2xf32> {
    %0 = htk.launch @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %1 = ht.reshape %0 : tensor<4xf32> to tensor<2x2xf32>
    %2 = htk.launch @g(%1) : (tensor<2x2xf32>) -> tensor<2x2xf32>
    return %2 : tensor<2x2xf32>
  }
}

// -----

// A chain of equal values takes turns in two buffers, however long it is.
// CHECK-LABEL: module @chain
// CHECK:         func.func @step{{.*}}htk.arena_bytes = 128 : i64
// CHECK:         %[[X:.*]] = htk.input
// CHECK:         %[[Y:.*]] = htk.output
// CHECK:         %[[A:.*]] = htk.arena %{{.*}}[0]
// CHECK:         htk.launch @f(%[[X]]) outs(%[[A]])
// CHECK:         %[[B:.*]] = htk.arena %{{.*}}[64]
// CHECK:         htk.launch @f(%[[A]]) outs(%[[B]])
// CHECK:         %[[C:.*]] = htk.arena %{{.*}}[0]
// CHECK:         htk.launch @f(%[[B]]) outs(%[[C]])
// CHECK:         %[[D:.*]] = htk.arena %{{.*}}[64]
// CHECK:         htk.launch @f(%[[C]]) outs(%[[D]])
// CHECK:         htk.launch @f(%[[D]]) outs(%[[Y]])
module @chain {
  func.func private @f(tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel}
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = htk.launch @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %1 = htk.launch @f(%0) : (tensor<4xf32>) -> tensor<4xf32>
    %2 = htk.launch @f(%1) : (tensor<4xf32>) -> tensor<4xf32>
    %3 = htk.launch @f(%2) : (tensor<4xf32>) -> tensor<4xf32>
    %4 = htk.launch @f(%3) : (tensor<4xf32>) -> tensor<4xf32>
    return %4 : tensor<4xf32>
  }
}

// -----

// What is read last in an epoch is still read while that epoch writes: @b reads
// %0 beside @a, whose result may not take its place.
// CHECK-LABEL: module @last_reader_beside_writer
// CHECK:         func.func @step
// CHECK:         %[[FIRST:.*]] = htk.arena %{{.*}}[0]
// CHECK:         htk.launch @a(%{{.*}}) outs(%[[FIRST]])
// CHECK:         htk.barrier
// CHECK:         %[[SECOND:.*]] = htk.arena %{{.*}}[64]
// CHECK:         htk.launch @a(%[[FIRST]]) outs(%[[SECOND]])
// CHECK:         %[[THIRD:.*]] = htk.arena %{{.*}}[128]
// CHECK:         htk.launch @a(%[[FIRST]]) outs(%[[THIRD]])
module @last_reader_beside_writer {
  func.func private @a(tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel}
  func.func private @b(tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel}
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = htk.launch @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %1 = htk.launch @a(%0) : (tensor<4xf32>) -> tensor<4xf32>
    %2 = htk.launch @a(%0) : (tensor<4xf32>) -> tensor<4xf32>
    %3 = htk.launch @b(%1, %2) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    return %3 : tensor<4xf32>
  }
}

// -----

// A value lives until its last reader, past what lies between.
// CHECK-LABEL: module @long_lived
// CHECK:         func.func @step{{.*}}htk.arena_bytes = 192 : i64
// CHECK:         return
module @long_lived {
  func.func private @a(tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel}
  func.func private @b(tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel}
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %0 = htk.launch @a(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %1 = htk.launch @a(%0) : (tensor<4xf32>) -> tensor<4xf32>
    %2 = htk.launch @a(%1) : (tensor<4xf32>) -> tensor<4xf32>
    %3 = htk.launch @b(%0, %2) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    return %3 : tensor<4xf32>
  }
}

// -----

// Sizes are those at the symbols' maxima, 8 x 16 floats.
// CHECK-LABEL: module @maxima
// CHECK:         func.func @step{{.*}}htk.arena_bytes = 512 : i64
// CHECK:         return
#bs = #ht.dims<s0, s1>
module @maxima {
  func.func private @f(tensor<?x?xf32, #bs>) -> tensor<?x?xf32, #bs> attributes {htk.kernel}
  func.func @main(%x: tensor<?x?xf32, #bs>) -> tensor<?x?xf32, #bs>
      attributes {ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 16>]} {
    %0 = htk.launch @f(%x) : (tensor<?x?xf32, #bs>) -> tensor<?x?xf32, #bs>
    %1 = htk.launch @f(%0) : (tensor<?x?xf32, #bs>) -> tensor<?x?xf32, #bs>
    return %1 : tensor<?x?xf32, #bs>
  }
}

// -----

// A dimension may be largest where its symbol is smallest: 64 - 1 floats, not 64 - 60, …
// CHECK-LABEL: module @falling
// CHECK:         func.func @step{{.*}}htk.arena_bytes = 256 : i64
#rest = #ht.dims<64 - s0>
module @falling {
  func.func private @f(tensor<?xf32, #rest>) -> tensor<?xf32, #rest> attributes {htk.kernel}
  func.func @main(%x: tensor<?xf32, #rest>) -> tensor<?xf32, #rest> attributes {ht.symbols = [#ht.symbol<"past", 1, 60>]} {
    %0 = htk.launch @f(%x) : (tensor<?xf32, #rest>) -> tensor<?xf32, #rest>
    %1 = htk.launch @f(%0) : (tensor<?xf32, #rest>) -> tensor<?xf32, #rest>
    return %1 : tensor<?xf32, #rest>
  }
}

// -----

// … or in between: 31 rows of 4 are left at most by divisions by 32, none at 64.
// CHECK-LABEL: module @remainder
// CHECK:         func.func @step{{.*}}htk.arena_bytes = 512 : i64
#rows = #ht.dims<s0 mod 32>
module @remainder {
  func.func private @f(tensor<?x4xf32, #rows>) -> tensor<?x4xf32, #rows> attributes {htk.kernel}
  func.func @main(%x: tensor<?x4xf32, #rows>) -> tensor<?x4xf32, #rows> attributes {ht.symbols = [#ht.symbol<"rows", 1, 64>]} {
    %0 = htk.launch @f(%x) : (tensor<?x4xf32, #rows>) -> tensor<?x4xf32, #rows>
    %1 = htk.launch @f(%0) : (tensor<?x4xf32, #rows>) -> tensor<?x4xf32, #rows>
    return %1 : tensor<?x4xf32, #rows>
  }
}

// -----

// A result that a kernel reads stays in the caller's buffer.
// CHECK-LABEL: module @result_read
// CHECK:         func.func @step{{.*}}htk.arena_bytes = 0 : i64
// CHECK:         %[[FIRST:.*]] = htk.output %{{.*}}[0]
// CHECK:         %[[SECOND:.*]] = htk.output %{{.*}}[1]
// CHECK:         htk.launch @f(%{{.*}}) outs(%[[FIRST]])
// CHECK:         htk.barrier
// CHECK:         htk.launch @f(%[[FIRST]]) outs(%[[SECOND]])
module @result_read {
  func.func private @f(tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel}
  func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<2x2xf32>) {
    %0 = htk.launch @f(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %1 = htk.launch @f(%0) : (tensor<4xf32>) -> tensor<4xf32>
    %2 = ht.reshape %1 : tensor<4xf32> to tensor<2x2xf32>
    return %0, %2 : tensor<4xf32>, tensor<2x2xf32>
  }
}

// -----

// Booleans take a byte each.
// CHECK-LABEL: module @booleans
// CHECK:         func.func @step
// CHECK:         htk.input %{{.*}}[0] : !llvm.ptr -> memref<?xi8>
module @booleans {
  func.func private @f(tensor<4xi1>) -> tensor<4xf32> attributes {htk.kernel}
  func.func @main(%x: tensor<4xi1>) -> tensor<4xf32> {
    %0 = htk.launch @f(%x) : (tensor<4xi1>) -> tensor<4xf32>
    return %0 : tensor<4xf32>
  }
}

// -----

// Weights lie in the payload in order of use, each at a cache line; what
// nothing uses is dropped.
// CHECK-LABEL: module @payload
// CHECK-DAG:     ht.weight @first : tensor<3xf32> attributes {htk.payload_offset = 0 : i64}
// CHECK-DAG:     ht.weight @second : tensor<65xi8> attributes {htk.payload_offset = 64 : i64}
// CHECK-DAG:     ht.weight @third : tensor<1xf32> attributes {htk.payload_offset = 192 : i64}
// CHECK:         func.func @step
// CHECK:         %[[FIRST:.*]] = htk.payload %{{.*}}[@first] : !llvm.ptr -> memref<?xf32>
// CHECK:         %[[SECOND:.*]] = htk.payload %{{.*}}[@second] : !llvm.ptr -> memref<?xi8>
// CHECK:         htk.launch @f(%[[FIRST]], %[[SECOND]],
module @payload {
  ht.weight @unused : tensor<3xf32> {
    %0 = ht.load "w" offset 0 : tensor<3xf32>
    ht.yield %0 : tensor<3xf32>
  }
  ht.weight @third : tensor<1xf32> {
    %0 = ht.load "w" offset 0 : tensor<1xf32>
    ht.yield %0 : tensor<1xf32>
  }
  ht.weight @second : tensor<65xi8> {
    %0 = ht.load "w" offset 0 : tensor<65xi8>
    ht.yield %0 : tensor<65xi8>
  }
  ht.weight @first : tensor<3xf32> {
    %0 = ht.load "w" offset 0 : tensor<3xf32>
    ht.yield %0 : tensor<3xf32>
  }
  func.func private @f(tensor<3xf32>, tensor<65xi8>, tensor<1xf32>) -> tensor<4xf32> attributes {htk.kernel}
  func.func @main() -> tensor<4xf32> {
    %0 = ht.get_weight @first : tensor<3xf32>
    %1 = ht.get_weight @second : tensor<65xi8>
    %2 = ht.get_weight @third : tensor<1xf32>
    %again = ht.get_weight @first : tensor<3xf32>
    %3 = htk.launch @f(%0, %1, %2) : (tensor<3xf32>, tensor<65xi8>, tensor<1xf32>) -> tensor<4xf32>
    return %3 : tensor<4xf32>
  }
}

// -----

// States lie one after the other in the session's memory, each at a cache line; inputs and
// outputs are counted without them. An update writes its state, behind a barrier what reads
// the new one, and needs no arena.
// CHECK-LABEL: module @states
// CHECK:         func.func @step{{.*}}htk.arena_bytes = 0 : i64
// CHECK-NEXT:    %[[K:.*]] = htk.state %{{.*}}[0] : !llvm.ptr -> memref<?xf32>
// CHECK-NEXT:    %[[V:.*]] = htk.state %{{.*}}[64] : !llvm.ptr -> memref<?xf32>
// CHECK-NEXT:    %[[X:.*]] = htk.input %{{.*}}[0]
// CHECK-NEXT:    %[[N:.*]] = htk.input %{{.*}}[1]
// CHECK-NEXT:    %[[Y:.*]] = htk.output %{{.*}}[0]
// CHECK-NEXT:    htk.launch @update(%[[K]], %[[X]], %[[N]]) outs(%[[K]])
// CHECK-NEXT:    htk.launch @update(%[[V]], %[[X]], %[[N]]) outs(%[[V]])
// CHECK-NEXT:    htk.barrier
// CHECK-NEXT:    htk.launch @f(%[[K]], %[[V]]) outs(%[[Y]])
module @states {
  func.func private @update(%s: tensor<2x4xf32>, %x: tensor<1x1xf32>, %n: tensor<1xi64>) -> tensor<2x4xf32>
      attributes {htk.kernel} {
    %0 = ht.update %s, %x sequences %n start %n : tensor<2x4xf32>, tensor<1x1xf32>, tensor<1xi64>, tensor<1xi64>
    return %0 : tensor<2x4xf32>
  }
  func.func private @f(tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32> attributes {htk.kernel}
  func.func @main(%k: tensor<2x4xf32> {ht.name = "k", ht.state}, %x: tensor<1x1xf32>,
                  %v: tensor<2x4xf32> {ht.name = "v", ht.state}, %n: tensor<1xi64>)
      -> (tensor<2x4xf32> {ht.name = "k", ht.state}, tensor<2x4xf32>, tensor<2x4xf32> {ht.name = "v", ht.state}) {
    %0 = htk.launch @update(%k, %x, %n) : (tensor<2x4xf32>, tensor<1x1xf32>, tensor<1xi64>) -> tensor<2x4xf32>
    %1 = htk.launch @update(%v, %x, %n) : (tensor<2x4xf32>, tensor<1x1xf32>, tensor<1xi64>) -> tensor<2x4xf32>
    %2 = htk.launch @f(%0, %1) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
    return %0, %2, %1 : tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
  }
}

// -----

// What reads the old state runs before it is overwritten, with a barrier between them.
// CHECK-LABEL: module @old_state
// CHECK:         func.func @step
// CHECK:         %[[S:.*]] = htk.state
// CHECK:         htk.launch @f(%[[S]])
// CHECK-NEXT:    htk.barrier
// CHECK-NEXT:    htk.launch @copy(%{{.*}}) outs(%[[S]])
module @old_state {
  func.func private @f(tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel}
  func.func private @copy(tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel}
  func.func @main(%s: tensor<4xf32> {ht.name = "s", ht.state}, %x: tensor<4xf32>)
      -> (tensor<4xf32>, tensor<4xf32> {ht.name = "s", ht.state}) {
    %0 = htk.launch @f(%s) : (tensor<4xf32>) -> tensor<4xf32>
    %1 = htk.launch @copy(%x) : (tensor<4xf32>) -> tensor<4xf32>
    return %0, %1 : tensor<4xf32>, tensor<4xf32>
  }
}
