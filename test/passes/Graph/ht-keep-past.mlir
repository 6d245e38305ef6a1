// RUN: halftone-opt %s --ht-keep-past --split-input-file | FileCheck %s
// RUN: halftone-opt %s --ht-keep-past --split-input-file --remarks-filter=ht-keep-past -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!past = tensor<?x2x?x8xf32, #ht.dims<s0, s2>>
!new = tensor<?x2x?x8xf32, #ht.dims<s0, s1>>
!present = tensor<?x2x?x8xf32, #ht.dims<s0, s1 + s2>>
!cache = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!angles = tensor<?x?x4xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>
!logits = tensor<?x?x5xf32, #ht.dims<s0, s1>>

ht.weight @w : tensor<5x16xf32> {
  %0 = ht.load "w.bin" offset 0 : tensor<5x16xf32>
  ht.yield %0 : tensor<5x16xf32>
}

// As optimum writes it: a concatenation, a mask, positions. A sequence has as many tokens as the past and new ones.
// REMARK: keys and values of up to 24 tokens are states
// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[IDS:.+]]: tensor<?x?xi64, #ht.dims<s0, s1>> {ht.name = "input_ids"},
// CHECK-SAME: %[[ROWS:.+]]: tensor<?xi64, #ht.dims<s0>> {ht.name = "sequences"}, %[[START:.+]]: tensor<?xi64, #ht.dims<s0>> {ht.name = "start"},
// CHECK-SAME: %[[WANTED:.+]]: tensor<?xi64, #ht.dims<s2>> {ht.name = "wanted"},
// CHECK-SAME: %[[KEYS:.+]]: tensor<3x24x2x8xf32> {ht.name = "past.0.key", ht.state}, %[[VALUES:.+]]: tensor<3x24x2x8xf32> {ht.name = "past.0.value", ht.state})
// CHECK-SAME: -> (tensor<?x5xf32, #ht.dims<s2>> {ht.name = "logits"}, tensor<3x24x2x8xf32> {ht.name = "past.0.key", ht.state}, tensor<3x24x2x8xf32> {ht.name = "past.0.value", ht.state})
// CHECK-SAME: ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"wanted", 1, 24>]
// CHECK-DAG: %[[X:.+]] = ht.embedding %{{.+}}, %[[IDS]]
// CHECK-DAG: %[[FIRST:.+]] = ht.reshape %[[START]] : tensor<?xi64, #ht.dims<s0>> to tensor<?x1x1xi64, #ht.dims<s0>>
// CHECK: %[[POSITIONS:.+]] = ht.add %[[FIRST]], %{{.+}} -> tensor<?x?x1xi64, #ht.dims<s0, s1>>
// CHECK: ht.cast %[[POSITIONS]]
// CHECK: %[[K:.+]] = ht.rope
// CHECK: %[[KEPT_KEYS:.+]] = ht.update %[[KEYS]], %{{.+}} sequences %[[ROWS]] start %[[START]]
// CHECK: %[[KEPT_VALUES:.+]] = ht.update %[[VALUES]], %{{.+}} sequences %[[ROWS]] start %[[START]]
// CHECK-NOT: ht.concat
// CHECK: %[[Y:.+]] = ht.attention %[[K]], %[[KEPT_KEYS]], %[[KEPT_VALUES]] sequences %[[ROWS]] : {{.*}} start %[[START]] : {{.*}} scale 3.500000e-01 causal window 5 :
// CHECK: %[[FLAT:.+]] = ht.reshape %{{.+}} to tensor<?x16xf32, #ht.dims<s0 * s1>>
// CHECK: %[[CHOSEN:.+]] = ht.gather %[[FLAT]], %[[WANTED]] axis 0
// CHECK: %[[NORMED:.+]] = ht.mul %[[CHOSEN]], %{{.+}} : tensor<?x16xf32, #ht.dims<s2>>
// CHECK: %[[SCORES:.+]] = ht.linear %[[NORMED]], %{{.+}} -> tensor<?x5xf32, #ht.dims<s2>>
// CHECK: %[[LOGITS:.+]] = ht.tanh %[[SCORES]]
// CHECK: return %[[LOGITS]], %[[KEPT_KEYS]], %[[KEPT_VALUES]]
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"},
                %at: !ids {ht.name = "position_ids"}, %pk: !past {ht.name = "past.0.key"}, %pv: !past {ht.name = "past.0.value"})
    -> (!logits {ht.name = "logits"}, !present {ht.name = "present.0.key"}, !present {ht.name = "present.0.value"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %w = ht.get_weight @w : tensor<5x16xf32>
  %x = ht.embedding %w, %ids : tensor<5x16xf32>, !ids -> !x
  %h = ht.reshape %x : !x to !heads
  %0 = ht.reshape %at : !ids to tensor<?x?x1xi64, #ht.dims<s0, s1>>
  %1 = ht.cast %0 : tensor<?x?x1xi64, #ht.dims<s0, s1>> to tensor<?x?x1xf32, #ht.dims<s0, s1>>
  %f = ht.constant dense<[1.0, 0.1, 0.01, 0.001]> : tensor<4xf32>
  %2 = ht.mul %1, %f : tensor<?x?x1xf32, #ht.dims<s0, s1>>, tensor<4xf32> -> !angles
  %cos = ht.cos %2 : !angles
  %sin = ht.sin %2 : !angles
  %q = ht.rope %h, %cos, %sin : !heads, !angles, !angles
  %k = ht.transpose %q [0, 2, 1, 3] : !heads -> !new
  %ck = ht.concat %pk, %k axis 2 : !past, !new -> !present
  %tk = ht.transpose %ck [0, 2, 1, 3] : !present -> !cache
  %v = ht.transpose %h [0, 2, 1, 3] : !heads -> !new
  %cv = ht.concat %pv, %v axis 2 : !past, !new -> !present
  %tv = ht.transpose %cv [0, 2, 1, 3] : !present -> !cache
  %bits = ht.cast %mask : !mask to tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %bits : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
  %y = ht.attention %q, %tk, %tv mask %m : tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>> scale 0.35 causal window 5 uniform
    : !heads, !cache, !cache -> !heads
  %3 = ht.reshape %y : !heads to !x
  %two = ht.constant dense<2.0> : tensor<f32>
  %4 = ht.mul %3, %two : !x, tensor<f32> -> !x
  %5 = ht.linear %4, %w : !x, tensor<5x16xf32> -> !logits
  %6 = ht.tanh %5 : !logits
  return %6, %ck, %cv : !logits, !present, !present
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!past = tensor<?x2x?x8xf32, #ht.dims<s0, s2>>
!old = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!cache = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!more = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + 2 * s2>>
!present = tensor<?x2x?x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!rows = tensor<?xi64, #ht.dims<s0>>
!logits = tensor<?x?x16xf32, #ht.dims<s0, s1>>

ht.weight @w : tensor<20x16xf32> {
  %0 = ht.load "w.bin" offset 0 : tensor<20x16xf32>
  ht.yield %0 : tensor<20x16xf32>
}

// As GroupQueryAttention is imported: an update from where a row's length, a sum of its mask, says; the table of
// positions has 20 rows.
// REMARK: a context of 20: the table of positions has 20 rows
// REMARK: keys and values of up to 20 tokens are states
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[KEYS:[^ ]+]]: tensor<3x20x2x8xf32> {ht.name = "past_key_values.0.key", ht.state}
// CHECK: %[[POSITIONS:.+]] = ht.add {{.*}} -> tensor<?x?xi64, #ht.dims<s0, s1>>
// CHECK: ht.embedding %{{.+}}, %[[POSITIONS]]
// CHECK: %[[KEPT:.+]] = ht.update %[[KEYS]], %{{.+}} sequences %{{.+}} start %{{.+}} : tensor<3x20x2x8xf32>
// CHECK: ht.attention %{{.+}}, %[[KEPT]], %[[KEPT]] sequences
// CHECK-NOT: ht.reduce
// CHECK: return
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"},
                %past: !past {ht.name = "past_key_values.0.key"})
    -> (!logits {ht.name = "logits"}, !present {ht.name = "present.0.key"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %w = ht.get_weight @w : tensor<20x16xf32>
  // The length before: max(sum - tokens, 0).
  %sum = ht.reduce sum %mask [1] : !mask -> tensor<?x1xi64, #ht.dims<s0>>
  %total = ht.reshape %sum : tensor<?x1xi64, #ht.dims<s0>> to !rows
  %tokens = ht.dim <s1> : tensor<i64>
  %zero = ht.constant dense<0> : tensor<i64>
  %one = ht.constant dense<1> : tensor<i64>
  %before = ht.sub %total, %tokens : !rows, tensor<i64> -> !rows
  %start = ht.max %before, %zero : !rows, tensor<i64> -> !rows
  // Positions; those behind the length stand at 1.
  %i = ht.iota : tensor<?xi64, #ht.dims<s1>>
  %column = ht.reshape %start : !rows to tensor<?x1xi64, #ht.dims<s0>>
  %all = ht.add %column, %i : tensor<?x1xi64, #ht.dims<s0>>, tensor<?xi64, #ht.dims<s1>> -> !ids
  %valid = ht.compare lt %all, %sum : !ids, tensor<?x1xi64, #ht.dims<s0>> -> tensor<?x?xi1, #ht.dims<s0, s1>>
  %positions = ht.where %valid, %all, %one : tensor<?x?xi1, #ht.dims<s0, s1>>, !ids, tensor<i64> -> !ids
  %x = ht.embedding %w, %positions : tensor<20x16xf32>, !ids -> !logits
  %h = ht.reshape %x : !logits to !heads
  // Rows of the past below the length.
  %old = ht.transpose %past [0, 2, 1, 3] : !past -> !old
  %none = ht.constant dense<0.0> : tensor<f32>
  %zeros = ht.broadcast %none : tensor<f32> to !cache
  %longer = ht.concat %old, %zeros axis 1 : !old, !cache -> !more
  %cut = ht.slice %longer starts <0, 0, 0, 0> strides [1, 1, 1, 1] : !more to !cache
  %j = ht.iota : tensor<?xi64, #ht.dims<s1 + s2>>
  %row = ht.reshape %j : tensor<?xi64, #ht.dims<s1 + s2>> to tensor<?x1x1xi64, #ht.dims<s1 + s2>>
  %bound = ht.reshape %start : !rows to tensor<?x1x1x1xi64, #ht.dims<s0>>
  %below = ht.compare lt %row, %bound : tensor<?x1x1xi64, #ht.dims<s1 + s2>>, tensor<?x1x1x1xi64, #ht.dims<s0>>
    -> tensor<?x?x1x1xi1, #ht.dims<s0, s1 + s2>>
  %base = ht.where %below, %cut, %none : tensor<?x?x1x1xi1, #ht.dims<s0, s1 + s2>>, !cache, tensor<f32> -> !cache
  %sequences = ht.iota : !rows
  %k = ht.update %base, %h sequences %sequences start %start : !cache, !heads, !rows, !rows
  %y = ht.attention %h, %k, %k start %start : !rows scale 0.35 causal : !heads, !cache, !cache -> !heads
  %r = ht.reshape %y : !heads to !logits
  %xs = ht.embedding %w, %ids : tensor<20x16xf32>, !ids -> !logits
  %sum2 = ht.add %r, %xs : !logits, !logits -> !logits
  %present = ht.transpose %k [0, 2, 1, 3] : !cache -> !present
  return %sum2, %present : !logits, !present
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!cache = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// Positions that are the same for all sequences, as exports without position_ids have them, become one row for each.
// REMARK: keys and values of up to 24 tokens are states
// CHECK-LABEL: func.func @main
// CHECK: %[[POSITIONS:.+]] = ht.add {{.*}} -> tensor<?x?xi64, #ht.dims<s0, s1>>
// CHECK: %[[FLOATS:.+]] = ht.cast %[[POSITIONS]] : {{.*}} to tensor<?x?xf32, #ht.dims<s0, s1>>
// CHECK: %[[COLUMN:.+]] = ht.reshape %[[FLOATS]] : {{.*}} to tensor<?x?x1xf32, #ht.dims<s0, s1>>
// CHECK: ht.cos %[[COLUMN]] : tensor<?x?x1xf32, #ht.dims<s0, s1>>
func.func @main(%ids: !ids {ht.name = "input_ids"}, %past: !past {ht.name = "past.0"})
    -> (!x {ht.name = "logits"}, !cache {ht.name = "present.0"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %d = ht.dim <s2> : tensor<i64>
  %i = ht.iota : tensor<?xi64, #ht.dims<s1>>
  %p = ht.add %i, %d : tensor<?xi64, #ht.dims<s1>>, tensor<i64> -> tensor<?xi64, #ht.dims<s1>>
  %f = ht.cast %p : tensor<?xi64, #ht.dims<s1>> to tensor<?xf32, #ht.dims<s1>>
  %c = ht.reshape %f : tensor<?xf32, #ht.dims<s1>> to tensor<1x?x1xf32, #ht.dims<s1>>
  %cos = ht.cos %c : tensor<1x?x1xf32, #ht.dims<s1>>
  %0 = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %1 = ht.reshape %0 : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %1 : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %q = ht.rope %h, %cos, %cos : !heads, tensor<1x?x1xf32, #ht.dims<s1>>, tensor<1x?x1xf32, #ht.dims<s1>>
  %k = ht.concat %past, %q axis 1 : !past, !heads -> !cache
  %y = ht.attention %q, %k, %k scale 0.35 causal : !heads, !cache, !cache -> !heads
  %r = ht.reshape %y : !heads to !x
  return %r, %k : !x, !cache
}

// -----

// No decoder, and nothing to say about it.
// REMARK-NOT: remark
// CHECK-LABEL: func.func @encoder
// CHECK: ht.cast
func.func @encoder(%ids: tensor<?x?xi64, #ht.dims<s0, s1>> {ht.name = "input_ids"})
    -> (tensor<?x?xf32, #ht.dims<s0, s1>> {ht.name = "logits"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>]} {
  %0 = ht.cast %ids : tensor<?x?xi64, #ht.dims<s0, s1>> to tensor<?x?xf32, #ht.dims<s0, s1>>
  return %0 : tensor<?x?xf32, #ht.dims<s0, s1>>
}
