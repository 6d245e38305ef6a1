// RUN: halftone-opt %s | halftone-opt | FileCheck %s
// RUN: halftone-opt --mlir-print-op-generic %s | halftone-opt | FileCheck %s
// RUN: halftone-opt --emit-bytecode %s | halftone-opt | FileCheck %s

!x = tensor<?x4xf32, #ht.dims<s0>>
!step = !llvm.ptr

// CHECK: module attributes {htk.cpu = #htk.cpu<"x86-64-v3", 256>}
module attributes {htk.cpu = #htk.cpu<"x86-64-v3", 256>} {

// CHECK-LABEL: ht.weight @packed : tensor<2x4x64xf32>
ht.weight @packed : tensor<2x4x64xf32> {
  %0 = ht.load "w" offset 0 : tensor<100x4xf32>
  // CHECK: htk.pack %{{.*}} : tensor<100x4xf32> to tensor<2x4x64xf32>
  %1 = htk.pack %0 : tensor<100x4xf32> to tensor<2x4x64xf32>
  ht.yield %1 : tensor<2x4x64xf32>
}

// CHECK-LABEL: func.func @value_form
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32, #ht.dims<s0>>)
func.func @value_form(%x: !x) -> tensor<?x100xf32, #ht.dims<s0>>
    attributes {ht.symbols = [#ht.symbol<"rows", 1, 8>]} {
  // CHECK: %[[W:.*]] = ht.get_weight @packed
  %w = ht.get_weight @packed : tensor<2x4x64xf32>
  // CHECK: %[[Y:.*]] = htk.kernel "linear"(%[[X]], %[[W]]) : (tensor<?x4xf32, #ht.dims<s0>>, tensor<2x4x64xf32>) -> tensor<?x100xf32, #ht.dims<s0>> {
  // CHECK-NEXT: ^bb0(%[[ROWS:.*]]: tensor<?x4xf32, #ht.dims<s0>>, %[[PANELS:.*]]: tensor<2x4x64xf32>):
  // CHECK-NEXT:   %[[Z:.*]] = htk.linear f32(%[[ROWS]]) by f32(%[[PANELS]]) : (tensor<?x4xf32, #ht.dims<s0>>) by (tensor<2x4x64xf32>) -> tensor<?x100xf32, #ht.dims<s0>>
  // CHECK-NEXT:   htk.yield %[[Z]] : tensor<?x100xf32, #ht.dims<s0>>
  // CHECK-NEXT: }
  %y = htk.kernel "linear"(%x, %w) : (!x, tensor<2x4x64xf32>) -> tensor<?x100xf32, #ht.dims<s0>> {
  ^bb0(%rows: !x, %panels: tensor<2x4x64xf32>):
    %z = htk.linear f32(%rows) by f32(%panels) : (!x) by (tensor<2x4x64xf32>) -> tensor<?x100xf32, #ht.dims<s0>>
    htk.yield %z : tensor<?x100xf32, #ht.dims<s0>>
  }
  return %y : tensor<?x100xf32, #ht.dims<s0>>
}

// Several roots, whose input the kernel quantizes.
// CHECK-LABEL: func.func @roots
func.func @roots(%x: tensor<3x4xf32>, %w: tensor<1x1x256xui8>, %s: tensor<1x1x64xf32>) {
  // CHECK: htk.kernel "dynamic_quantize_linear_x2"
  // CHECK: htq.dynamic_quantize
  // CHECK-COUNT-2: htk.linear
  %y:2 = htk.kernel "dynamic_quantize_linear_x2"(%x, %w, %s) : (tensor<3x4xf32>, tensor<1x1x256xui8>, tensor<1x1x64xf32>) -> (tensor<3x5xf32>, tensor<3x5xf32>) {
  ^bb0(%rows: tensor<3x4xf32>, %codes: tensor<1x1x256xui8>, %scales: tensor<1x1x64xf32>):
    %c, %t = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, ?], scale f32>(%rows)
        : (tensor<3x4xf32>) -> (tensor<3x4xi8>, tensor<3x1xf32>)
    %a = htk.linear affine<i8, blocks [1, ?], scale f32>(%c, %t) by affine<i8, blocks [1, ?], scale f32>(%codes, %scales)
        : (tensor<3x4xi8>, tensor<3x1xf32>) by (tensor<1x1x256xui8>, tensor<1x1x64xf32>) -> tensor<3x5xf32>
    %b = htk.linear affine<i8, blocks [1, ?], scale f32>(%c, %t) by affine<i8, blocks [1, ?], scale f32>(%codes, %scales)
        : (tensor<3x4xi8>, tensor<3x1xf32>) by (tensor<1x1x256xui8>, tensor<1x1x64xf32>) -> tensor<3x5xf32>
    htk.yield %a, %b : tensor<3x5xf32>, tensor<3x5xf32>
  }
  return
}

// No operands, and no results.
// CHECK-LABEL: func.func @empty_kernel
func.func @empty_kernel() {
  // CHECK: htk.kernel "nothing"() : () -> () {
  // CHECK-NEXT: htk.yield
  htk.kernel "nothing"() : () -> () {
    htk.yield
  }
  return
}

