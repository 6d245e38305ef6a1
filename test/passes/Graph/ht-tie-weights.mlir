// RUN: rm -rf %t && mkdir -p %t
// RUN: printf aaaabbbbccccddddeeeeffff > %t/table.bin
// RUN: printf aaaaddddbbbbeeeeccccffff > %t/turned.bin
// RUN: printf aaaaddddbbbbeeeeccccfffg > %t/other.bin
// RUN: halftone-opt --ht-tie-weights=model-directory=%t --remarks-filter=ht-tie-weights \
// RUN:   --remark-format=emitRemark %s 2>%t/remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK < %t/remarks

ht.weight @table : tensor<2x3xf32> {
  %0 = ht.load "table.bin" offset 0 : tensor<2x3xf32>
  ht.yield %0 : tensor<2x3xf32>
}
ht.weight @turned : tensor<2x3xf32> {
  %0 = ht.load "turned.bin" offset 0 : tensor<3x2xf32>
  %1 = ht.transpose %0 [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
  ht.yield %1 : tensor<2x3xf32>
}
ht.weight @other : tensor<2x3xf32> {
  %0 = ht.load "other.bin" offset 0 : tensor<3x2xf32>
  %1 = ht.transpose %0 [1, 0] : tensor<3x2xf32> -> tensor<2x3xf32>
  ht.yield %1 : tensor<2x3xf32>
}
ht.weight @missing : tensor<2x3xf32> {
  %0 = ht.load "missing.bin" offset 0 : tensor<2x3xf32>
  ht.yield %0 : tensor<2x3xf32>
}

// CHECK-LABEL: func.func @main
// CHECK:         %[[TABLE:.*]] = ht.get_weight @table
// CHECK:         %[[X:.*]] = ht.embedding %[[TABLE]]
// The same numbers, turned.
// CHECK:         %[[SAME:.*]] = ht.get_weight @table
// CHECK:         ht.linear %[[X]], %[[SAME]]
// REMARK: remark: [Passed] {{.*}}raised to the equal weight @table
// The last byte differs.
// CHECK:         %[[OTHER:.*]] = ht.get_weight @other
// CHECK:         ht.linear %[[X]], %[[OTHER]]
// No file: kept, with a remark.
// CHECK:         %[[MISSING:.*]] = ht.get_weight @missing
// CHECK:         ht.linear %[[X]], %[[MISSING]]
// REMARK: remark: [Missed] {{.*}}not raised: the file must be readable ({{.*}}missing.bin{{.*}}
func.func @main(%ids: tensor<1xi64>) -> (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>) {
  %table = ht.get_weight @table : tensor<2x3xf32>
  %x = ht.embedding %table, %ids : tensor<2x3xf32>, tensor<1xi64> -> tensor<1x3xf32>
  %turned = ht.get_weight @turned : tensor<2x3xf32>
  %0 = ht.linear %x, %turned : tensor<1x3xf32>, tensor<2x3xf32> -> tensor<1x2xf32>
  %other = ht.get_weight @other : tensor<2x3xf32>
  %1 = ht.linear %x, %other : tensor<1x3xf32>, tensor<2x3xf32> -> tensor<1x2xf32>
  %missing = ht.get_weight @missing : tensor<2x3xf32>
  %2 = ht.linear %x, %missing : tensor<1x3xf32>, tensor<2x3xf32> -> tensor<1x2xf32>
  return %0, %1, %2 : tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x2xf32>
}
