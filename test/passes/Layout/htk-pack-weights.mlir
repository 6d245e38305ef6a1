// RUN: halftone-opt --htk-pack-weights --split-input-file %s | FileCheck %s
// RUN: halftone-opt --htk-pack-weights --split-input-file --remarks-filter-missed=htk-pack-weights %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Panels of 64 output rows, the last one padded; the bias becomes an addition.
// CHECK-NOT:   ht.weight @w :
// CHECK:       ht.weight @w.packed : tensor<2x4x64xf32> {
// CHECK-NEXT:    %[[ROWS:.*]] = ht.load "w" offset 0 : tensor<100x4xf32>
// CHECK-NEXT:    %[[PACKED:.*]] = htk.pack %[[ROWS]] : tensor<100x4xf32> to tensor<2x4x64xf32>
// CHECK-NEXT:    ht.yield %[[PACKED]]
// CHECK-LABEL: func.func @bias
// CHECK-SAME:    (%[[X:.*]]: tensor<3x4xf32>, %[[B:.*]]: tensor<100xf32>)
// CHECK:         %[[W:.*]] = ht.get_weight @w.packed : tensor<2x4x64xf32>
// CHECK-NOT:     ht.get_weight @w :
// CHECK:         htk.kernel "linear"(%[[X]], %[[B]], %[[W]])
// CHECK-NEXT:    ^bb0(%[[X1:.*]]: tensor<3x4xf32>, %[[B1:.*]]: tensor<100xf32>, %[[W1:.*]]: tensor<2x4x64xf32>):
// CHECK-NEXT:      %[[LINEAR:.*]] = htk.linear f32(%[[X1]]) by f32(%[[W1]]) : (tensor<3x4xf32>) by (tensor<2x4x64xf32>) -> tensor<3x100xf32>
// CHECK-NEXT:      %[[SUM:.*]] = ht.add %[[LINEAR]], %[[B1]]
// CHECK-NEXT:      htk.yield %[[SUM]]
ht.weight @w : tensor<100x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<100x4xf32>
  ht.yield %0 : tensor<100x4xf32>
}
func.func @bias(%x: tensor<3x4xf32>, %b: tensor<100xf32>) -> tensor<3x100xf32> {
  %w = ht.get_weight @w : tensor<100x4xf32>
  %0 = htk.kernel "linear"(%x, %w, %b) : (tensor<3x4xf32>, tensor<100x4xf32>, tensor<100xf32>) -> tensor<3x100xf32> {
  ^bb0(%y: tensor<3x4xf32>, %v: tensor<100x4xf32>, %c: tensor<100xf32>):
    %1 = ht.linear %y, %v bias %c : tensor<3x4xf32>, tensor<100x4xf32>, tensor<100xf32> -> tensor<3x100xf32>
    htk.yield %1 : tensor<3x100xf32>
  }
  return %0 : tensor<3x100xf32>
}

// -----

// A tied table keeps its rows for the embedding; the linear reads a packed copy.
// CHECK-DAG:   ht.weight @table.packed : tensor<1x2x128xbf16>
// CHECK-DAG:   ht.weight @table : tensor<10x4xbf16>
// CHECK-LABEL: func.func @tied
// CHECK:         %[[ROWS:.*]] = ht.get_weight @table : tensor<10x4xbf16>
// CHECK:         htk.kernel "embedding"(%[[ROWS]],
// CHECK:         %[[PACKED:.*]] = ht.get_weight @table.packed : tensor<1x2x128xbf16>
// CHECK:         htk.kernel "linear"(%{{.*}}, %[[PACKED]])
ht.weight @table : tensor<10x4xbf16> {
  %0 = ht.load "w" offset 0 : tensor<10x4xbf16>
  ht.yield %0 : tensor<10x4xbf16>
}
func.func @tied(%ids: tensor<3xi64>) -> tensor<3x10xf32> {
  %w = ht.get_weight @table : tensor<10x4xbf16>
  %0 = htk.kernel "embedding"(%w, %ids) : (tensor<10x4xbf16>, tensor<3xi64>) -> tensor<3x4xf32> {
  ^bb0(%table: tensor<10x4xbf16>, %i: tensor<3xi64>):
    %2 = ht.embedding %table, %i : tensor<10x4xbf16>, tensor<3xi64> -> tensor<3x4xf32>
    htk.yield %2 : tensor<3x4xf32>
  }
  %1 = htk.kernel "linear"(%0, %w) : (tensor<3x4xf32>, tensor<10x4xbf16>) -> tensor<3x10xf32> {
  ^bb0(%x: tensor<3x4xf32>, %v: tensor<10x4xbf16>):
    %2 = ht.linear %x, %v : tensor<3x4xf32>, tensor<10x4xbf16> -> tensor<3x10xf32>
    htk.yield %2 : tensor<3x10xf32>
  }
  return %1 : tensor<3x10xf32>
}

