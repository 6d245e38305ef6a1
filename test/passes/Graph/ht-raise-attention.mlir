// RUN: halftone-opt --ht-raise-attention --split-input-file %s | FileCheck %s
// RUN: halftone-opt --ht-raise-attention --split-input-file --remarks-filter-missed=ht-raise-attention \
// RUN:   --remark-format=emitRemark %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=MISSED

// The plain form; the transposes of the operands compose away.
// CHECK-LABEL: func.func @plain
// CHECK-SAME:    (%[[Q:.*]]: tensor<2x5x4x8xf32>, %[[K:.*]]: tensor<2x7x4x8xf32>, %[[V:.*]]: tensor<2x7x4x6xf32>)
// CHECK-NEXT:    %[[Y:.*]] = ht.attention %[[Q]], %[[K]], %[[V]] scale 1.250000e-01 : {{.*}} -> tensor<2x5x4x6xf32>
// CHECK-NEXT:    %[[T:.*]] = ht.transpose %[[Y]] [0, 2, 1, 3]
// CHECK-NEXT:    return %[[T]]
func.func @plain(%q: tensor<2x5x4x8xf32>, %k: tensor<2x7x4x8xf32>, %v: tensor<2x7x4x6xf32>) -> tensor<2x4x5x6xf32> {
  %eight = ht.constant dense<8.0> : tensor<f32>
  %qt = ht.transpose %q [0, 2, 1, 3] : tensor<2x5x4x8xf32> -> tensor<2x4x5x8xf32>
  %kt = ht.transpose %k [0, 2, 3, 1] : tensor<2x7x4x8xf32> -> tensor<2x4x8x7xf32>
  %vt = ht.transpose %v [0, 2, 1, 3] : tensor<2x7x4x6xf32> -> tensor<2x4x7x6xf32>
  %0 = ht.matmul %qt, %kt : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.div %0, %eight : tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %2 = ht.softmax %1 axis 3 : tensor<2x4x5x7xf32>
  %3 = ht.matmul %2, %vt : tensor<2x4x5x7xf32>, tensor<2x4x7x6xf32> -> tensor<2x4x5x6xf32>
  return %3 : tensor<2x4x5x6xf32>
}

// -----

// sqrt(scale) on both sides, an additive padding mask and the NaN guard (torch's SDPA).
// CHECK-LABEL: func.func @padding
// CHECK-SAME:    (%[[Q:.*]]: tensor<2x4x5x16xf32>, %[[KT:.*]]: tensor<2x4x16x7xf32>, %[[V:.*]]: tensor<2x4x7x16xf32>, %[[M:.*]]: tensor<2x1x1x7xi1>)
// CHECK-DAG:     %[[QT:.*]] = ht.transpose %[[Q]] [0, 2, 1, 3]
// CHECK-DAG:     %[[K:.*]] = ht.transpose %[[KT]] [0, 3, 1, 2]
// CHECK-DAG:     %[[VT:.*]] = ht.transpose %[[V]] [0, 2, 1, 3]
// CHECK:         ht.attention %[[QT]], %[[K]], %[[VT]] mask %[[M]] : tensor<2x1x1x7xi1> scale 2.500000e-01 :
func.func @padding(%q: tensor<2x4x5x16xf32>, %k: tensor<2x4x16x7xf32>, %v: tensor<2x4x7x16xf32>,
                   %m: tensor<2x1x1x7xi1>) -> tensor<2x4x5x16xf32> {
  %half = ht.constant dense<0.5> : tensor<f32>
  %zero = ht.constant dense<0.0> : tensor<1xf32>
  %infinity = ht.constant dense<0xFF800000> : tensor<1xf32>
  %wide = ht.broadcast %m : tensor<2x1x1x7xi1> to tensor<2x1x5x7xi1>
  %added = ht.where %wide, %zero, %infinity : tensor<2x1x5x7xi1>, tensor<1xf32>, tensor<1xf32> -> tensor<2x1x5x7xf32>
  %qs = ht.mul %q, %half : tensor<2x4x5x16xf32>, tensor<f32> -> tensor<2x4x5x16xf32>
  %ks = ht.mul %half, %k : tensor<f32>, tensor<2x4x16x7xf32> -> tensor<2x4x16x7xf32>
  %0 = ht.matmul %qs, %ks : tensor<2x4x5x16xf32>, tensor<2x4x16x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.add %0, %added : tensor<2x4x5x7xf32>, tensor<2x1x5x7xf32> -> tensor<2x4x5x7xf32>
  %2 = ht.softmax %1 axis 3 : tensor<2x4x5x7xf32>
  %3 = ht.is_nan %2 : tensor<2x4x5x7xf32> -> tensor<2x4x5x7xi1>
  %4 = ht.where %3, %zero, %2 : tensor<2x4x5x7xi1>, tensor<1xf32>, tensor<2x4x5x7xf32> -> tensor<2x4x5x7xf32>
  %5 = ht.matmul %4, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x16xf32> -> tensor<2x4x5x16xf32>
  return %5 : tensor<2x4x5x16xf32>
}

