// Canonicalized, so that the facts do not depend on how index arithmetic is written.
// RUN: halftone-opt --htk-lower-to-gpu --canonicalize --cse --split-input-file %s | FileCheck %s

// Tensors become flat buffers, results last, and then the symbols. A thread makes an element, blocks take 256
// in turns, and whoever launches tensors still finds the function.
// CHECK:       func.func private @buffers(%{{.*}}: tensor<?x5xf32, #ht.dims<s1>>)
// CHECK:       gpu.module @kernels
// CHECK:         gpu.func @buffers(
// CHECK-SAME:      %[[X:.*]]: memref<?xf32>, %[[Y:.*]]: memref<?xf32>, %{{.*}}: index, %[[S1:.*]]: index) kernel
// CHECK-SAME:      known_block_size = array<i32: 256, 1, 1>
// CHECK-DAG:       %[[C256:.*]] = arith.constant 256 : index
// CHECK-DAG:       %[[THREAD:.*]] = gpu.thread_id x
// CHECK-DAG:       %[[TOTAL:.*]] = arith.muli %[[S1]], %c5
// CHECK-DAG:       %[[BLOCK:.*]] = gpu.block_id x
// CHECK-DAG:       %[[BLOCKS:.*]] = gpu.grid_dim x
// CHECK:           scf.for %[[ITEM:.*]] = %[[BLOCK]] to %{{.*}} step %[[BLOCKS]]
// CHECK:             %[[FIRST:.*]] = arith.muli %[[ITEM]], %[[C256]]
// CHECK:             %[[I:.*]] = arith.addi %[[FIRST]], %[[THREAD]]
// CHECK:             %[[EXISTS:.*]] = arith.cmpi slt, %[[I]], %[[TOTAL]]
// CHECK:             scf.if %[[EXISTS]]
// CHECK:               %[[V:.*]] = memref.load %[[X]]
// CHECK:               %[[ABS:.*]] = math.absf %[[V]] : f32
// CHECK:               memref.store %[[ABS]], %[[Y]][%[[I]]]
// CHECK:           gpu.return
func.func private @buffers(%x: tensor<?x5xf32, #ht.dims<s1>>) -> tensor<?x5xf32, #ht.dims<s1>>
    attributes {htk.kernel, ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"rows", 1, 8>]} {
  %0 = ht.abs %x : tensor<?x5xf32, #ht.dims<s1>>
  return %0 : tensor<?x5xf32, #ht.dims<s1>>
}

// -----

// A result without elements takes no code.
// CHECK:       gpu.func @nothing
// CHECK-NEXT:    gpu.return
func.func private @nothing(%x: tensor<0x64xf32>) -> tensor<0x64xf32> attributes {htk.kernel} {
  %0 = ht.abs %x : tensor<0x64xf32>
  return %0 : tensor<0x64xf32>
}

// -----

// Literals that are not one number are the device's.
// CHECK:       gpu.module @kernels
// CHECK:         memref.global "private" constant @[[TABLE:.*]] : memref<3xf32> = dense<[5.0
// CHECK:         gpu.func @literal
// CHECK:           memref.get_global @[[TABLE]]
func.func private @literal(%x: tensor<4x3xf32>) -> tensor<4x3xf32> attributes {htk.kernel} {
  %0 = ht.constant dense<[0.5, -1.0, 2.0]> : tensor<3xf32>
  %1 = ht.add %x, %0 : tensor<4x3xf32>, tensor<3xf32> -> tensor<4x3xf32>
  return %1 : tensor<4x3xf32>
}

// -----