// -----

// A weight that two linears read is packed once.
// CHECK:       ht.weight @w.packed
// CHECK-NOT:   ht.weight
// CHECK-LABEL: func.func @two_linears
// CHECK:         ht.get_weight @w.packed
// CHECK:         ht.get_weight @w.packed
// CHECK:         return
ht.weight @w : tensor<4x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<4x4xf32>
  ht.yield %0 : tensor<4x4xf32>
}
func.func @two_linears(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
  %w = ht.get_weight @w : tensor<4x4xf32>
  %0 = htk.kernel "linear"(%x, %w) : (tensor<3x4xf32>, tensor<4x4xf32>) -> tensor<3x4xf32> {
  ^bb0(%y: tensor<3x4xf32>, %v: tensor<4x4xf32>):
    %2 = ht.linear %y, %v : tensor<3x4xf32>, tensor<4x4xf32> -> tensor<3x4xf32>
    htk.yield %2 : tensor<3x4xf32>
  }
  %1 = htk.kernel "linear"(%0, %w) : (tensor<3x4xf32>, tensor<4x4xf32>) -> tensor<3x4xf32> {
  ^bb0(%y: tensor<3x4xf32>, %v: tensor<4x4xf32>):
    %2 = ht.linear %y, %v : tensor<3x4xf32>, tensor<4x4xf32> -> tensor<3x4xf32>
    htk.yield %2 : tensor<3x4xf32>
  }
  return %1 : tensor<3x4xf32>
}

// -----

// Linears of one kernel are packed each, also where they read the same weight.
// CHECK-LABEL: func.func @one_kernel
// CHECK:         htk.kernel "linear_x2"(%{{[a-z0-9]*}}, %{{[a-z0-9]*}}, %{{[a-z0-9]*}}) : (tensor<3x4xf32>, tensor<1x4x64xf32>, tensor<1x4x64xf32>)
// CHECK-NEXT:    ^bb0(%[[X:.*]]: tensor<3x4xf32>, %[[V:.*]]: tensor<1x4x64xf32>, %[[W:.*]]: tensor<1x4x64xf32>):
// CHECK-NEXT:      htk.linear f32(%[[X]]) by f32(%[[V]])
// CHECK-NEXT:      htk.linear f32(%[[X]]) by f32(%[[W]])
ht.weight @w : tensor<4x4xf32> {
  %0 = ht.load "w" offset 0 : tensor<4x4xf32>
  ht.yield %0 : tensor<4x4xf32>
}
func.func @one_kernel(%x: tensor<3x4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>) {
  %w = ht.get_weight @w : tensor<4x4xf32>
  %0:2 = htk.kernel "linear_x2"(%x, %w) : (tensor<3x4xf32>, tensor<4x4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>) {
  ^bb0(%y: tensor<3x4xf32>, %v: tensor<4x4xf32>):
    %2 = ht.linear %y, %v : tensor<3x4xf32>, tensor<4x4xf32> -> tensor<3x4xf32>
    %3 = ht.linear %y, %v : tensor<3x4xf32>, tensor<4x4xf32> -> tensor<3x4xf32>
    htk.yield %2, %3 : tensor<3x4xf32>, tensor<3x4xf32>
  }
  return %0#0, %0#1 : tensor<3x4xf32>, tensor<3x4xf32>
}