// -----

// Two kv heads for four: read before the repetition.
// CHECK-LABEL: func.func @grouped
// CHECK-SAME:    (%[[Q:.*]]: tensor<2x5x4x8xf32>, %[[K:.*]]: tensor<2x7x2x8xf32>)
// CHECK:         ht.attention %[[Q]], %[[K]], %[[K]] scale
func.func @grouped(%q: tensor<2x5x4x8xf32>, %k: tensor<2x7x2x8xf32>) -> tensor<2x4x5x8xf32> {
  %qt = ht.transpose %q [0, 2, 1, 3] : tensor<2x5x4x8xf32> -> tensor<2x4x5x8xf32>
  %kt = ht.transpose %k [0, 2, 1, 3] : tensor<2x7x2x8xf32> -> tensor<2x2x7x8xf32>
  %k5 = ht.reshape %kt : tensor<2x2x7x8xf32> to tensor<2x2x1x7x8xf32>
  %kw = ht.broadcast %k5 : tensor<2x2x1x7x8xf32> to tensor<2x2x2x7x8xf32>
  %k4 = ht.reshape %kw : tensor<2x2x2x7x8xf32> to tensor<2x4x7x8xf32>
  %kall = ht.transpose %k4 [0, 1, 3, 2] : tensor<2x4x7x8xf32> -> tensor<2x4x8x7xf32>
  %0 = ht.matmul %qt, %kall : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.softmax %0 axis 3 : tensor<2x4x5x7xf32>
  %2 = ht.matmul %1, %k4 : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %2 : tensor<2x4x5x8xf32>
}

// -----

// Near miss of the repetition: whole groups are repeated (a b a b), so that heads read others.
// CHECK-LABEL: func.func @tiled_heads
// CHECK:         %[[TILED:.*]] = ht.reshape
// CHECK:         ht.attention %{{.*}}, %{{.*}}, %{{.*}} scale {{.*}} : tensor<2x5x4x8xf32>, tensor<2x7x4x8xf32>
func.func @tiled_heads(%q: tensor<2x5x4x8xf32>, %k: tensor<2x2x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %qt = ht.transpose %q [0, 2, 1, 3] : tensor<2x5x4x8xf32> -> tensor<2x4x5x8xf32>
  %k5 = ht.reshape %k : tensor<2x2x7x8xf32> to tensor<2x1x2x7x8xf32>
  %kw = ht.broadcast %k5 : tensor<2x1x2x7x8xf32> to tensor<2x2x2x7x8xf32>
  %k4 = ht.reshape %kw : tensor<2x2x2x7x8xf32> to tensor<2x4x7x8xf32>
  %kall = ht.transpose %k4 [0, 1, 3, 2] : tensor<2x4x7x8xf32> -> tensor<2x4x8x7xf32>
  %0 = ht.matmul %qt, %kall : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.softmax %0 axis 3 : tensor<2x4x5x7xf32>
  %2 = ht.matmul %1, %k4 : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %2 : tensor<2x4x5x8xf32>
}

