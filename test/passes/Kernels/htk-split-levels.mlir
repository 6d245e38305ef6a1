// RUN: split-file %s %t
// RUN: halftone-opt --htk-split-levels %t/levels.mlir | FileCheck %t/levels.mlir
// RUN: halftone-opt --htk-split-levels %t/one.mlir | FileCheck %t/one.mlir
// RUN: halftone-opt --htk-split-levels %t/none.mlir | FileCheck %t/none.mlir
// RUN: not halftone-opt --htk-split-levels %t/same.mlir 2>&1 | FileCheck %t/same.mlir
// RUN: not halftone-opt --htk-split-levels %t/empty.mlir 2>&1 | FileCheck %t/empty.mlir

// Each level has all that there is, and what it is for.
//--- levels.mlir
module attributes {htk.cpu = #htk.cpu<"x86-64-v3", 256>,
    htk.levels = [#htk.cpu<"sapphirerapids", 512, ["amx-int8"]>, #htk.cpu<"x86-64-v3", 256>]} {
  ht.weight @w : tensor<4xf32> {
    %0 = ht.load "w" offset 0 : tensor<4xf32>
    ht.yield %0 : tensor<4xf32>
  }
  func.func private @main()
}
// CHECK:      module {
// CHECK-NEXT:   module @sapphirerapids attributes {htk.cpu = #htk.cpu<"sapphirerapids", 512, ["amx-int8"]>} {
// CHECK-NEXT:     ht.weight @w
// CHECK:          func.func private @main
// CHECK:        module @"x86-64-v3" attributes {htk.cpu = #htk.cpu<"x86-64-v3", 256>} {
// CHECK-NEXT:     ht.weight @w
// CHECK:          func.func private @main
// CHECK-NOT:  module

//--- one.mlir
module attributes {htk.cpu = #htk.cpu<"haswell", 256>} {
  func.func private @main()
}
// CHECK:      module {
// CHECK-NEXT:   module @haswell attributes {htk.cpu = #htk.cpu<"haswell", 256>} {
// CHECK-NEXT:     func.func private @main
// CHECK-NOT:  module

//--- none.mlir
func.func private @main()
// CHECK: module @"x86-64-v4" attributes {htk.cpu = #htk.cpu<"x86-64-v4", 512>} {

//--- same.mlir
module attributes {htk.levels = [#htk.cpu<"haswell", 256>, #htk.cpu<"haswell", 512>]} {
}
// CHECK: error: expected 'htk.levels' to list #htk.cpu of different names, got #htk.cpu<"haswell", 512>

//--- empty.mlir
module attributes {htk.levels = []} {
}
// CHECK: error: expected 'htk.levels' to list at least one #htk.cpu
