// RUN: halftone-opt --htq-rotate --split-input-file --remarks-filter=htq-rotate %s 2> %t.remarks | FileCheck %s
// RUN: FileCheck %s --input-file=%t.remarks --check-prefix=REMARK

// What several linears read is rotated once; other readers have it as it is.
// CHECK:       ht.weight @a : tensor<8x32xf32> {
// CHECK:         %[[A:.*]] = ht.load "w" offset 0
// CHECK:         %[[AH:.*]] = htq.hadamard 2 stride 16 %[[A]] : tensor<8x32xf32>
// CHECK:         ht.yield %[[AH]]
// CHECK:       ht.weight @b : tensor<8x32xf16> {
// CHECK:         %[[WIDE:.*]] = ht.cast {{.*}} : tensor<8x32xf16> to tensor<8x32xf32>
// CHECK:         %[[BH:.*]] = htq.hadamard 2 stride 16 %[[WIDE]] : tensor<8x32xf32>
// CHECK:         ht.cast %[[BH]] : tensor<8x32xf32> to tensor<8x32xf16>
// CHECK-LABEL: func.func @shared_input
// CHECK-SAME:    (%[[X:.*]]: tensor<3x32xf32>)
// CHECK:         %[[XH:.*]] = htq.hadamard 2 stride 16 %[[X]] : tensor<3x32xf32>
// CHECK-NOT:     htq.hadamard
// CHECK-DAG:     ht.linear %[[XH]], %{{.*}} {htq.activations = {{[^,]*,[^,]*,[^,]*,[^,]*}}, htq.weights
// CHECK-DAG:     ht.linear %[[XH]], %{{.*}} {htq.activations
// CHECK-DAG:     ht.linear %[[X]], %
// CHECK:         return
// REMARK:      remark: [Passed] rotation {{.*}}2x16
// REMARK:      remark: [Passed] rotation {{.*}}2x16
#int8 = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>
ht.weight @a : tensor<8x32xf32> {
  %0 = ht.load "w" offset 0 : tensor<8x32xf32>
  ht.yield %0 : tensor<8x32xf32>
}
ht.weight @b : tensor<8x32xf16> {
  %0 = ht.load "w" offset 1024 : tensor<8x32xf16>
  ht.yield %0 : tensor<8x32xf16>
}
ht.weight @c : tensor<8x32xf32> {
  %0 = ht.load "w" offset 2048 : tensor<8x32xf32>
  ht.yield %0 : tensor<8x32xf32>
}
func.func @shared_input(%x: tensor<3x32xf32>) -> (tensor<3x8xf32>, tensor<3x8xf32>, tensor<3x8xf32>) {
  %a = ht.get_weight @a : tensor<8x32xf32>
  %b = ht.get_weight @b : tensor<8x32xf16>
  %c = ht.get_weight @c : tensor<8x32xf32>
  %0 = ht.linear %x, %a {htq.weights = #int8, htq.activations = #int8, htq.rotation = array<i64: 2, 16>} : tensor<3x32xf32>, tensor<8x32xf32> -> tensor<3x8xf32>
  %1 = ht.linear %x, %b {htq.weights = #int8, htq.activations = #int8, htq.rotation = array<i64: 2, 16>} : tensor<3x32xf32>, tensor<8x32xf16> -> tensor<3x8xf32>
  %2 = ht.linear %x, %c : tensor<3x32xf32>, tensor<8x32xf32> -> tensor<3x8xf32>
  return %0, %1, %2 : tensor<3x8xf32>, tensor<3x8xf32>, tensor<3x8xf32>
}

// -----

// A weight that layers share is rotated once for all of them, and stays as it is beside that
// for a reader of something else.
// CHECK:       ht.weight @w.rotated : tensor<32x32xf32> {
// CHECK:         htq.hadamard 32 %
// CHECK:       ht.weight @w : tensor<32x32xf32> {
// CHECK-NOT:     hadamard
// CHECK-NOT:     ht.weight
// CHECK-LABEL: func.func @shared_weight
// CHECK:         %[[H0:.*]] = htq.hadamard 32 %
// CHECK:         %[[W:.*]] = ht.get_weight @w :
// CHECK:         %[[R0:.*]] = ht.get_weight @w.rotated
// CHECK:         %[[Y0:.*]] = ht.linear %[[H0]], %[[R0]]
// CHECK:         %[[H1:.*]] = htq.hadamard 32 %[[Y0]]
// CHECK:         %[[R1:.*]] = ht.get_weight @w.rotated
// CHECK:         %[[Y1:.*]] = ht.linear %[[H1]], %[[R1]]
// CHECK:         ht.linear %[[Y1]], %[[W]]
#int8 = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>
ht.weight @w : tensor<32x32xf32> {
  %0 = ht.load "w" offset 0 : tensor<32x32xf32>
  ht.yield %0 : tensor<32x32xf32>
}
func.func @shared_weight(%x: tensor<3x32xf32>) -> tensor<3x32xf32> {
  %w = ht.get_weight @w : tensor<32x32xf32>
  %0 = ht.linear %x, %w {htq.weights = #int8, htq.activations = #int8, htq.rotation = array<i64: 32, 1>} : tensor<3x32xf32>, tensor<32x32xf32> -> tensor<3x32xf32>
  %1 = ht.linear %0, %w {htq.weights = #int8, htq.activations = #int8, htq.rotation = array<i64: 32, 1>} : tensor<3x32xf32>, tensor<32x32xf32> -> tensor<3x32xf32>
  %2 = ht.linear %1, %w : tensor<3x32xf32>, tensor<32x32xf32> -> tensor<3x32xf32>
  return %2 : tensor<3x32xf32>
}

// -----

// Attention mixes tokens: its values can be rotated within a head when they are made. Of a width of
// 12 that is 4.
// CHECK:       ht.weight @v : tensor<24x8xf32> {
// CHECK:         %[[V:.*]] = ht.load "w" offset 0
// CHECK:         %[[VT:.*]] = ht.transpose %[[V]] [1, 0]
// CHECK:         %[[VH:.*]] = htq.hadamard 4 %[[VT]] : tensor<8x24xf32>
// CHECK:         ht.transpose %[[VH]] [1, 0]
// CHECK:       ht.weight @bias : tensor<24xf32> {
// CHECK:         htq.hadamard 4 %{{.*}} : tensor<24xf32>
// CHECK:       ht.weight @o : tensor<8x24xf32> {
// CHECK:         htq.hadamard 4 %{{.*}} : tensor<8x24xf32>
// CHECK-LABEL: func.func @heads
// CHECK-NOT:     htq.hadamard
// CHECK:         return
// REMARK:      remark: [Passed] rotation {{.*}}4x1, folded into the values' linear
#int8 = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>
ht.weight @v : tensor<24x8xf32> {
  %0 = ht.load "w" offset 0 : tensor<24x8xf32>
  ht.yield %0 : tensor<24x8xf32>
}
ht.weight @bias : tensor<24xf32> {
  %0 = ht.load "w" offset 768 : tensor<24xf32>
  ht.yield %0 : tensor<24xf32>
}
ht.weight @o : tensor<8x24xf32> {
  %0 = ht.load "w" offset 864 : tensor<8x24xf32>
  ht.yield %0 : tensor<8x24xf32>
}
func.func @heads(%x: tensor<1x3x8xf32>, %q: tensor<1x3x2x12xf32>, %k: tensor<1x3x2x12xf32>) -> tensor<1x3x8xf32> {
  %v = ht.get_weight @v : tensor<24x8xf32>
  %b = ht.get_weight @bias : tensor<24xf32>
  %o = ht.get_weight @o : tensor<8x24xf32>
  %0 = ht.linear %x, %v bias %b : tensor<1x3x8xf32>, tensor<24x8xf32>, tensor<24xf32> -> tensor<1x3x24xf32>
  %1 = ht.reshape %0 : tensor<1x3x24xf32> to tensor<1x3x2x12xf32>
  %2 = ht.attention %q, %k, %1 scale 1.0 : tensor<1x3x2x12xf32>, tensor<1x3x2x12xf32>, tensor<1x3x2x12xf32> -> tensor<1x3x2x12xf32>
  %3 = ht.reshape %2 : tensor<1x3x2x12xf32> to tensor<1x3x24xf32>
  %4 = ht.linear %3, %o {htq.weights = #int8, htq.activations = #int8, htq.rotation = array<i64: 8, 1>} : tensor<1x3x24xf32>, tensor<8x24xf32> -> tensor<1x3x8xf32>
  return %4 : tensor<1x3x8xf32>
}

// -----

// Not where something else reads what attention makes.
// CHECK:       ht.weight @v : tensor<24x8xf32> {
// CHECK-NOT:     hadamard
// CHECK:       ht.weight @o
// CHECK-LABEL: func.func @heads_with_a_reader
// CHECK:         htq.hadamard 8 %
// REMARK:      remark: [Passed] rotation {{.*}}8x1{{$}}
#int8 = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>
ht.weight @v : tensor<24x8xf32> {
  %0 = ht.load "w" offset 0 : tensor<24x8xf32>
  ht.yield %0 : tensor<24x8xf32>
}
ht.weight @o : tensor<8x24xf32> {
  %0 = ht.load "w" offset 864 : tensor<8x24xf32>
  ht.yield %0 : tensor<8x24xf32>
}
func.func @heads_with_a_reader(%x: tensor<1x3x8xf32>, %q: tensor<1x3x2x12xf32>, %k: tensor<1x3x2x12xf32>)
    -> (tensor<1x3x8xf32>, tensor<1x3x24xf32>) {
  %v = ht.get_weight @v : tensor<24x8xf32>
  %o = ht.get_weight @o : tensor<8x24xf32>
  %0 = ht.linear %x, %v : tensor<1x3x8xf32>, tensor<24x8xf32> -> tensor<1x3x24xf32>
  %1 = ht.reshape %0 : tensor<1x3x24xf32> to tensor<1x3x2x12xf32>
  %2 = ht.attention %q, %k, %1 scale 1.0 : tensor<1x3x2x12xf32>, tensor<1x3x2x12xf32>, tensor<1x3x2x12xf32> -> tensor<1x3x2x12xf32>
  %3 = ht.reshape %2 : tensor<1x3x2x12xf32> to tensor<1x3x24xf32>
  %4 = ht.linear %3, %o {htq.weights = #int8, htq.activations = #int8, htq.rotation = array<i64: 8, 1>} : tensor<1x3x24xf32>, tensor<8x24xf32> -> tensor<1x3x8xf32>
  return %4, %3 : tensor<1x3x8xf32>, tensor<1x3x24xf32>
}