// -----

// Causal with two cached tokens (i + 2 >= j), filled into the scores, and padding.
// CHECK-LABEL: func.func @causal_after_past
// CHECK-SAME:    %[[M:[a-z0-9]*]]: tensor<2x1x1x7xi1>)
// CHECK:         ht.attention %{{.*}}, %{{.*}}, %{{.*}} mask %[[M]] : {{.*}} causal
func.func @causal_after_past(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>,
                             %m: tensor<2x1x1x7xi1>) -> tensor<2x4x5x8xf32> {
  %past = ht.constant dense<2> : tensor<i64>
  %infinity = ht.constant dense<0xFF800000> : tensor<f32>
  %i = ht.iota : tensor<5xi64>
  %j = ht.iota : tensor<7xi64>
  %column = ht.reshape %i : tensor<5xi64> to tensor<5x1xi64>
  %position = ht.add %column, %past : tensor<5x1xi64>, tensor<i64> -> tensor<5x1xi64>
  %causal = ht.compare ge %position, %j : tensor<5x1xi64>, tensor<7xi64> -> tensor<5x7xi1>
  %both = ht.and %causal, %m : tensor<5x7xi1>, tensor<2x1x1x7xi1> -> tensor<2x1x5x7xi1>
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.where %both, %0, %infinity : tensor<2x1x5x7xi1>, tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %2 = ht.softmax %1 axis 3 : tensor<2x4x5x7xf32>
  %3 = ht.matmul %2, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %3 : tensor<2x4x5x8xf32>
}

// -----

// A window beside it is the attention's: of 6 positions that end at the query's own.
// CHECK-LABEL: func.func @window
// CHECK:         ht.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} scale {{.*}} causal window 6 :
func.func @window(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %infinity = ht.constant dense<0xFF800000> : tensor<f32>
  %i = ht.iota {start = 2 : i64} : tensor<5xi64>
  %position = ht.reshape %i : tensor<5xi64> to tensor<5x1xi64>
  %j = ht.iota : tensor<7xi64>
  %six = ht.constant dense<6> : tensor<i64>
  %first = ht.sub %position, %six : tensor<5x1xi64>, tensor<i64> -> tensor<5x1xi64>
  %causal = ht.compare ge %position, %j : tensor<5x1xi64>, tensor<7xi64> -> tensor<5x7xi1>
  %near = ht.compare gt %j, %first : tensor<7xi64>, tensor<5x1xi64> -> tensor<5x7xi1>
  %both = ht.and %causal, %near : tensor<5x7xi1>, tensor<5x7xi1> -> tensor<5x7xi1>
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.where %both, %0, %infinity : tensor<5x7xi1>, tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %2 = ht.softmax %1 axis 3 : tensor<2x4x5x7xf32>
  %3 = ht.matmul %2, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %3 : tensor<2x4x5x8xf32>
}

// Alone it stays a mask.
// CHECK-LABEL: func.func @window_on_both_sides
// CHECK:         %[[NEAR:.+]] = ht.compare gt
// CHECK:         ht.attention %{{.*}} mask %{{[^ ]+}} : {{.*}} scale
// CHECK-NOT:     window
// CHECK:         return
func.func @window_on_both_sides(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>)
    -> tensor<2x4x5x8xf32> {
  %infinity = ht.constant dense<0xFF800000> : tensor<f32>
  %i = ht.iota {start = -4 : i64} : tensor<5xi64>
  %first = ht.reshape %i : tensor<5xi64> to tensor<5x1xi64>
  %j = ht.iota : tensor<7xi64>
  %near = ht.compare gt %j, %first : tensor<7xi64>, tensor<5x1xi64> -> tensor<5x7xi1>
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.where %near, %0, %infinity : tensor<5x7xi1>, tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %2 = ht.softmax %1 axis 3 : tensor<2x4x5x7xf32>
  %3 = ht.matmul %2, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %3 : tensor<2x4x5x8xf32>
}

