// RUN: halftone-opt --htq-convert-from-quant %s | FileCheck %s
// RUN: halftone-opt --htq-convert-from-quant --remarks-filter-missed=htq-convert-from-quant %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Upstream's own form, with no storage cast between: what it rounds is kept.
// CHECK-LABEL: func.func @fake
// CHECK:         %[[Q:.*]] = htq.quantize <i8, blocks [?, 1], scale f32, zero i8>(%arg0, %{{.*}}, %{{.*}}) : tensor<4x2xf32>, tensor<1x2xf32>, tensor<1x2xi8> -> tensor<4x2xi8>
// CHECK:         %[[Y:.*]] = htq.dequantize #htq.affine<i8, blocks [?, 1], scale f32, zero i8>(%[[Q]], %{{.*}}, %{{.*}})
// CHECK-NEXT:    return %[[Y]]
func.func @fake(%x: tensor<4x2xf32>) -> tensor<4x2xf32> {
  %q = quant.qcast %x : tensor<4x2xf32> to tensor<4x2x!quant.uniform<i8:f32:1, {0.5:-1, 0.25:2}>>
  %y = quant.dcast %q : tensor<4x2x!quant.uniform<i8:f32:1, {0.5:-1, 0.25:2}>> to tensor<4x2xf32>
  return %y : tensor<4x2xf32>
}

// Between two types only bits pass.
// CHECK-LABEL: func.func @unsigned
// CHECK:         %[[U:.*]] = ht.bitcast %arg0 : tensor<4xi4> to tensor<4xui4>
// CHECK:         htq.dequantize #htq.affine<ui4, blocks [?], scale f32>(%[[U]], %{{.*}}) : (tensor<4xui4>, tensor<1xf32>) -> tensor<4xf16>
func.func @unsigned(%x: tensor<4xi4>) -> tensor<4xf16> {
  %q = quant.scast %x : tensor<4xi4> to tensor<4x!quant.uniform<u4:f16, 0.5>>
  %y = quant.dcast %q : tensor<4x!quant.uniform<u4:f16, 0.5>> to tensor<4xf16>
  return %y : tensor<4xf16>
}

// REMARK-DAG: its codes are clamped to less than their type
// REMARK-DAG: its storage type is none of the graph
// REMARK-DAG: it is on no tensor of the graph
// REMARK-DAG: a tensor of a quantized type stays at the boundary of the graph
// CHECK-LABEL: func.func @kept
// CHECK:         quant.qcast
// CHECK:         quant.qcast
// CHECK:         quant.qcast
func.func @kept(%x: tensor<4xf32>, %d: tensor<?xf32>, %q: tensor<4x!quant.uniform<i8:f32, 0.5>>)
    -> (tensor<4x!quant.uniform<i8<-127:127>:f32, 0.5>>, tensor<4x!quant.uniform<i7:f32, 0.5>>,
        tensor<?x!quant.uniform<i8:f32, 0.5>>, tensor<4xf32>) {
  %0 = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i8<-127:127>:f32, 0.5>>
  %1 = quant.qcast %x : tensor<4xf32> to tensor<4x!quant.uniform<i7:f32, 0.5>>
  %2 = quant.qcast %d : tensor<?xf32> to tensor<?x!quant.uniform<i8:f32, 0.5>>
  %3 = quant.dcast %q : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
  return %0, %1, %2, %3 : tensor<4x!quant.uniform<i8<-127:127>:f32, 0.5>>, tensor<4x!quant.uniform<i7:f32, 0.5>>,
      tensor<?x!quant.uniform<i8:f32, 0.5>>, tensor<4xf32>
}
