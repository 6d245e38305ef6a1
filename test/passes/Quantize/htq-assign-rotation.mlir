// RUN: halftone-opt "--htq-assign=weights=int8 activations=int8-token" --split-input-file --remarks-filter=htq-assign %s 2> %t.remarks | FileCheck %s
// RUN: FileCheck %s --input-file=%t.remarks --check-prefix=REMARK
// RUN: halftone-opt "--htq-assign=weights=int8 activations=int8-token rotation=32" --split-input-file %s | FileCheck %s --check-prefix=ORDER
// RUN: halftone-opt "--htq-assign=weights=int8 activations=int8-token rotation=none" --split-input-file %s | FileCheck %s --check-prefix=NONE
// RUN: halftone-opt "--htq-assign=weights=int8 rotation=8x16" --split-input-file --remarks-filter=htq-assign %s -o %t.mlir 2> %t.floats
// RUN: FileCheck %s --input-file=%t.floats --check-prefix=FLOATS
// RUN: halftone-opt "--htq-assign=weights=int8 activations=int8-token plan=%S/Inputs/rotation.json" --split-input-file %s 2> %t.warnings | FileCheck %s --check-prefix=PLAN

// As much of order 8 with a stride of 16 as divides the channels; an order that is asked for, or none.
// CHECK-LABEL: func.func @sizes
// CHECK:         htq.rotation = array<i64: 8, 16>
// CHECK:         htq.rotation = array<i64: 2, 16>
// CHECK-NOT:     htq.rotation
// CHECK:         return
// REMARK:      remark: [Passed] format {{.*}}@a [160, 384]: weights int8, 8.08 bits; activations int8-token, rotated by 8x16
// REMARK:      remark: [Passed] format {{.*}}@b [40, 160]: weights int8, 8.20 bits; activations int8-token, rotated by 2x16
// REMARK:      remark: [Missed] format {{.*}}the input is not rotated: expected a last axis of at most 65536 that is a multiple of 2 times 16, got [3, 40]
// ORDER-LABEL: func.func @sizes
// ORDER:         htq.rotation = array<i64: 32, 1>
// ORDER:         htq.rotation = array<i64: 32, 1>
// ORDER-NOT:     htq.rotation
// ORDER:         return
// NONE-LABEL:  func.func @sizes
// NONE-NOT:      htq.rotation
// NONE:          return
// PLAN-LABEL:  func.func @sizes
// PLAN-NOT:      htq.rotation
// PLAN:          htq.rotation = array<i64: 4, 8>
// PLAN-NOT:      htq.rotation
// PLAN:          return
// FLOATS:      remark: [Missed] format {{.*}}the input is not rotated: it will be no codes
ht.weight @a : tensor<160x384xf32> {
  %0 = ht.load "w" offset 0 : tensor<160x384xf32>
  ht.yield %0 : tensor<160x384xf32>
}
ht.weight @b : tensor<40x160xf32> {
  %0 = ht.load "w" offset 245760 : tensor<40x160xf32>
  ht.yield %0 : tensor<40x160xf32>
}
ht.weight @c : tensor<8x40xf32> {
  %0 = ht.load "w" offset 0 : tensor<8x40xf32>
  ht.yield %0 : tensor<8x40xf32>
}
func.func @sizes(%x: tensor<3x384xf32>) -> tensor<3x8xf32> {
  %a = ht.get_weight @a : tensor<160x384xf32>
  %b = ht.get_weight @b : tensor<40x160xf32>
  %c = ht.get_weight @c : tensor<8x40xf32>
  %0 = ht.linear %x, %a : tensor<3x384xf32>, tensor<160x384xf32> -> tensor<3x160xf32>
  %1 = ht.linear %0, %b : tensor<3x160xf32>, tensor<40x160xf32> -> tensor<3x40xf32>
  %2 = ht.linear %1, %c : tensor<3x40xf32>, tensor<8x40xf32> -> tensor<3x8xf32>
  return %2 : tensor<3x8xf32>
}

// -----

// A table that an embedding reads as well, and codes of the model file, are of the basis that they have.
// CHECK-LABEL: func.func @fixed
// CHECK-NOT:     htq.rotation
// CHECK:         return
// REMARK:      remark: [Missed] format {{.*}}the input is not rotated: an embedding reads the weight as well
// REMARK:      remark: [Missed] format {{.*}}the input is not rotated: the weight keeps the codes of the model file
ht.weight @table : tensor<32x32xf32> {
  %0 = ht.load "w" offset 0 : tensor<32x32xf32>
  ht.yield %0 : tensor<32x32xf32>
}
ht.weight @kept : tensor<8x32xf32> {
  %0 = ht.load "w" offset 64 : tensor<8x32xi8>
  %1 = ht.load "w" offset 320 : tensor<8x1xf32>
  %2 = htq.dequantize #htq.affine<i8, blocks [1, ?], scale f32>(%0, %1)
      : (tensor<8x32xi8>, tensor<8x1xf32>) -> tensor<8x32xf32>
  ht.yield %2 : tensor<8x32xf32>
}
func.func @fixed(%ids: tensor<3xi64>) -> tensor<3x8xf32> {
  %t = ht.get_weight @table : tensor<32x32xf32>
  %k = ht.get_weight @kept : tensor<8x32xf32>
  %0 = ht.embedding %t, %ids : tensor<32x32xf32>, tensor<3xi64> -> tensor<3x32xf32>
  %1 = ht.linear %0, %t : tensor<3x32xf32>, tensor<32x32xf32> -> tensor<3x32xf32>
  %2 = ht.linear %1, %k : tensor<3x32xf32>, tensor<8x32xf32> -> tensor<3x8xf32>
  return %2 : tensor<3x8xf32>
}