// Near miss of causality: without the past's offset it is another triangle, kept as a mask.
// CHECK-LABEL: func.func @another_triangle
// CHECK:         %[[RULE:.*]] = ht.compare ge
// CHECK:         %[[MASK:.*]] = ht.reshape %[[RULE]] : tensor<5x7xi1> to tensor<1x1x5x7xi1>
// CHECK:         ht.attention %{{.*}}, %{{.*}}, %{{.*}} mask %[[MASK]] : tensor<1x1x5x7xi1> scale 1.000000e+00 :
func.func @another_triangle(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>) -> tensor<2x4x5x8xf32> {
  %infinity = ht.constant dense<0xFF800000> : tensor<f32>
  %i = ht.iota : tensor<5xi64>
  %j = ht.iota : tensor<7xi64>
  %column = ht.reshape %i : tensor<5xi64> to tensor<5x1xi64>
  %causal = ht.compare ge %column, %j : tensor<5x1xi64>, tensor<7xi64> -> tensor<5x7xi1>
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.where %causal, %0, %infinity : tensor<5x7xi1>, tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %2 = ht.softmax %1 axis 3 : tensor<2x4x5x7xf32>
  %3 = ht.matmul %2, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %3 : tensor<2x4x5x8xf32>
}

// -----

// (1 - mask) * -1e4, and numbers that are truly added (relative positions).
// CHECK-LABEL: func.func @bias
// CHECK-SAME:    %[[M:[a-z0-9]*]]: tensor<2x1x1x7xi64>, %[[B:[a-z0-9]*]]: tensor<1x4x5x7xf32>)
// CHECK:         %[[BITS:.*]] = ht.cast %[[M]] : tensor<2x1x1x7xi64> to tensor<2x1x1x7xi1>
// CHECK:         ht.attention %{{.*}}, %{{.*}}, %{{.*}} mask %[[BITS]] : tensor<2x1x1x7xi1> bias %[[B]] : tensor<1x4x5x7xf32> scale
func.func @bias(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>,
                %m: tensor<2x1x1x7xi64>, %b: tensor<1x4x5x7xf32>) -> tensor<2x4x5x8xf32> {
  %one = ht.constant dense<1.0> : tensor<f32>
  %low = ht.constant dense<-10000.0> : tensor<f32>
  %mf = ht.cast %m : tensor<2x1x1x7xi64> to tensor<2x1x1x7xf32>
  %inverted = ht.sub %one, %mf : tensor<f32>, tensor<2x1x1x7xf32> -> tensor<2x1x1x7xf32>
  %added = ht.mul %inverted, %low : tensor<2x1x1x7xf32>, tensor<f32> -> tensor<2x1x1x7xf32>
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.add %0, %b : tensor<2x4x5x7xf32>, tensor<1x4x5x7xf32> -> tensor<2x4x5x7xf32>
  %2 = ht.add %1, %added : tensor<2x4x5x7xf32>, tensor<2x1x1x7xf32> -> tensor<2x4x5x7xf32>
  %3 = ht.softmax %2 axis 3 : tensor<2x4x5x7xf32>
  %4 = ht.matmul %3, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %4 : tensor<2x4x5x8xf32>
}

// -----

// inverted.masked_fill(inverted.bool(), min): what is not filled is 0.
// CHECK-LABEL: func.func @masked_fill
// CHECK:         %[[NOT:.*]] = ht.not
// CHECK:         ht.attention %{{.*}}, %{{.*}}, %{{.*}} mask %[[NOT]] : tensor<2x1x1x7xi1> scale
func.func @masked_fill(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>,
                       %m: tensor<2x1x1x7xf32>) -> tensor<2x4x5x8xf32> {
  %one = ht.constant dense<1.0> : tensor<f32>
  %low = ht.constant dense<-3.40282347E+38> : tensor<f32>
  %inverted = ht.sub %one, %m : tensor<f32>, tensor<2x1x1x7xf32> -> tensor<2x1x1x7xf32>
  %bits = ht.cast %inverted : tensor<2x1x1x7xf32> to tensor<2x1x1x7xi1>
  %added = ht.where %bits, %low, %inverted : tensor<2x1x1x7xi1>, tensor<f32>, tensor<2x1x1x7xf32> -> tensor<2x1x1x7xf32>
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.add %0, %added : tensor<2x4x5x7xf32>, tensor<2x1x1x7xf32> -> tensor<2x4x5x7xf32>
  %2 = ht.softmax %1 axis 3 : tensor<2x4x5x7xf32>
  %3 = ht.matmul %2, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %3 : tensor<2x4x5x8xf32>
}