// A linear: a block of 64 outputs by 4 times 4 rows. Each step of k is one FMA for each row of a thread, whose
// weight is the thread's place in the panel, then the epilogue, where the element exists.
// CHECK:       gpu.func @linear(
// CHECK-SAME:      %[[X:.*]]: memref<?xf32>, %[[W:.*]]: memref<?xf32>, %[[B:.*]]: memref<?xf32>, %[[Y:.*]]: memref<?xf32>)
// CHECK-SAME:      known_block_size = array<i32: 64, 4, 1>
// CHECK:         %[[COLUMN:.*]] = gpu.thread_id x
// CHECK:         %[[LINE:.*]] = gpu.thread_id y
// CHECK:         scf.for
// CHECK:           %[[SUMS:.*]]:4 = scf.for
// CHECK:             %[[AT:.*]] = arith.addi %{{.*}}, %[[COLUMN]]
// CHECK:             %[[V:.*]] = memref.load %[[W]][%[[AT]]]
// CHECK-COUNT-4:     math.fma %{{.*}}, %[[V]]
// CHECK-NOT:       math.fma
// CHECK:           scf.if
// CHECK:             memref.load %[[B]]
// CHECK:             memref.store %{{.*}}, %[[Y]]
func.func private @linear(%x: tensor<3x8xf32>, %w: tensor<2x8x64xf32>, %b: tensor<100xf32>) -> tensor<3x100xf32>
    attributes {htk.kernel} {
  %0 = htk.linear f32(%x) by f32(%w) : (tensor<3x8xf32>) by (tensor<2x8x64xf32>) -> tensor<3x100xf32>
  %1 = ht.add %0, %b : tensor<3x100xf32>, tensor<100xf32> -> tensor<3x100xf32>
  return %1 : tensor<3x100xf32>
}

// -----

// Codes by codes: words of 4 bytes. Signed codes are stored with 128 added: that many sums of x are too much.
// CHECK:       gpu.func @bytes(
// CHECK-SAME:      %[[X:.*]]: memref<?xi8>, %[[S:.*]]: memref<?xf32>, %[[W:.*]]: memref<?xi8>, %[[T:.*]]: memref<?xf32>,
// CHECK-DAG:     %[[BIAS:.*]] = arith.constant 128 : i32
// CHECK-DAG:     %[[ONES:.*]] = arith.constant 16843009 : i32
// CHECK:         scf.for
// CHECK:           %[[SUMS:.*]]:8 = scf.for
// CHECK:             vector.load %[[W]][%{{.*}}] {alignment = 4 : i64} : memref<?xi8>, vector<4xi8>
// CHECK:             vector.load %[[X]][%{{.*}}] {alignment = 4 : i64} : memref<?xi8>, vector<4xi8>
// CHECK:             nvvm.dot.accumulate.4way %{{.*}} <unsigned>, %{{.*}} <signed>, %{{.*}} : vector<4xi8>, vector<4xi8>
// CHECK:             nvvm.dot.accumulate.4way
// CHECK:           %[[TOO_MUCH:.*]] = arith.muli %[[SUMS]]#4, %[[BIAS]] : i32
// CHECK:           %[[SUM:.*]] = arith.subi %[[SUMS]]#0, %[[TOO_MUCH]] : i32
// CHECK:           arith.sitofp %[[SUM]] : i32 to f32
// CHECK:           memref.load %[[T]]
// CHECK:           scf.if
// CHECK:             memref.load %[[S]]
func.func private @bytes(%x: tensor<3x8xi8>, %s: tensor<3x1xf32>, %w: tensor<1x2x256xui8>, %t: tensor<1x1x64xf32>)
    -> tensor<3x50xf32> attributes {htk.kernel} {
  %0 = htk.linear affine<i8, blocks [1, ?], scale f32>(%x, %s) by affine<i8, blocks [1, ?], scale f32>(%w, %t)
      : (tensor<3x8xi8>, tensor<3x1xf32>) by (tensor<1x2x256xui8>, tensor<1x1x64xf32>) -> tensor<3x50xf32>
  return %0 : tensor<3x50xf32>
}

// -----