// -----

// A weight that is no parameter of the model has no initializer to rewrite.
// CHECK-LABEL: func.func @argument
// CHECK:         ht.linear
// REMARK:      remark: [Missed] not packed {{.*}}the weight is not a parameter of the model
func.func @argument(%x: tensor<3x4xf32>, %w: tensor<4x4xf32>) -> tensor<3x4xf32> {
  %0 = htk.kernel "linear"(%x, %w) : (tensor<3x4xf32>, tensor<4x4xf32>) -> tensor<3x4xf32> {
  ^bb0(%y: tensor<3x4xf32>, %v: tensor<4x4xf32>):
    %1 = ht.linear %y, %v : tensor<3x4xf32>, tensor<4x4xf32> -> tensor<3x4xf32>
    htk.yield %1 : tensor<3x4xf32>
  }
  return %0 : tensor<3x4xf32>
}

// -----

// f64 is packed like all else.
// CHECK-LABEL: func.func @double
// CHECK:         htk.linear f64({{.*}}) by f64({{.*}}) {{.*}} by (tensor<1x4x64xf64>)
ht.weight @w : tensor<4x4xf64> {
  %0 = ht.load "w" offset 0 : tensor<4x4xf64>
  ht.yield %0 : tensor<4x4xf64>
}
func.func @double(%x: tensor<3x4xf64>) -> tensor<3x4xf64> {
  %w = ht.get_weight @w : tensor<4x4xf64>
  %0 = htk.kernel "linear"(%x, %w) : (tensor<3x4xf64>, tensor<4x4xf64>) -> tensor<3x4xf64> {
  ^bb0(%y: tensor<3x4xf64>, %v: tensor<4x4xf64>):
    %1 = ht.linear %y, %v : tensor<3x4xf64>, tensor<4x4xf64> -> tensor<3x4xf64>
    htk.yield %1 : tensor<3x4xf64>
  }
  return %0 : tensor<3x4xf64>
}

// -----

// Each leaf of a term is packed for itself: codes as bits in groups of 4, parameters whole.
// CHECK-LABEL: func.func @term
// CHECK-DAG:     %[[CODES:.*]] = ht.get_weight @codes.packed : tensor<2x2x256xui8>
// CHECK-DAG:     %[[SCALE:.*]] = ht.get_weight @scale.packed : tensor<2x2x64xf16>
// CHECK:         htk.kernel "linear"(%{{.*}}, %[[CODES]], %[[SCALE]])
// CHECK:           htk.linear f32(%{{.*}}) by affine<i4, blocks [1, 8], scale f16>({{.*}}) : (tensor<3x16xf32>) by (tensor<2x2x256xui8>, tensor<2x2x64xf16>) -> tensor<3x100xf32>
ht.weight @codes : tensor<100x16xi4> {
  %0 = ht.load "w" offset 0 : tensor<100x16xi4>
  ht.yield %0 : tensor<100x16xi4>
}
ht.weight @scale : tensor<100x2xf16> {
  %0 = ht.load "w" offset 800 : tensor<100x2xf16>
  ht.yield %0 : tensor<100x2xf16>
}
func.func @term(%x: tensor<3x16xf32>) -> tensor<3x100xf32> {
  %c = ht.get_weight @codes : tensor<100x16xi4>
  %s = ht.get_weight @scale : tensor<100x2xf16>
  %0 = htk.kernel "linear"(%x, %c, %s) : (tensor<3x16xf32>, tensor<100x16xi4>, tensor<100x2xf16>) -> tensor<3x100xf32> {
  ^bb0(%y: tensor<3x16xf32>, %d: tensor<100x16xi4>, %t: tensor<100x2xf16>):
    %1 = htq.linear f32(%y) by affine<i4, blocks [1, 8], scale f16>(%d, %t)
        : (tensor<3x16xf32>) by (tensor<100x16xi4>, tensor<100x2xf16>) -> tensor<3x100xf32>
    htk.yield %1 : tensor<3x100xf32>
  }
  return %0 : tensor<3x100xf32>
}