// -----

// Capped scores (Gemma 2): 30 tanh(s / 30), masked behind the cap by a finite number.
// CHECK-LABEL: func.func @soft_cap
// CHECK:         ht.attention %{{.*}}, %{{.*}}, %{{.*}} mask %{{.*}} scale 5.000000e-01 softcap 3.000000e+01 uniform :
func.func @soft_cap(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>,
                    %m: tensor<2x1x1x7xi1>) -> tensor<2x4x5x8xf32> {
  %half = ht.constant dense<0.5> : tensor<f32>
  %cap = ht.constant dense<30.0> : tensor<f32>
  %low = ht.constant dense<-3.40282347E+38> : tensor<f32>
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.mul %0, %half : tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %2 = ht.div %1, %cap : tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %3 = ht.tanh %2 : tensor<2x4x5x7xf32>
  %4 = ht.mul %3, %cap : tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %5 = ht.where %m, %4, %low : tensor<2x1x1x7xi1>, tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %6 = ht.softmax %5 axis 3 : tensor<2x4x5x7xf32>
  %7 = ht.matmul %6, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %7 : tensor<2x4x5x8xf32>
}

// -----

// Near miss: what is masked before the cap is capped too, and attended.
// CHECK-LABEL: func.func @mask_below_cap
// CHECK-NOT:     ht.attention
// MISSED: Category:ht-raise-attention{{.*}}not raised: scores must be a product of queries and keys, scaled and masked, but found ht.where at
func.func @mask_below_cap(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>,
                          %m: tensor<2x1x1x7xi1>) -> tensor<2x4x5x8xf32> {
  %low = ht.constant dense<0xFF800000> : tensor<f32>
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.where %m, %0, %low : tensor<2x1x1x7xi1>, tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %2 = ht.tanh %1 : tensor<2x4x5x7xf32>
  %3 = ht.softmax %2 axis 3 : tensor<2x4x5x7xf32>
  %4 = ht.matmul %3, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %4 : tensor<2x4x5x8xf32>
}

// -----

// A floor below which no masked score falls (OPT): max(scores + mask, lowest).
// CHECK-LABEL: func.func @floor
// CHECK:         ht.attention %{{.*}}, %{{.*}}, %{{.*}} mask %{{.*}} scale 1.000000e+00 uniform :
func.func @floor(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>,
                 %m: tensor<2x1x1x7xi1>) -> tensor<2x4x5x8xf32> {
  %zero = ht.constant dense<0.0> : tensor<f32>
  %low = ht.constant dense<-3.40282347E+38> : tensor<f32>
  %infinity = ht.constant dense<0xFF800000> : tensor<f32>
  %added = ht.where %m, %zero, %infinity : tensor<2x1x1x7xi1>, tensor<f32>, tensor<f32> -> tensor<2x1x1x7xf32>
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.add %0, %added : tensor<2x4x5x7xf32>, tensor<2x1x1x7xf32> -> tensor<2x4x5x7xf32>
  %2 = ht.max %1, %low : tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %3 = ht.softmax %2 axis 3 : tensor<2x4x5x7xf32>
  %4 = ht.matmul %3, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %4 : tensor<2x4x5x8xf32>
}

// -----

// The probabilities are also a result: their softmax stays beside the attention.
// CHECK-LABEL: func.func @probabilities_returned
// CHECK:         %[[P:.*]] = ht.softmax
// CHECK:         ht.attention
// CHECK:         return %{{.*}}, %[[P]]
func.func @probabilities_returned(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>)
    -> (tensor<2x4x5x8xf32>, tensor<2x4x5x7xf32>) {
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.softmax %0 axis 3 : tensor<2x4x5x7xf32>
  %2 = ht.matmul %1, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %2, %1 : tensor<2x4x5x8xf32>, tensor<2x4x5x7xf32>
}