// Rows of an odd length are not aligned: their bytes are loaded one by one.
// CHECK:       gpu.func @odd(%[[X:[^:]*]]:
// CHECK-NOT:     vector.load %[[X]]
// CHECK:         memref.load %[[X]]
// CHECK-NOT:     vector.load %[[X]]
func.func private @odd(%x: tensor<3x7xi8>, %s: tensor<3x1xf32>, %w: tensor<1x2x256xui8>, %t: tensor<1x1x64xf32>)
    -> tensor<3x50xf32> attributes {htk.kernel} {
  %0 = htk.linear affine<i8, blocks [1, ?], scale f32>(%x, %s) by affine<i8, blocks [1, ?], scale f32>(%w, %t)
      : (tensor<3x7xi8>, tensor<3x1xf32>) by (tensor<1x2x256xui8>, tensor<1x1x64xf32>) -> tensor<3x50xf32>
  return %0 : tensor<3x50xf32>
}

// -----

// Codes of 4 bits: two steps of a word, the second 4 bits up. Where their block ends, sums are scaled.
// CHECK:       gpu.func @int4(
// CHECK-SAME:      %{{.*}}: memref<?xf32>, %[[W:.*]]: memref<?xi8>, %[[S:.*]]: memref<?xf16>,
// CHECK-DAG:     %[[MASK:.*]] = arith.constant 15 : i32
// CHECK-DAG:     %[[UP:.*]] = arith.constant 4 : i32
// CHECK:         scf.for
// CHECK:           %[[TOTALS:.*]]:4 = scf.for {{.*}} iter_args(%[[TOTAL:.*]] = %{{.*}}, %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}}, %{{.*}} = %{{.*}})
// CHECK:             %[[SUMS:.*]]:4 = scf.for
// CHECK:               %[[BYTES:.*]] = vector.load %[[W]]
// CHECK:               %[[WORDS:.*]] = vector.bitcast %[[BYTES]] : vector<4xi8> to vector<1xi32>
// CHECK:               %[[WORD:.*]] = vector.extract %[[WORDS]][0]
// CHECK:               arith.andi %[[WORD]], %[[MASK]] : i32
// CHECK:               %[[NEXT:.*]] = arith.shrui %{{.*}}, %[[UP]] : i32
// CHECK:               arith.andi %[[NEXT]], %[[MASK]] : i32
// CHECK:             %[[HALF:.*]] = memref.load %[[S]]
// CHECK:             %[[SCALE:.*]] = arith.extf %[[HALF]] : f16 to f32
// CHECK:             math.fma %[[SUMS]]#0, %[[SCALE]], %[[TOTAL]]
func.func private @int4(%x: tensor<3x64xf32>, %w: tensor<1x8x256xui8>, %s: tensor<1x2x64xf16>) -> tensor<3x50xf32>
    attributes {htk.kernel} {
  %0 = htk.linear f32(%x) by affine<i4, blocks [1, 32], scale f16>(%w, %s)
      : (tensor<3x64xf32>) by (tensor<1x8x256xui8>, tensor<1x2x64xf16>) -> tensor<3x50xf32>
  return %0 : tensor<3x50xf32>
}

// -----

// bf16 are pairs of bits in a word: the high half is a value of f32 as it is.
// CHECK:       gpu.func @bf16(
// CHECK:         %[[HIGH:.*]] = arith.andi %{{.*}}, %c-65536_i32 : i32
// CHECK:         %[[VALUE:.*]] = arith.bitcast %[[HIGH]] : i32 to f32
// CHECK:         math.fma %{{.*}}, %[[VALUE]]
func.func private @bf16(%x: tensor<3x8xbf16>, %w: tensor<1x4x128xbf16>) -> tensor<3x50xf32> attributes {htk.kernel} {
  %0 = htk.linear bf16(%x) by bf16(%w) : (tensor<3x8xbf16>) by (tensor<1x4x128xbf16>) -> tensor<3x50xf32>
  return %0 : tensor<3x50xf32>
}
