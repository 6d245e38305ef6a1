// RUN: halftone-opt "--htq-assign=activations=int8-token plan=%S/Inputs/attention.json save-plan=%t.json" --remarks-filter=htq-assign %s -o %t.mlir 2> %t.remarks
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: FileCheck %s --input-file=%t.remarks --check-prefix=REMARK
// RUN: FileCheck %s --input-file=%t.json --check-prefix=PLAN
// RUN: halftone-opt "--htq-assign=activations=int8-token attention=f32" %s | FileCheck %s --check-prefix=F32
// RUN: halftone-opt --htq-assign=attention=bf16 %s | FileCheck %s --check-prefix=BF16
// RUN: sed "s/^func.func/module attributes {htk.cpu = #htk.cpu<\"x86-64-v4\", 512, [\"avx512vnni\"]>} { func.func/; s/^}$/} }/" %s | halftone-opt --htq-assign=activations=int8-token | FileCheck %s --check-prefix=F32

// Without an option attention is in bf16 where activations are less than f32, but where a rule asks for f32
// or the least level has no tiles of bf16.
// What is kept from step to step as f32, or is none, stays.
// CHECK-LABEL: func.func @main
// CHECK:         ht.attention {{.*}} scale 5.000000e-01 : 
// CHECK:         ht.attention {{.*}} {htq.activations = #htq.format<bf16>}
// CHECK-NOT:     htq.activations
// CHECK:         return
// REMARK:      remark: loc("layer.0.attention"): [Passed] format {{.*}}attention f32
// REMARK:      remark: loc("layer.1.attention"): [Passed] format {{.*}}attention bf16
// REMARK:      remark: [Missed] format {{.*}}keys and values of f32 are kept from step to step
// REMARK:      remark: [Missed] format {{.*}}its operands are no f32
// PLAN:        {"match": "layer.0.attention", "attention": "f32"},
// PLAN-NEXT:   {"match": "layer.1.attention", "attention": "bf16"}
// PLAN-NEXT: ]
// F32-NOT:     htq.activations
// BF16:        ht.attention {{.*}} {htq.activations = #htq.format<bf16>}
!x = tensor<2x3x4x8xf32>
!c = tensor<2x9x4x8xf32>
func.func @main(%x: !x, %d: tensor<2x3x4x8xf64>, %cache: !c, %i: tensor<2xi64>) -> (!x, !x, tensor<2x3x4x8xf64>) {
  %0 = ht.attention %x, %x, %x scale 0.5 : !x, !x, !x -> !x loc("layer.0.attention")
  %1 = ht.attention %0, %0, %0 scale 0.5 : !x, !x, !x -> !x loc("layer.1.attention")
  %k = ht.update %cache, %x sequences %i start %i : !c, !x, tensor<2xi64>, tensor<2xi64>
  %2 = ht.attention %x, %k, %k sequences %i : tensor<2xi64> scale 0.5 : !x, !c, !c -> !x
  %3 = ht.attention %d, %d, %d scale 0.5 : tensor<2x3x4x8xf64>, tensor<2x3x4x8xf64>, tensor<2x3x4x8xf64> -> tensor<2x3x4x8xf64>
  return %1, %2, %3 : !x, !x, tensor<2x3x4x8xf64>
}
