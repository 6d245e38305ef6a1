// RUN: halftone-opt "--htq-assign=weights=bf16 plan=%S/Inputs/plan.json save-plan=%t.json" %s 2> %t.warnings | FileCheck %s
// RUN: FileCheck %s --input-file=%t.warnings --check-prefix=WARN
// RUN: FileCheck %s --input-file=%t.json --check-prefix=PLAN

// A plan that was saved decides the same again.
// RUN: halftone-opt --htq-assign=plan=%t.json %s | FileCheck %s

// WARN: warning: plan '{{.*}}plan.json': the rule for 'no.such.weight' decides nothing

// The first rule that matches decides, by the weight's name or the operation's; the
// options decide the rest.
// CHECK-LABEL: func.func @main
// CHECK:         ht.linear {{.*}} {htq.activations = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>, htq.rotation = array<i64: 8, 16>, htq.weights = #htq.format<absmax affine<i8, blocks [1, ?], scale f32>>}
// CHECK:         ht.linear {{.*}} {htq.weights = #htq.format<signed_max affine<i4, blocks [1, 128], scale f16>>}
// CHECK:         ht.linear {{.*}} {htq.weights = #htq.format<bf16>}

// PLAN:      [
// PLAN-NEXT:   {"match": "layer.0.key", "weights": "int8", "activations": "int8-token", "rotation": "8x16", "shape": [256, 256], "bits": 8.12},
// PLAN-NEXT:   {"match": "w\\[1\\]", "weights": "int4-g128", "activations": "f32", "shape": [256, 256], "bits": 4.12},
// PLAN-NEXT:   {"match": "layer.1.value", "weights": "bf16", "activations": "f32", "shape": [256, 256], "bits": 16.00}
// PLAN-NEXT: ]

ht.weight @layer.0.key : tensor<256x256xf32> {
  %0 = ht.load "w" offset 0 : tensor<256x256xf32>
  ht.yield %0 : tensor<256x256xf32>
}
ht.weight @"w[1]" : tensor<256x256xf32> {
  %0 = ht.load "w" offset 262144 : tensor<256x256xf32>
  ht.yield %0 : tensor<256x256xf32>
}
ht.weight @layer.1.value : tensor<256x256xf32> {
  %0 = ht.load "w" offset 524288 : tensor<256x256xf32>
  ht.yield %0 : tensor<256x256xf32>
}
func.func @main(%x: tensor<3x256xf32>) -> tensor<3x256xf32> {
  %a = ht.get_weight @layer.0.key : tensor<256x256xf32>
  %b = ht.get_weight @"w[1]" : tensor<256x256xf32>
  %c = ht.get_weight @layer.1.value : tensor<256x256xf32>
  %0 = ht.linear %x, %a : tensor<3x256xf32>, tensor<256x256xf32> -> tensor<3x256xf32>
  %1 = ht.linear %0, %b : tensor<3x256xf32>, tensor<256x256xf32> -> tensor<3x256xf32> loc("layer.1.key")
  %2 = ht.linear %1, %c : tensor<3x256xf32>, tensor<256x256xf32> -> tensor<3x256xf32>
  return %2 : tensor<3x256xf32>
}