// -----

// Near miss: probabilities that are the right operand weigh nothing.
// CHECK-LABEL: func.func @probabilities_on_the_right
// CHECK-NOT:     ht.attention
// MISSED: not raised: the probabilities must weigh the values, but found ht.matmul at
func.func @probabilities_on_the_right(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x5xf32>, %v: tensor<2x4x5x5xf32>) -> tensor<2x4x5x5xf32> {
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x5xf32> -> tensor<2x4x5x5xf32>
  %1 = ht.softmax %0 axis 3 : tensor<2x4x5x5xf32>
  %2 = ht.matmul %v, %1 : tensor<2x4x5x5xf32>, tensor<2x4x5x5xf32> -> tensor<2x4x5x5xf32>
  return %2 : tensor<2x4x5x5xf32>
}

// -----

// What is added before the scores are scaled is scaled as well.
// CHECK-LABEL: func.func @scaled_bias
// CHECK-SAME:    %[[B:[a-z0-9]*]]: tensor<4x1x1xf32>)
// CHECK:         %[[HALF:.*]] = ht.constant dense<5.000000e-01> : tensor<f32>
// CHECK:         %[[SCALED:.*]] = ht.mul %[[B]], %[[HALF]]
// CHECK-DAG:     %[[FIRST:.*]] = ht.reshape %[[SCALED]]
// CHECK-DAG:     %[[SECOND:.*]] = ht.reshape %[[B]]
// CHECK:         %[[SUM:.*]] = ht.add %[[FIRST]], %[[SECOND]]
// CHECK:         ht.attention %{{.*}}, %{{.*}}, %{{.*}} bias %[[SUM]] : tensor<1x4x1x1xf32> scale 2.500000e-01 :
func.func @scaled_bias(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>, %b: tensor<4x1x1xf32>) -> tensor<2x4x5x8xf32> {
  %half = ht.constant dense<0.5> : tensor<f32>
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.mul %0, %half : tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %2 = ht.add %1, %b : tensor<2x4x5x7xf32>, tensor<4x1x1xf32> -> tensor<2x4x5x7xf32>
  %3 = ht.mul %2, %half : tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %4 = ht.add %3, %b : tensor<2x4x5x7xf32>, tensor<4x1x1xf32> -> tensor<2x4x5x7xf32>
  %5 = ht.softmax %4 axis 3 : tensor<2x4x5x7xf32>
  %6 = ht.matmul %5, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %6 : tensor<2x4x5x8xf32>
}

// -----

// Two masks of finite numbers (GPT-Neo): a row that may attend nowhere attends what only one of
// them excludes, which booleans do not tell.
// CHECK-LABEL: func.func @two_finite_masks
// CHECK-SAME:    %[[A:[a-z0-9]*]]: tensor<2x1x1x7xi1>, %[[B:[a-z0-9]*]]: tensor<1x1x5x7xi1>)
// CHECK-DAG:     %[[FIRST:.*]] = ht.where %[[B]], %{{.*}}, %{{.*}} : tensor<1x1x5x7xi1>, tensor<f32>, tensor<f32>
// CHECK-DAG:     %[[SECOND:.*]] = ht.where %[[A]], %{{.*}}, %{{.*}} : tensor<2x1x1x7xi1>, tensor<f32>, tensor<f32>
// CHECK:         %[[SUM:.*]] = ht.add %[[FIRST]], %[[SECOND]]
// CHECK:         ht.attention %{{.*}}, %{{.*}}, %{{.*}} bias %[[SUM]] : tensor<2x1x5x7xf32> scale 1.000000e+00 :
func.func @two_finite_masks(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>,
                            %a: tensor<2x1x1x7xi1>, %b: tensor<1x1x5x7xi1>) -> tensor<2x4x5x8xf32> {
  %zero = ht.constant dense<0.0> : tensor<f32>
  %low = ht.constant dense<-1.0e9> : tensor<f32>
  %added = ht.where %a, %zero, %low : tensor<2x1x1x7xi1>, tensor<f32>, tensor<f32> -> tensor<2x1x1x7xf32>
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.where %b, %0, %low : tensor<1x1x5x7xi1>, tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %2 = ht.add %1, %added : tensor<2x4x5x7xf32>, tensor<2x1x1x7xf32> -> tensor<2x4x5x7xf32>
  %3 = ht.softmax %2 axis 3 : tensor<2x4x5x7xf32>
  %4 = ht.matmul %3, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %4 : tensor<2x4x5x8xf32>
}

