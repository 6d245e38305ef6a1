// RUN: halftone-opt --ht-raise-rope --split-input-file %s | FileCheck %s
// RUN: halftone-opt --ht-raise-rope --split-input-file --remarks-filter-missed=ht-raise-rope \
// RUN:   --remark-format=emitRemark %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=MISSED

// Half-split, [batch, heads, s, d]: the angles lose the copy of their columns.
// CHECK-LABEL: func.func @half_split
// CHECK-SAME:    (%[[X:.*]]: tensor<2x3x5x4xf32>, %[[F:.*]]: tensor<1x5x2xf32>)
// CHECK:         %[[COS:.*]] = ht.cos %[[F]]
// CHECK:         %[[COS4:.*]] = ht.reshape %[[COS]] : {{.*}} to tensor<1x1x5x2xf32>
// CHECK:         %[[COS3:.*]] = ht.reshape %[[COS4]] : {{.*}} to tensor<1x5x2xf32>
// CHECK:         %[[SIN:.*]] = ht.sin %[[F]]
// CHECK:         %[[SCALED:.*]] = ht.mul %[[SIN]], %{{.*}}
// CHECK:         %[[SIN4:.*]] = ht.reshape %[[SCALED]]
// CHECK:         %[[SIN3:.*]] = ht.reshape %[[SIN4]]
// CHECK:         %[[TURNED:.*]] = ht.transpose %[[X]] [0, 2, 1, 3]
// CHECK:         %[[ROPE:.*]] = ht.rope %[[TURNED]], %[[COS3]], %[[SIN3]] : tensor<2x5x3x4xf32>
// CHECK:         %[[BACK:.*]] = ht.transpose %[[ROPE]] [0, 2, 1, 3]
// CHECK:         return %[[BACK]]
func.func @half_split(%x: tensor<2x3x5x4xf32>, %f: tensor<1x5x2xf32>) -> tensor<2x3x5x4xf32> {
  %scaling = ht.constant dense<1.5> : tensor<f32>
  %ff = ht.concat %f, %f axis 2 : tensor<1x5x2xf32>, tensor<1x5x2xf32> -> tensor<1x5x4xf32>
  %c3 = ht.cos %ff : tensor<1x5x4xf32>
  %c = ht.reshape %c3 : tensor<1x5x4xf32> to tensor<1x1x5x4xf32>
  %s2 = ht.sin %ff : tensor<1x5x4xf32>
  %s3 = ht.mul %s2, %scaling : tensor<1x5x4xf32>, tensor<f32> -> tensor<1x5x4xf32>
  %s = ht.reshape %s3 : tensor<1x5x4xf32> to tensor<1x1x5x4xf32>
  %lo = ht.slice %x starts <0, 0, 0, 0> strides [1, 1, 1, 1] : tensor<2x3x5x4xf32> to tensor<2x3x5x2xf32>
  %hi = ht.slice %x starts <0, 0, 0, 2> strides [1, 1, 1, 1] : tensor<2x3x5x4xf32> to tensor<2x3x5x2xf32>
  %neg = ht.neg %hi : tensor<2x3x5x2xf32>
  %rotated = ht.concat %neg, %lo axis 3 : tensor<2x3x5x2xf32>, tensor<2x3x5x2xf32> -> tensor<2x3x5x4xf32>
  %xc = ht.mul %x, %c : tensor<2x3x5x4xf32>, tensor<1x1x5x4xf32> -> tensor<2x3x5x4xf32>
  %rs = ht.mul %rotated, %s : tensor<2x3x5x4xf32>, tensor<1x1x5x4xf32> -> tensor<2x3x5x4xf32>
  %0 = ht.add %xc, %rs : tensor<2x3x5x4xf32>, tensor<2x3x5x4xf32> -> tensor<2x3x5x4xf32>
  return %0 : tensor<2x3x5x4xf32>
}

// -----

