// Why a producer does not join its reader.
// RUN: halftone-opt --htk-form-kernels --split-input-file --remarks-filter-missed=htk-form-kernels %s -o /dev/null 2>&1 | FileCheck %s
// RUN: halftone-opt --htk-form-kernels --split-input-file --remarks-filter-passed=htk-form-kernels %s -o /dev/null 2>&1 | FileCheck --check-prefix=PASSED %s

// CHECK: remark: [Missed] kernel boundary {{.*}}ht.linear{{.*}}the kernel has a root already
func.func @two_roots(%x: tensor<3x4xf32>, %y: tensor<3x4xf32>, %w: tensor<8x4xf32>) -> tensor<3x8xf32> {
  %0 = ht.linear %x, %w : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %1 = ht.linear %y, %w : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %2 = ht.glu silu %0, %1 : tensor<3x8xf32>
  return %2 : tensor<3x8xf32>
}

// -----

// CHECK: remark: [Missed] linears apart {{.*}}runs apart from another linear with the same input: {{.*}}one needs the other's result
func.func @one_after_another(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>, %v: tensor<8x4xf32>) -> tensor<3x8xf32> {
  %0 = ht.linear %x, %w : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %1 = ht.softmax %0 axis 1 : tensor<3x8xf32>
  %2 = ht.linear %x, %v : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %3 = ht.add %2, %1 : tensor<3x8xf32>, tensor<3x8xf32> -> tensor<3x8xf32>
  return %3 : tensor<3x8xf32>
}

// -----

// CHECK: remark: [Missed] kernel boundary {{.*}}ht.neg{{.*}}several results of its readers' kernel would each compute it
// PASSED: remark: [Passed] linears of one input {{.*}}2{{.*}} linears with the same input run as one kernel
func.func @for_two_results(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>, %v: tensor<8x4xf32>, %z: tensor<3x8xf32>) -> (tensor<3x8xf32>, tensor<3x8xf32>) {
  %r = ht.neg %z : tensor<3x8xf32>
  %s = ht.softmax %x axis 1 : tensor<3x4xf32>
  %0 = ht.linear %s, %w : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %1 = ht.add %0, %r : tensor<3x8xf32>, tensor<3x8xf32> -> tensor<3x8xf32>
  %2 = ht.linear %s, %v : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  %3 = ht.sub %2, %r : tensor<3x8xf32>, tensor<3x8xf32> -> tensor<3x8xf32>
  return %1, %3 : tensor<3x8xf32>, tensor<3x8xf32>
}

// -----

// PASSED: remark: [Passed] prologue {{.*}}ht.cast{{.*}} is computed by the roots that read it
func.func @cast(%x: tensor<3x8xf32>, %w: tensor<5x8xbf16>) -> tensor<3x5xf32> {
  %0 = ht.cast %x : tensor<3x8xf32> to tensor<3x8xbf16>
  %1 = htq.linear bf16(%0) by bf16(%w) : (tensor<3x8xbf16>) by (tensor<5x8xbf16>) -> tensor<3x5xf32>
  return %1 : tensor<3x5xf32>
}

// -----

// CHECK: remark: [Missed] {{.*}}ht.exp{{.*}}its reader visits it several times
func.func @before_root(%x: tensor<3x4xf32>, %w: tensor<8x4xf32>) -> tensor<3x8xf32> {
  %0 = ht.exp %x : tensor<3x4xf32>
  %1 = ht.linear %0, %w : tensor<3x4xf32>, tensor<8x4xf32> -> tensor<3x8xf32>
  return %1 : tensor<3x8xf32>
}

// -----

// CHECK: remark: [Missed] {{.*}}ht.attention{{.*}}the root makes its result in an order of its own
func.func @after_attention(%q: tensor<1x3x2x4xf32>) -> tensor<1x3x2x4xf32> {
  %0 = ht.attention %q, %q, %q scale 1.0 : tensor<1x3x2x4xf32>, tensor<1x3x2x4xf32>, tensor<1x3x2x4xf32> -> tensor<1x3x2x4xf32>
  %1 = ht.exp %0 : tensor<1x3x2x4xf32>
  return %1 : tensor<1x3x2x4xf32>
}

// -----

// CHECK: remark: [Missed] {{.*}}ht.linear{{.*}}an operation after the root moves data
func.func @movement_after_root(%x: tensor<3x4xf32>, %w: tensor<3x4xf32>) -> tensor<3x3xf32> {
  %0 = ht.linear %x, %w : tensor<3x4xf32>, tensor<3x4xf32> -> tensor<3x3xf32>
  %1 = ht.transpose %0 [1, 0] : tensor<3x3xf32> -> tensor<3x3xf32>
  return %1 : tensor<3x3xf32>
}

// -----

// CHECK: remark: [Missed] {{.*}}ht.reduce{{.*}}the kernel's result has another shape than the root's
func.func @broadcast_after_root(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %0 = ht.reduce mean %x [1] : tensor<3x4xf32> -> tensor<3x1xf32>
  %1 = ht.sub %x, %0 : tensor<3x4xf32>, tensor<3x1xf32> -> tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

// -----

// CHECK: remark: [Missed] {{.*}}ht.exp{{.*}}it would be computed once for every reader of a broadcast
func.func @dear_broadcast(%x: tensor<3x4xf32>, %y: tensor<4xf32>) -> tensor<3x4xf32> {
  %0 = ht.exp %y : tensor<4xf32>
  %1 = ht.add %x, %0 : tensor<3x4xf32>, tensor<4xf32> -> tensor<3x4xf32>
  return %1 : tensor<3x4xf32>
}

// -----

// What joins leaves no remark.
// CHECK-NOT: remark
func.func @joins(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = ht.exp %x : tensor<4xf32>
  %1 = ht.neg %0 : tensor<4xf32>
  return %1 : tensor<4xf32>
}