// -----

// The same number put in place twice is one number.
// CHECK-LABEL: func.func @two_fills
// CHECK:         %[[AND:.*]] = ht.and
// CHECK:         ht.attention %{{.*}}, %{{.*}}, %{{.*}} mask %[[AND]] : tensor<2x1x5x7xi1> scale 1.000000e+00 uniform :
func.func @two_fills(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>,
                     %a: tensor<2x1x1x7xi1>, %b: tensor<1x1x5x7xi1>) -> tensor<2x4x5x8xf32> {
  %low = ht.constant dense<-1.0e9> : tensor<f32>
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.where %b, %0, %low : tensor<1x1x5x7xi1>, tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %2 = ht.where %a, %1, %low : tensor<2x1x1x7xi1>, tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %3 = ht.softmax %2 axis 3 : tensor<2x4x5x7xf32>
  %4 = ht.matmul %3, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %4 : tensor<2x4x5x8xf32>
}

// -----

// -inf is a boolean beside whatever else is added.
// CHECK-LABEL: func.func @infinite_and_finite
// CHECK-SAME:    %[[A:[a-z0-9]*]]: tensor<2x1x1x7xi1>, %[[B:[a-z0-9]*]]: tensor<1x1x5x7xi1>)
// CHECK:         %[[BIAS:.*]] = ht.where %[[A]]
// CHECK:         ht.attention %{{.*}}, %{{.*}}, %{{.*}} mask %[[B]] : tensor<1x1x5x7xi1> bias %[[BIAS]] : tensor<2x1x1x7xf32> scale 1.000000e+00 :
func.func @infinite_and_finite(%q: tensor<2x4x5x8xf32>, %k: tensor<2x4x8x7xf32>, %v: tensor<2x4x7x8xf32>,
                               %a: tensor<2x1x1x7xi1>, %b: tensor<1x1x5x7xi1>) -> tensor<2x4x5x8xf32> {
  %zero = ht.constant dense<0.0> : tensor<f32>
  %low = ht.constant dense<-1.0e9> : tensor<f32>
  %infinity = ht.constant dense<0xFF800000> : tensor<f32>
  %added = ht.where %a, %zero, %low : tensor<2x1x1x7xi1>, tensor<f32>, tensor<f32> -> tensor<2x1x1x7xf32>
  %0 = ht.matmul %q, %k : tensor<2x4x5x8xf32>, tensor<2x4x8x7xf32> -> tensor<2x4x5x7xf32>
  %1 = ht.where %b, %0, %infinity : tensor<1x1x5x7xi1>, tensor<2x4x5x7xf32>, tensor<f32> -> tensor<2x4x5x7xf32>
  %2 = ht.add %1, %added : tensor<2x4x5x7xf32>, tensor<2x1x1x7xf32> -> tensor<2x4x5x7xf32>
  %3 = ht.softmax %2 axis 3 : tensor<2x4x5x7xf32>
  %4 = ht.matmul %3, %v : tensor<2x4x5x7xf32>, tensor<2x4x7x8xf32> -> tensor<2x4x5x8xf32>
  return %4 : tensor<2x4x5x8xf32>
}

// -----

// A classifier's softmax is no near miss.
// CHECK-LABEL: func.func @classifier
// CHECK:         ht.softmax
// MISSED-NOT: not raised
func.func @classifier(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = ht.softmax %x axis 1 : tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}