// Written out per half, [batch, s, heads, d], partial: the last two columns pass.
// CHECK-LABEL: func.func @partial
// CHECK-SAME:    (%[[X:.*]]: tensor<2x5x3x6xf32>, %[[C:.*]]: tensor<1x5x1x2xf32>, %[[S:.*]]: tensor<1x5x1x2xf32>)
// CHECK-DAG:     %[[COS:.*]] = ht.reshape %[[C]] : tensor<1x5x1x2xf32> to tensor<1x5x2xf32>
// CHECK-DAG:     %[[SIN:.*]] = ht.reshape %[[S]] : tensor<1x5x1x2xf32> to tensor<1x5x2xf32>
// CHECK:         %[[Y:.*]] = ht.rope %[[X]], %[[COS]], %[[SIN]] : tensor<2x5x3x6xf32>
// CHECK-NEXT:    return %[[Y]]
func.func @partial(%x: tensor<2x5x3x6xf32>, %c: tensor<1x5x1x2xf32>, %s: tensor<1x5x1x2xf32>) -> tensor<2x5x3x6xf32> {
  %head = ht.slice %x starts <0, 0, 0, 0> strides [1, 1, 1, 1] : tensor<2x5x3x6xf32> to tensor<2x5x3x4xf32>
  %tail = ht.slice %x starts <0, 0, 0, 4> strides [1, 1, 1, 1] : tensor<2x5x3x6xf32> to tensor<2x5x3x2xf32>
  %lo = ht.slice %head starts <0, 0, 0, 0> strides [1, 1, 1, 1] : tensor<2x5x3x4xf32> to tensor<2x5x3x2xf32>
  %hi = ht.slice %head starts <0, 0, 0, 2> strides [1, 1, 1, 1] : tensor<2x5x3x4xf32> to tensor<2x5x3x2xf32>
  %0 = ht.mul %lo, %c : tensor<2x5x3x2xf32>, tensor<1x5x1x2xf32> -> tensor<2x5x3x2xf32>
  %1 = ht.mul %hi, %s : tensor<2x5x3x2xf32>, tensor<1x5x1x2xf32> -> tensor<2x5x3x2xf32>
  %2 = ht.sub %0, %1 : tensor<2x5x3x2xf32>, tensor<2x5x3x2xf32> -> tensor<2x5x3x2xf32>
  %3 = ht.mul %hi, %c : tensor<2x5x3x2xf32>, tensor<1x5x1x2xf32> -> tensor<2x5x3x2xf32>
  %4 = ht.mul %lo, %s : tensor<2x5x3x2xf32>, tensor<1x5x1x2xf32> -> tensor<2x5x3x2xf32>
  %5 = ht.add %3, %4 : tensor<2x5x3x2xf32>, tensor<2x5x3x2xf32> -> tensor<2x5x3x2xf32>
  %6 = ht.concat %2, %5 axis 3 : tensor<2x5x3x2xf32>, tensor<2x5x3x2xf32> -> tensor<2x5x3x4xf32>
  %7 = ht.concat %6, %tail axis 3 : tensor<2x5x3x4xf32>, tensor<2x5x3x2xf32> -> tensor<2x5x3x6xf32>
  return %7 : tensor<2x5x3x6xf32>
}

// -----

