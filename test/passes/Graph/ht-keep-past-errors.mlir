// RUN: halftone-opt %s --ht-keep-past --split-input-file --verify-diagnostics | FileCheck %s

// What is no decoder that can keep its past stays as it is, and says why.

// CHECK-COUNT-13: ht.name = "past.0"}
// CHECK-NOT: ht.state

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!bits = tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!present = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// Another input.
// expected-warning @below {{keys and values of earlier tokens stay inputs and outputs of the program, which will not write text: its input "other" is neither tokens, mask nor positions, nor keys or values of earlier tokens as [batch, heads, tokens, d]}}
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"}, %past: !past {ht.name = "past.0"}, %z: tensor<4xf32> {ht.name = "other"})
    -> (!x {ht.name = "logits"}, !present {ht.name = "present.0"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %f = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %g = ht.reshape %f : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %g : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %k = ht.concat %past, %h axis 1 : !past, !heads -> !present
  %0 = ht.cast %mask : !mask to tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %0 : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to !bits
  %y = ht.attention %h, %k, %k mask %m : !bits scale 0.35 causal : !heads, !present, !present -> !heads
  %r = ht.reshape %y : !heads to !x
  return %r, %k : !x, !present
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!bits = tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!present = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// Not causal.
// expected-warning @below {{keys and values of earlier tokens stay inputs and outputs of the program, which will not write text: it must attend the tokens up to each: ht.attention at}}
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"}, %past: !past {ht.name = "past.0"})
    -> (!x {ht.name = "logits"}, !present {ht.name = "present.0"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %f = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %g = ht.reshape %f : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %g : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %k = ht.concat %past, %h axis 1 : !past, !heads -> !present
  %0 = ht.cast %mask : !mask to tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %0 : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to !bits
  %y = ht.attention %h, %k, %k mask %m : !bits scale 0.35 : !heads, !present, !present -> !heads
  %r = ht.reshape %y : !heads to !x
  return %r, %k : !x, !present
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!bits = tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!present = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// A mask that is more than the padding.
// expected-warning @below {{keys and values of earlier tokens stay inputs and outputs of the program, which will not write text: it must attend all of these where nothing is padding: ht.attention at}}
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"}, %past: !past {ht.name = "past.0"})
    -> (!x {ht.name = "logits"}, !present {ht.name = "present.0"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %f = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %g = ht.reshape %f : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %g : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %k = ht.concat %past, %h axis 1 : !past, !heads -> !present
  %0 = ht.constant dense<2> : tensor<i64>
  %1 = ht.compare ge %mask, %0 : !mask, tensor<i64> -> tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %1 : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to !bits
  %y = ht.attention %h, %k, %k mask %m : !bits scale 0.35 causal : !heads, !present, !present -> !heads
  %r = ht.reshape %y : !heads to !x
  return %r, %k : !x, !present
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!bits = tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!present = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// A cache that something else reads.
// expected-warning @below {{keys and values of earlier tokens stay inputs and outputs of the program, which will not write text: something else than attention reads keys or values of earlier tokens: ht.neg at}}
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"}, %past: !past {ht.name = "past.0"})
    -> (!x {ht.name = "logits"}, !present {ht.name = "present.0"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %f = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %g = ht.reshape %f : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %g : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %k = ht.concat %past, %h axis 1 : !past, !heads -> !present
  %0 = ht.cast %mask : !mask to tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %0 : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to !bits
  %y = ht.attention %h, %k, %k mask %m : !bits scale 0.35 causal : !heads, !present, !present -> !heads
  %n = ht.neg %k : !present
  %s = ht.reduce sum %n [1] : !present -> tensor<?x1x2x8xf32, #ht.dims<s0>>
  %t = ht.add %y, %s : !heads, tensor<?x1x2x8xf32, #ht.dims<s0>> -> !heads
  %r = ht.reshape %t : !heads to !x
  return %r, %k : !x, !present
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!bits = tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!present = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// The mask as data.
// expected-warning @below {{keys and values of earlier tokens stay inputs and outputs of the program, which will not write text: something else than attention reads the attention_mask: ht.cast at}}
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"}, %past: !past {ht.name = "past.0"})
    -> (!x {ht.name = "logits"}, !present {ht.name = "present.0"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %f = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %g = ht.reshape %f : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %g : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %k = ht.concat %past, %h axis 1 : !past, !heads -> !present
  %0 = ht.cast %mask : !mask to tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %0 : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to !bits
  %y = ht.attention %h, %k, %k mask %m : !bits scale 0.35 causal : !heads, !present, !present -> !heads
  %w = ht.cast %mask : !mask to tensor<?x?xf32, #ht.dims<s0, s1 + s2>>
  %s = ht.reduce max %w [1] : tensor<?x?xf32, #ht.dims<s0, s1 + s2>> -> tensor<?x1xf32, #ht.dims<s0>>
  %u = ht.reshape %s : tensor<?x1xf32, #ht.dims<s0>> to tensor<?x1x1xf32, #ht.dims<s0>>
  %q = ht.reshape %y : !heads to !x
  %r = ht.add %q, %u : !x, tensor<?x1x1xf32, #ht.dims<s0>> -> !x
  return %r, %k : !x, !present
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!bits = tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!present = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// Logits of the last token alone.
// expected-warning @below {{keys and values of earlier tokens stay inputs and outputs of the program, which will not write text: its logits are not of every token, [batch, tokens, vocabulary]}}
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"}, %past: !past {ht.name = "past.0"})
    -> (tensor<?x1x16xf32, #ht.dims<s0>> {ht.name = "logits"}, !present {ht.name = "present.0"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %f = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %g = ht.reshape %f : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %g : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %k = ht.concat %past, %h axis 1 : !past, !heads -> !present
  %0 = ht.cast %mask : !mask to tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %0 : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to !bits
  %y = ht.attention %h, %k, %k mask %m : !bits scale 0.35 causal : !heads, !present, !present -> !heads
  %q = ht.reshape %y : !heads to !x
  %r = ht.slice %q starts <0, s1 - 1, 0> strides [1, 1, 1] : !x to tensor<?x1x16xf32, #ht.dims<s0>>
  return %r, %k : tensor<?x1x16xf32, #ht.dims<s0>>, !present
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!bits = tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!present = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// An output that is not the cache with the new tokens behind it.
// expected-warning @below {{keys and values of earlier tokens stay inputs and outputs of the program, which will not write text: its output "present.0" is no input with the new tokens behind its own}}
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"}, %past: !past {ht.name = "past.0"})
    -> (!x {ht.name = "logits"}, !present {ht.name = "present.0"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %f = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %g = ht.reshape %f : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %g : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %k = ht.concat %past, %h axis 1 : !past, !heads -> !present
  %0 = ht.cast %mask : !mask to tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %0 : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to !bits
  %y = ht.attention %h, %k, %k mask %m : !bits scale 0.35 causal : !heads, !present, !present -> !heads
  %n = ht.neg %k : !present
  %r = ht.reshape %y : !heads to !x
  return %r, %n : !x, !present
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!bits = tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!present = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// New tokens before the earlier ones.
// expected-warning @below {{keys and values of earlier tokens stay inputs and outputs of the program, which will not write text: its output "present.0" is no input with the new tokens behind its own}}
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"}, %past: !past {ht.name = "past.0"})
    -> (!x {ht.name = "logits"}, !present {ht.name = "present.0"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %f = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %g = ht.reshape %f : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %g : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %k = ht.concat %h, %past axis 1 : !heads, !past -> !present
  %0 = ht.cast %mask : !mask to tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %0 : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to !bits
  %y = ht.attention %h, %k, %k mask %m : !bits scale 0.35 causal : !heads, !present, !present -> !heads
  %r = ht.reshape %y : !heads to !x
  return %r, %k : !x, !present
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!bits = tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!present = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// A cache that does not come back.
// expected-warning @below {{keys and values of earlier tokens stay inputs and outputs of the program, which will not write text: its input "past.0" does not come back with the new tokens as an output}}
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"}, %past: !past {ht.name = "past.0"})
    -> (!x {ht.name = "logits"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %f = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %g = ht.reshape %f : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %g : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %k = ht.concat %past, %h axis 1 : !past, !heads -> !present
  %0 = ht.cast %mask : !mask to tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %0 : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to !bits
  %y = ht.attention %h, %k, %k mask %m : !bits scale 0.35 causal : !heads, !present, !present -> !heads
  %r = ht.reshape %y : !heads to !x
  return %r : !x
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!bits = tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!present = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// Tokens that meet elsewhere: each adds the mean of all.
// expected-warning @below {{keys and values of earlier tokens stay inputs and outputs of the program, which will not write text: tokens must meet in attention alone: ht.reduce at}}
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"}, %past: !past {ht.name = "past.0"})
    -> (!x {ht.name = "logits"}, !present {ht.name = "present.0"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %f = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %g = ht.reshape %f : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %g : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %k = ht.concat %past, %h axis 1 : !past, !heads -> !present
  %0 = ht.cast %mask : !mask to tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %0 : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to !bits
  %y = ht.attention %h, %k, %k mask %m : !bits scale 0.35 causal : !heads, !present, !present -> !heads
  %q = ht.reshape %y : !heads to !x
  %u = ht.reduce mean %q [1] : !x -> tensor<?x1x16xf32, #ht.dims<s0>>
  %r = ht.add %q, %u : !x, tensor<?x1x16xf32, #ht.dims<s0>> -> !x
  return %r, %k : !x, !present
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!bits = tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!present = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// Tokens in reverse.
// expected-warning @below {{keys and values of earlier tokens stay inputs and outputs of the program, which will not write text: tokens must meet in attention alone: ht.slice at}}
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"}, %past: !past {ht.name = "past.0"})
    -> (!x {ht.name = "logits"}, !present {ht.name = "present.0"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %f = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %g = ht.reshape %f : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %g : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %k = ht.concat %past, %h axis 1 : !past, !heads -> !present
  %0 = ht.cast %mask : !mask to tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %0 : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to !bits
  %y = ht.attention %h, %k, %k mask %m : !bits scale 0.35 causal : !heads, !present, !present -> !heads
  %q = ht.reshape %y : !heads to !x
  %r = ht.slice %q starts <0, s1 - 1, 0> strides [1, -1, 1] : !x to !x
  return %r, %k : !x, !present
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!bits = tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!present = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// A number of tokens that enters the numbers.
// expected-warning @below {{keys and values of earlier tokens stay inputs and outputs of the program, which will not write text: it counts earlier tokens, but not for each sequence: ht.cast at}}
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"}, %past: !past {ht.name = "past.0"})
    -> (!x {ht.name = "logits"}, !present {ht.name = "present.0"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>]} {
  %f = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %g = ht.reshape %f : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %g : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %k = ht.concat %past, %h axis 1 : !past, !heads -> !present
  %0 = ht.cast %mask : !mask to tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %0 : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to !bits
  %y = ht.attention %h, %k, %k mask %m : !bits scale 0.35 causal : !heads, !present, !present -> !heads
  %q = ht.reshape %y : !heads to !x
  %d = ht.dim <s2> : tensor<i64>
  %u = ht.cast %d : tensor<i64> to tensor<f32>
  %r = ht.add %q, %u : !x, tensor<f32> -> !x
  return %r, %k : !x, !present
}

// -----

!ids = tensor<?x?xi64, #ht.dims<s0, s1>>
!mask = tensor<?x?xi64, #ht.dims<s0, s1 + s2>>
!bits = tensor<?x1x1x?xi1, #ht.dims<s0, s1 + s2>>
!past = tensor<?x?x2x8xf32, #ht.dims<s0, s2>>
!present = tensor<?x?x2x8xf32, #ht.dims<s0, s1 + s2>>
!heads = tensor<?x?x2x8xf32, #ht.dims<s0, s1>>
!x = tensor<?x?x16xf32, #ht.dims<s0, s1>>

// A dimension of nothing.
// expected-warning @below {{keys and values of earlier tokens stay inputs and outputs of the program, which will not write text: its dimension "free" is neither of sequences nor of tokens}}
func.func @main(%ids: !ids {ht.name = "input_ids"}, %mask: !mask {ht.name = "attention_mask"}, %past: !past {ht.name = "past.0"})
    -> (!x {ht.name = "logits"}, !present {ht.name = "present.0"})
    attributes {ht.symbols = [#ht.symbol<"batch", 1, 3>, #ht.symbol<"sequence", 1, 8>, #ht.symbol<"past", 0, 16>, #ht.symbol<"free", 1, 4>]} {
  %f = ht.cast %ids : !ids to tensor<?x?xf32, #ht.dims<s0, s1>>
  %g = ht.reshape %f : tensor<?x?xf32, #ht.dims<s0, s1>> to tensor<?x?x1x1xf32, #ht.dims<s0, s1>>
  %h = ht.broadcast %g : tensor<?x?x1x1xf32, #ht.dims<s0, s1>> to !heads
  %k = ht.concat %past, %h axis 1 : !past, !heads -> !present
  %0 = ht.cast %mask : !mask to tensor<?x?xi1, #ht.dims<s0, s1 + s2>>
  %m = ht.reshape %0 : tensor<?x?xi1, #ht.dims<s0, s1 + s2>> to !bits
  %y = ht.attention %h, %k, %k mask %m : !bits scale 0.35 causal : !heads, !present, !present -> !heads
  %r = ht.reshape %y : !heads to !x
  return %r, %k : !x, !present
}