func.func private @copy(%x: tensor<4xf32>) -> tensor<4xf32> attributes {htk.kernel} {
  return %x : tensor<4xf32>
}

// CHECK-LABEL: func.func @launch_values
func.func @launch_values(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: htk.launch @copy(%{{.*}}) : (tensor<4xf32>) -> tensor<4xf32>
  %0 = htk.launch @copy(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

func.func private @zero() -> tensor<4xf32> attributes {htk.kernel} {
  %0 = ht.constant dense<0.0> : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @launch_nothing
func.func @launch_nothing() -> tensor<4xf32> {
  // CHECK: htk.launch @zero() : () -> tensor<4xf32>
  %0 = htk.launch @zero() : () -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: func.func @step
// CHECK-SAME: (%[[STEP:.*]]: !llvm.ptr, %[[THREAD:.*]]: index)
func.func @step(%step: !step, %thread: index) attributes {htk.arena_bytes = 64 : i64} {
  // CHECK: %[[ROWS:.*]] = htk.symbol %[[STEP]][1] : !llvm.ptr
  %rows = htk.symbol %step[1] : !step
  // CHECK: htk.num_threads %[[STEP]] : !llvm.ptr
  %threads = htk.num_threads %step : !step
  // CHECK: %[[IN:.*]] = htk.input %[[STEP]][0] : !llvm.ptr -> memref<?xf32>
  %in = htk.input %step[0] : !step -> memref<?xf32>
  // CHECK: %[[OUT:.*]] = htk.output %[[STEP]][2] : !llvm.ptr -> memref<?xf32>
  %out = htk.output %step[2] : !step -> memref<?xf32>
  // CHECK: %[[ARENA:.*]] = htk.arena %[[STEP]][64] : !llvm.ptr -> memref<?xf32>
  %arena = htk.arena %step[64] : !step -> memref<?xf32>
  // CHECK: htk.state %[[STEP]][128] : !llvm.ptr -> memref<?xf32>
  %state = htk.state %step[128] : !step -> memref<?xf32>
  // CHECK: htk.payload %[[STEP]][@packed] : !llvm.ptr -> memref<?xf32>
  %payload = htk.payload %step[@packed] : !step -> memref<?xf32>
  // CHECK: htk.launch @copy(%[[IN]]) outs(%[[ARENA]]) on %[[STEP]] thread %[[THREAD]] : (memref<?xf32>) -> () outs memref<?xf32> on !llvm.ptr
  htk.launch @copy(%in) outs(%arena) on %step thread %thread : (memref<?xf32>) -> () outs memref<?xf32> on !step
  // CHECK: htk.barrier %[[STEP]] thread %[[THREAD]] : !llvm.ptr
  htk.barrier %step thread %thread : !step
  // CHECK: htk.launch @copy(%[[ARENA]]) outs(%[[OUT]])
  htk.launch @copy(%arena) outs(%out) on %step thread %thread : (memref<?xf32>) -> () outs memref<?xf32> on !step
  // CHECK: htk.check_index %[[STEP]], %[[THREAD]] in %[[ROWS]] at "node \22Gather\22" : !llvm.ptr
  %safe = htk.check_index %step, %thread in %rows at "node \22Gather\22" : !step
  return
}

}

// Codes of 4 bits are packed as two steps in a period; a linear has the terms of both sides.
// CHECK-LABEL: ht.weight @codes
// CHECK:         htk.pack %{{.*}} group 4 : tensor<100x8xi4> to tensor<2x1x256xui8>
ht.weight @codes : tensor<2x1x256xui8> {
  %0 = ht.load "w" offset 0 : tensor<100x8xi4>
  %1 = htk.pack %0 group 4 : tensor<100x8xi4> to tensor<2x1x256xui8>
  ht.yield %1 : tensor<2x1x256xui8>
}

// CHECK-LABEL: func.func private @codes_by_codes
// CHECK:         htk.linear affine<i8, blocks [1, ?], scale f32>(%{{.*}}, %{{.*}}) by affine<i4, blocks [1, 8], scale f16>(%{{.*}}, %{{.*}}) : (tensor<3x8xi8>, tensor<3x1xf32>) by (tensor<2x1x256xui8>, tensor<2x1x64xf16>) -> tensor<3x100xf32>
func.func private @codes_by_codes(%x: tensor<3x8xi8>, %s: tensor<3x1xf32>, %w: tensor<2x1x256xui8>,
    %t: tensor<2x1x64xf16>) -> tensor<3x100xf32> attributes {htk.kernel} {
  %0 = htk.linear affine<i8, blocks [1, ?], scale f32>(%x, %s) by affine<i4, blocks [1, 8], scale f16>(%w, %t)
      : (tensor<3x8xi8>, tensor<3x1xf32>) by (tensor<2x1x256xui8>, tensor<2x1x64xf16>) -> tensor<3x100xf32>
  return %0 : tensor<3x100xf32>
}