// Interleaved pairs, stacked and flattened.
// CHECK-LABEL: func.func @interleaved
// CHECK-SAME:    (%[[X:.*]]: tensor<2x5x3x4xf32>,
// CHECK:         %[[Y:.*]] = ht.rope %[[X]], %{{.*}}, %{{.*}} interleaved : tensor<2x5x3x4xf32>, tensor<1x5x2xf32>
// CHECK-NEXT:    return %[[Y]]
func.func @interleaved(%x: tensor<2x5x3x4xf32>, %c: tensor<1x5x1x2xf32>, %s: tensor<1x5x1x2xf32>) -> tensor<2x5x3x4xf32> {
  %even = ht.slice %x starts <0, 0, 0, 0> strides [1, 1, 1, 2] : tensor<2x5x3x4xf32> to tensor<2x5x3x2xf32>
  %odd = ht.slice %x starts <0, 0, 0, 1> strides [1, 1, 1, 2] : tensor<2x5x3x4xf32> to tensor<2x5x3x2xf32>
  %0 = ht.mul %even, %c : tensor<2x5x3x2xf32>, tensor<1x5x1x2xf32> -> tensor<2x5x3x2xf32>
  %1 = ht.mul %odd, %s : tensor<2x5x3x2xf32>, tensor<1x5x1x2xf32> -> tensor<2x5x3x2xf32>
  %2 = ht.sub %0, %1 : tensor<2x5x3x2xf32>, tensor<2x5x3x2xf32> -> tensor<2x5x3x2xf32>
  %3 = ht.mul %odd, %c : tensor<2x5x3x2xf32>, tensor<1x5x1x2xf32> -> tensor<2x5x3x2xf32>
  %4 = ht.mul %even, %s : tensor<2x5x3x2xf32>, tensor<1x5x1x2xf32> -> tensor<2x5x3x2xf32>
  %5 = ht.add %3, %4 : tensor<2x5x3x2xf32>, tensor<2x5x3x2xf32> -> tensor<2x5x3x2xf32>
  %6 = ht.reshape %2 : tensor<2x5x3x2xf32> to tensor<2x5x3x2x1xf32>
  %7 = ht.reshape %5 : tensor<2x5x3x2xf32> to tensor<2x5x3x2x1xf32>
  %8 = ht.concat %6, %7 axis 4 : tensor<2x5x3x2x1xf32>, tensor<2x5x3x2x1xf32> -> tensor<2x5x3x2x2xf32>
  %9 = ht.reshape %8 : tensor<2x5x3x2x2xf32> to tensor<2x5x3x4xf32>
  return %9 : tensor<2x5x3x4xf32>
}

// -----

// rotate_every_two, with each angle repeated beside itself (GPT-J).
// CHECK-LABEL: func.func @twins
// CHECK-SAME:    (%[[X:.*]]: tensor<2x5x3x4xf32>, %[[F:.*]]: tensor<1x5x1x2xf32>)
// CHECK:         %[[ONCE:.*]] = ht.reshape %{{.*}} : tensor<1x5x1x2x1xf32> to tensor<1x5x1x2xf32>
// CHECK:         %[[COS:.*]] = ht.cos %[[ONCE]] : tensor<1x5x1x2xf32>
// CHECK:         %[[COS3:.*]] = ht.reshape %[[COS]] : tensor<1x5x1x2xf32> to tensor<1x5x2xf32>
// CHECK:         ht.rope %[[X]], %[[COS3]], %{{.*}} interleaved
func.func @twins(%x: tensor<2x5x3x4xf32>, %f: tensor<1x5x1x2xf32>) -> tensor<2x5x3x4xf32> {
  %f5 = ht.reshape %f : tensor<1x5x1x2xf32> to tensor<1x5x1x2x1xf32>
  %fw = ht.broadcast %f5 : tensor<1x5x1x2x1xf32> to tensor<1x5x1x2x2xf32>
  %ff = ht.reshape %fw : tensor<1x5x1x2x2xf32> to tensor<1x5x1x4xf32>
  %c = ht.cos %ff : tensor<1x5x1x4xf32>
  %s = ht.sin %ff : tensor<1x5x1x4xf32>
  %even = ht.slice %x starts <0, 0, 0, 0> strides [1, 1, 1, 2] : tensor<2x5x3x4xf32> to tensor<2x5x3x2xf32>
  %odd = ht.slice %x starts <0, 0, 0, 1> strides [1, 1, 1, 2] : tensor<2x5x3x4xf32> to tensor<2x5x3x2xf32>
  %neg = ht.neg %odd : tensor<2x5x3x2xf32>
  %0 = ht.reshape %neg : tensor<2x5x3x2xf32> to tensor<2x5x3x2x1xf32>
  %1 = ht.reshape %even : tensor<2x5x3x2xf32> to tensor<2x5x3x2x1xf32>
  %2 = ht.concat %0, %1 axis 4 : tensor<2x5x3x2x1xf32>, tensor<2x5x3x2x1xf32> -> tensor<2x5x3x2x2xf32>
  %rotated = ht.reshape %2 : tensor<2x5x3x2x2xf32> to tensor<2x5x3x4xf32>
  %xc = ht.mul %x, %c : tensor<2x5x3x4xf32>, tensor<1x5x1x4xf32> -> tensor<2x5x3x4xf32>
  %rs = ht.mul %rotated, %s : tensor<2x5x3x4xf32>, tensor<1x5x1x4xf32> -> tensor<2x5x3x4xf32>
  %3 = ht.add %xc, %rs : tensor<2x5x3x4xf32>, tensor<2x5x3x4xf32> -> tensor<2x5x3x4xf32>
  return %3 : tensor<2x5x3x4xf32>
}

