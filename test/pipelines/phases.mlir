// Each phase alone, on what the one before it left; its passes, in order, with
// the check of its contract last. The table is compiler/Pipelines/Phases.cpp.
// RUN: halftone-opt --phase-raise %s -o %t.raise.mlir
// RUN: FileCheck %s --check-prefix=RAISE --input-file=%t.raise.mlir
// RUN: halftone-opt --phase-assign=weights=bf16 %t.raise.mlir -o %t.assign.mlir
// RUN: FileCheck %s --check-prefix=ASSIGN --input-file=%t.assign.mlir
// RUN: halftone-opt --phase-quantize %t.assign.mlir -o %t.quantize.mlir
// RUN: FileCheck %s --check-prefix=QUANTIZE --input-file=%t.quantize.mlir
// RUN: halftone-opt --phase-fuse %t.quantize.mlir -o %t.fuse.mlir
// RUN: FileCheck %s --check-prefix=FUSE --input-file=%t.fuse.mlir
// RUN: halftone-opt --phase-layout %t.fuse.mlir -o %t.layout.mlir
// RUN: FileCheck %s --check-prefix=LAYOUT --input-file=%t.layout.mlir
// RUN: halftone-opt --phase-lower %t.layout.mlir -o %t.lower.mlir
// RUN: FileCheck %s --check-prefix=LOWER --input-file=%t.lower.mlir

// One after the other is all at once.
// RUN: halftone-opt --phase-raise --phase-assign=weights=bf16 --phase-quantize --phase-fuse --phase-layout --phase-lower %s | diff - %t.lower.mlir

// A phase refuses what another has to do first.
// RUN: not halftone-opt --phase-layout %t.raise.mlir 2>&1 | FileCheck %s --check-prefix=EARLY

// A matrix product and an addition, as exporters write a linear, …
ht.weight @w : tensor<4x100xf32> {
  %0 = ht.load "w" offset 0 : tensor<4x100xf32>
  ht.yield %0 : tensor<4x100xf32>
}
ht.weight @b : tensor<100xf32> {
  %0 = ht.load "w" offset 1600 : tensor<100xf32>
  ht.yield %0 : tensor<100xf32>
}
func.func @main(%x: tensor<?x4xf32, #ht.dims<s0>> {ht.name = "x"}) -> (tensor<?x100xf32, #ht.dims<s0>> {ht.name = "y"})
    attributes {ht.symbols = [#ht.symbol<"rows", 1, 8>]} {
  %w = ht.get_weight @w : tensor<4x100xf32>
  %b = ht.get_weight @b : tensor<100xf32>
  %0 = ht.matmul %x, %w : tensor<?x4xf32, #ht.dims<s0>>, tensor<4x100xf32> -> tensor<?x100xf32, #ht.dims<s0>>
  %1 = ht.add %0, %b : tensor<?x100xf32, #ht.dims<s0>>, tensor<100xf32> -> tensor<?x100xf32, #ht.dims<s0>>
  return %1 : tensor<?x100xf32, #ht.dims<s0>>
}

// … is recognised, its weight transposed to [out, in];
// RAISE-LABEL: func.func @main
// RAISE:         ht.linear {{.*}} bias {{.*}} tensor<100x4xf32>

// is to be stored in bf16,
// ASSIGN-LABEL: func.func @main
// ASSIGN:         ht.linear {{.*}} {htq.weights = #htq.format<bf16>} {{.*}} tensor<100x4xf32>

// and is;
// QUANTIZE-LABEL: func.func @main
// QUANTIZE:         ht.linear {{.*}} tensor<100x4xbf16>

// is a kernel;
// FUSE-LABEL: func.func @main
// FUSE:         htk.kernel "linear"

// reads a packed weight;
// LAYOUT:       htk.pack
// LAYOUT-LABEL: func.func @main
// LAYOUT:         htk.linear {{.*}} by (tensor<2x2x128xbf16>)

// and is code, of which the graph's signature and the weights' recipes remain.
// LOWER:     module @"x86-64-v4"
// LOWER-DAG: ht.weight @{{.*}} attributes {htk.payload_offset = 0 : i64}
// LOWER-DAG: func.func private @main({{.*}}ht.name = "x"
// LOWER-DAG: llvm.func @step(
// LOWER-DAG: llvm.func @linear(

// EARLY: error: 'ht.linear' op is still in @main after phase 'layout'
