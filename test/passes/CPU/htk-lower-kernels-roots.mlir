// Canonicalized, so that the facts do not depend on how index arithmetic is written.
// RUN: halftone-opt --htk-lower-kernels --canonicalize --cse --split-input-file %s | FileCheck %s

// A product of two activations: sums of 6 rows by 4 vectors stay in registers along k.
// CHECK-LABEL: func.func private @matmul(
// CHECK:         scf.for {{.*}} -> ({{(vector<16xf32>, )+}}vector<16xf32>)
// CHECK:         vector.fma
// CHECK:         math.absf
// CHECK:         vector.store
func.func private @matmul(%x: tensor<2x12x40xf32>, %y: tensor<2x40x128xf32>) -> tensor<2x12x128xf32> attributes {htk.kernel} {
  %0 = ht.matmul %x, %y : tensor<2x12x40xf32>, tensor<2x40x128xf32> -> tensor<2x12x128xf32>
  %1 = ht.abs %0 : tensor<2x12x128xf32>
  return %1 : tensor<2x12x128xf32>
}

// -----

// Rows of both are contiguous along the sum where the result is a column.
// CHECK-LABEL: func.func private @column(
// CHECK:         vector.fma
// CHECK:         vector.reduction <add>
func.func private @column(%x: tensor<12x40xf32>, %y: tensor<40xf32>) -> tensor<12xf32> attributes {htk.kernel} {
  %0 = ht.matmul %x, %y : tensor<12x40xf32>, tensor<40xf32> -> tensor<12xf32>
  return %0 : tensor<12xf32>
}

// -----

// A running sum goes along its axis once, with lanes across it.
// CHECK-LABEL: func.func private @cumsum(
// CHECK:         scf.for {{.*}} iter_args(%[[SUM:.*]] = %{{.*}}) -> (vector<16xf32>)
// CHECK:           %[[NEXT:.*]] = arith.addf %[[SUM]]
// CHECK-NEXT:      vector.store %[[NEXT]]
// CHECK-NEXT:      scf.yield %[[NEXT]]
func.func private @cumsum(%x: tensor<9x64xf32>) -> tensor<9x64xf32> attributes {htk.kernel} {
  %0 = ht.cumsum %x axis 0 : tensor<9x64xf32>
  return %0 : tensor<9x64xf32>
}

// -----

// A sum along the last axis has lanes of partial sums.
// CHECK-LABEL: func.func private @sum(
// CHECK:         scf.for {{.*}} -> (vector<16xf32>)
// CHECK:         vector.reduction <add>
func.func private @sum(%x: tensor<9x64xf32>) -> tensor<9x1xf32> attributes {htk.kernel} {
  %0 = ht.reduce sum %x [1] : tensor<9x64xf32> -> tensor<9x1xf32>
  return %0 : tensor<9x1xf32>
}

// -----

// Updates of a range are applied by the thread that owns it, each index under its node's name.
// CHECK-LABEL: func.func private @scatter(
// CHECK:         htk.check_index {{.*}} at "index out of range in node \22cache\22"
// CHECK:         arith.addf {{.*}} : vector<16xf32>
func.func private @scatter(%x: tensor<9x64xf32>, %i: tensor<2x1xi64>, %u: tensor<2x64xf32>) -> tensor<9x64xf32>
    attributes {htk.kernel} {
  %0 = ht.scatter_nd %x, %i, %u reduction add : tensor<9x64xf32>, tensor<2x1xi64>, tensor<2x64xf32> loc("cache")
  return %0 : tensor<9x64xf32>
}

// -----

// Top-k has two results, which a heap is built in.
// CHECK-LABEL: func.func private @topk(
// CHECK-SAME:    %{{.*}}: memref<?xf32>, %[[VALUES:[a-z0-9]+]]: memref<?xf32>, %[[INDICES:[a-z0-9]+]]: memref<?xi64>)
// CHECK:         scf.while
// CHECK-DAG:     memref.store %{{.*}}, %[[VALUES]]
// CHECK-DAG:     memref.store %{{.*}}, %[[INDICES]]
func.func private @topk(%x: tensor<9x64xf32>) -> (tensor<9x4xf32>, tensor<9x4xi64>) attributes {htk.kernel} {
  %0, %1 = ht.topk %x k 4 axis 1 : tensor<9x64xf32> -> tensor<9x4xf32>, tensor<9x4xi64>
  return %0, %1 : tensor<9x4xf32>, tensor<9x4xi64>
}

// -----

// A rotation with a stride of a register: sums and differences of 8 of them, in one pass. What
// follows reads the rotated row.
// CHECK-LABEL: func.func private @hadamard(
// CHECK-COUNT-8: vector.load {{.*}} vector<16xf32>
// CHECK-NOT:     vector.shuffle
// CHECK-COUNT-24: arith.{{addf|subf}} {{.*}} : vector<16xf32>
// CHECK-COUNT-8: vector.store
// CHECK:         math.absf
func.func private @hadamard(%x: tensor<9x384xf32>) -> tensor<9x384xf32> attributes {htk.kernel} {
  %0 = htq.hadamard 8 stride 16 %x : tensor<9x384xf32>
  %1 = ht.abs %0 : tensor<9x384xf32>
  return %1 : tensor<9x384xf32>
}

// -----

// Within a register it is a shuffle and a product with signs for each step. 32 registers take two passes.
// CHECK-LABEL: func.func private @long_hadamard(
// CHECK-COUNT-4: vector.shuffle
// CHECK:         arith.addf {{.*}} : vector<16xf32>
// CHECK:         scf.for
// CHECK-NOT:     vector.shuffle
// CHECK:         arith.mulf {{.*}} : vector<16xf32>
func.func private @long_hadamard(%x: tensor<9x512xf32>) -> tensor<9x512xf32> attributes {htk.kernel} {
  %0 = htq.hadamard 512 %x : tensor<9x512xf32>
  return %0 : tensor<9x512xf32>
}

// -----

// Rows that are no multiple of a register are rotated element by element.
// CHECK-LABEL: func.func private @odd_hadamard(
// CHECK:         arith.subf {{.*}} : f32
func.func private @odd_hadamard(%x: tensor<9x40xf32>) -> tensor<9x40xf32> attributes {htk.kernel} {
  %0 = htq.hadamard 8 %x : tensor<9x40xf32>
  return %0 : tensor<9x40xf32>
}

// -----

// Quantization rotates a row before it looks for its range.
// CHECK-LABEL: func.func private @rotated_codes(
// CHECK-COUNT-24: arith.{{addf|subf}} {{.*}} : vector<16xf32>
// CHECK:         arith.maxui
// CHECK:         vector.reduction <maxui>
func.func private @rotated_codes(%x: tensor<7x128xf32>) -> (tensor<7x128xi8>, tensor<7x1xf32>) attributes {htk.kernel} {
  %0 = htq.hadamard 8 stride 16 %x : tensor<7x128xf32>
  %1, %2 = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, ?], scale f32>(%0)
      : (tensor<7x128xf32>) -> (tensor<7x128xi8>, tensor<7x1xf32>)
  return %1, %2 : tensor<7x128xi8>, tensor<7x1xf32>
}