// -----

// Sines and cosines from a table, each repeated by a tile that has an axis too many (GPT-J by TorchScript).
// CHECK-LABEL: func.func @gathered_angles
// CHECK-SAME:    %[[S:[a-z0-9]*]]: tensor<1x5x2xf32>, %[[C:[a-z0-9]*]]: tensor<1x5x2xf32>)
// CHECK:         %[[COS:.*]] = ht.reshape %{{.*}} : tensor<1x5x1x2xf32> to tensor<1x5x2xf32>
// CHECK:         ht.rope %{{.*}}, %[[COS]], %{{.*}} interleaved : tensor<2x5x3x4xf32>, tensor<1x5x2xf32>
func.func @gathered_angles(%x: tensor<2x5x3x4xf32>, %s2: tensor<1x5x2xf32>, %c2: tensor<1x5x2xf32>) -> tensor<2x5x3x4xf32> {
  %s6 = ht.reshape %s2 : tensor<1x5x2xf32> to tensor<1x5x1x2x1x1xf32>
  %sw = ht.broadcast %s6 : tensor<1x5x1x2x1x1xf32> to tensor<1x5x1x2x2x1xf32>
  %s = ht.reshape %sw : tensor<1x5x1x2x2x1xf32> to tensor<1x5x1x4xf32>
  %c6 = ht.reshape %c2 : tensor<1x5x2xf32> to tensor<1x5x1x2x1x1xf32>
  %cw = ht.broadcast %c6 : tensor<1x5x1x2x1x1xf32> to tensor<1x5x1x2x2x1xf32>
  %c = ht.reshape %cw : tensor<1x5x1x2x2x1xf32> to tensor<1x5x1x4xf32>
  %even = ht.slice %x starts <0, 0, 0, 0> strides [1, 1, 1, 2] : tensor<2x5x3x4xf32> to tensor<2x5x3x2xf32>
  %odd = ht.slice %x starts <0, 0, 0, 1> strides [1, 1, 1, 2] : tensor<2x5x3x4xf32> to tensor<2x5x3x2xf32>
  %neg = ht.neg %odd : tensor<2x5x3x2xf32>
  %0 = ht.reshape %neg : tensor<2x5x3x2xf32> to tensor<2x5x3x2x1xf32>
  %1 = ht.reshape %even : tensor<2x5x3x2xf32> to tensor<2x5x3x2x1xf32>
  %2 = ht.concat %0, %1 axis 4 : tensor<2x5x3x2x1xf32>, tensor<2x5x3x2x1xf32> -> tensor<2x5x3x2x2xf32>
  %rotated = ht.reshape %2 : tensor<2x5x3x2x2xf32> to tensor<2x5x3x4xf32>
  %xc = ht.mul %x, %c : tensor<2x5x3x4xf32>, tensor<1x5x1x4xf32> -> tensor<2x5x3x4xf32>
  %rs = ht.mul %rotated, %s : tensor<2x5x3x4xf32>, tensor<1x5x1x4xf32> -> tensor<2x5x3x4xf32>
  %3 = ht.add %xc, %rs : tensor<2x5x3x4xf32>, tensor<2x5x3x4xf32> -> tensor<2x5x3x4xf32>
  return %3 : tensor<2x5x3x4xf32>
}

// -----

// Angles tiled as a whole, for pairs of halves (DINOv3).
// CHECK-LABEL: func.func @tiled_halves
// CHECK-SAME:    %[[F:[a-z0-9]*]]: tensor<5x2xf32>)
// CHECK:         %[[COS:.*]] = ht.cos %{{.*}} : tensor<5x2xf32>
// CHECK:         ht.rope %{{.*}}, %{{.*}}, %{{.*}} : tensor<2x5x3x4xf32>, tensor<1x5x2xf32>
func.func @tiled_halves(%x: tensor<2x3x5x4xf32>, %f: tensor<5x2xf32>) -> tensor<2x3x5x4xf32> {
  %f3 = ht.reshape %f : tensor<5x2xf32> to tensor<5x1x2xf32>
  %fw = ht.broadcast %f3 : tensor<5x1x2xf32> to tensor<5x2x2xf32>
  %ff = ht.reshape %fw : tensor<5x2x2xf32> to tensor<5x4xf32>
  %c = ht.cos %ff : tensor<5x4xf32>
  %s = ht.sin %ff : tensor<5x4xf32>
  %low = ht.slice %x starts <0, 0, 0, 0> strides [1, 1, 1, 1] : tensor<2x3x5x4xf32> to tensor<2x3x5x2xf32>
  %high = ht.slice %x starts <0, 0, 0, 2> strides [1, 1, 1, 1] : tensor<2x3x5x4xf32> to tensor<2x3x5x2xf32>
  %neg = ht.neg %high : tensor<2x3x5x2xf32>
  %rotated = ht.concat %neg, %low axis 3 : tensor<2x3x5x2xf32>, tensor<2x3x5x2xf32> -> tensor<2x3x5x4xf32>
  %xc = ht.mul %x, %c : tensor<2x3x5x4xf32>, tensor<5x4xf32> -> tensor<2x3x5x4xf32>
  %rs = ht.mul %rotated, %s : tensor<2x3x5x4xf32>, tensor<5x4xf32> -> tensor<2x3x5x4xf32>
  %3 = ht.add %xc, %rs : tensor<2x3x5x4xf32>, tensor<2x3x5x4xf32> -> tensor<2x3x5x4xf32>
  return %3 : tensor<2x3x5x4xf32>
}

// -----

// Near miss: nothing says that column i + 2 of the angles is column i.
// CHECK-LABEL: func.func @unrelated_angles
// CHECK-NOT:     ht.rope
// MISSED: not raised: the two angles of a pair must be seen to be equal, but found ht.exp at
func.func @unrelated_angles(%x: tensor<2x3x5x4xf32>, %f: tensor<1x1x5x4xf32>) -> tensor<2x3x5x4xf32> {
  %c = ht.exp %f : tensor<1x1x5x4xf32>
  %s = ht.sin %f : tensor<1x1x5x4xf32>
  %lo = ht.slice %x starts <0, 0, 0, 0> strides [1, 1, 1, 1] : tensor<2x3x5x4xf32> to tensor<2x3x5x2xf32>
  %hi = ht.slice %x starts <0, 0, 0, 2> strides [1, 1, 1, 1] : tensor<2x3x5x4xf32> to tensor<2x3x5x2xf32>
  %neg = ht.neg %hi : tensor<2x3x5x2xf32>
  %rotated = ht.concat %neg, %lo axis 3 : tensor<2x3x5x2xf32>, tensor<2x3x5x2xf32> -> tensor<2x3x5x4xf32>
  %xc = ht.mul %x, %c : tensor<2x3x5x4xf32>, tensor<1x1x5x4xf32> -> tensor<2x3x5x4xf32>
  %rs = ht.mul %rotated, %s : tensor<2x3x5x4xf32>, tensor<1x1x5x4xf32> -> tensor<2x3x5x4xf32>
  %0 = ht.add %xc, %rs : tensor<2x3x5x4xf32>, tensor<2x3x5x4xf32> -> tensor<2x3x5x4xf32>
  return %0 : tensor<2x3x5x4xf32>
}

// -----

// Near miss: the halves are of two tensors.
// CHECK-LABEL: func.func @two_tensors
// CHECK-NOT:     ht.rope
// MISSED: not raised: the halves must be -x[r:] and x[:r] of one tensor, but found ht.neg at
func.func @two_tensors(%x: tensor<2x3x5x4xf32>, %y: tensor<2x3x5x4xf32>) -> tensor<2x3x5x4xf32> {
  %lo = ht.slice %x starts <0, 0, 0, 0> strides [1, 1, 1, 1] : tensor<2x3x5x4xf32> to tensor<2x3x5x2xf32>
  %hi = ht.slice %y starts <0, 0, 0, 2> strides [1, 1, 1, 1] : tensor<2x3x5x4xf32> to tensor<2x3x5x2xf32>
  %neg = ht.neg %hi : tensor<2x3x5x2xf32>
  %0 = ht.concat %neg, %lo axis 3 : tensor<2x3x5x2xf32>, tensor<2x3x5x2xf32> -> tensor<2x3x5x4xf32>
  return %0 : tensor<2x3x5x4xf32>
}

// -----

// Near miss: the rotation runs the other way round.
// CHECK-LABEL: func.func @other_direction
// CHECK-NOT:     ht.rope
// MISSED: not raised: the second half must be x2 cos + x1 sin, but found ht.add at
func.func @other_direction(%x: tensor<2x5x3x4xf32>, %c: tensor<1x5x1x2xf32>, %s: tensor<1x5x1x2xf32>) -> tensor<2x5x3x4xf32> {
  %lo = ht.slice %x starts <0, 0, 0, 0> strides [1, 1, 1, 1] : tensor<2x5x3x4xf32> to tensor<2x5x3x2xf32>
  %hi = ht.slice %x starts <0, 0, 0, 2> strides [1, 1, 1, 1] : tensor<2x5x3x4xf32> to tensor<2x5x3x2xf32>
  %0 = ht.mul %lo, %c : tensor<2x5x3x2xf32>, tensor<1x5x1x2xf32> -> tensor<2x5x3x2xf32>
  %1 = ht.mul %hi, %s : tensor<2x5x3x2xf32>, tensor<1x5x1x2xf32> -> tensor<2x5x3x2xf32>
  %2 = ht.sub %0, %1 : tensor<2x5x3x2xf32>, tensor<2x5x3x2xf32> -> tensor<2x5x3x2xf32>
  %3 = ht.mul %hi, %s : tensor<2x5x3x2xf32>, tensor<1x5x1x2xf32> -> tensor<2x5x3x2xf32>
  %4 = ht.mul %lo, %c : tensor<2x5x3x2xf32>, tensor<1x5x1x2xf32> -> tensor<2x5x3x2xf32>
  %5 = ht.add %3, %4 : tensor<2x5x3x2xf32>, tensor<2x5x3x2xf32> -> tensor<2x5x3x2xf32>
  %6 = ht.concat %2, %5 axis 3 : tensor<2x5x3x2xf32>, tensor<2x5x3x2xf32> -> tensor<2x5x3x4xf32>
  return %6 : tensor<2x5x3x4xf32>
}

// -----

// A concatenation of anything else is no near miss.
// CHECK-LABEL: func.func @plain_concat
// CHECK:         ht.concat
// MISSED-NOT: not raised
func.func @plain_concat(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>) -> tensor<2x8xf32> {
  %0 = ht.concat %x, %y axis 1 : tensor<2x4xf32>, tensor<2x4xf32> -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}
