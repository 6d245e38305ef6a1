// RUN: halftone-opt --htq-convert-to-quant --split-input-file %s | FileCheck %s --check-prefix=QUANT
// RUN: halftone-opt --htq-convert-to-quant --htq-convert-from-quant --split-input-file %s | FileCheck %s --check-prefix=BACK
// RUN: halftone-opt --htq-convert-to-quant --split-input-file --remarks-filter-missed=htq-convert-to-quant %s -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// One scale and zero. Storage types have no sign: unsigned codes are the same bits.
// QUANT-LABEL: func.func @tensor
// QUANT:         %[[Q:.*]] = quant.qcast %{{.*}} : tensor<?x4xf32, #ht.dims<s0>> to tensor<?x4x!quant.uniform<u8:f32, 2.500000e-01:3>, #ht.dims<s0>>
// QUANT-NEXT:    %[[S:.*]] = quant.scast %[[Q]] : {{.*}} to tensor<?x4xi8, #ht.dims<s0>>
// QUANT-NEXT:    %[[U:.*]] = ht.bitcast %[[S]] : tensor<?x4xi8, #ht.dims<s0>> to tensor<?x4xui8, #ht.dims<s0>>
// QUANT-NEXT:    %[[C:.*]] = quant.scast %[[S]] : tensor<?x4xi8, #ht.dims<s0>> to
// QUANT-NEXT:    %[[Y:.*]] = quant.dcast %[[C]]
// QUANT-NEXT:    return %[[U]], %[[Y]]
// BACK-LABEL:  func.func @tensor
// BACK:          %[[Q:.*]] = htq.quantize <ui8, blocks [?, ?], scale f32, zero ui8>(%{{.*}}, %{{.*}}, %{{.*}}) : tensor<?x4xf32, #ht.dims<s0>>
// BACK:          %[[Y:.*]] = htq.dequantize #htq.affine<ui8, blocks [?, ?], scale f32, zero ui8>(%[[Q]], %{{.*}}, %{{.*}})
// BACK-NEXT:     return %[[Q]], %[[Y]]
func.func @tensor(%x: tensor<?x4xf32, #ht.dims<s0>>) -> (tensor<?x4xui8, #ht.dims<s0>>, tensor<?x4xf32, #ht.dims<s0>>)
    attributes {ht.symbols = [#ht.symbol<"n", 0, 100>]} {
  %s = ht.constant dense<0.25> : tensor<1x1xf32>
  %z = ht.constant dense<3> : tensor<1x1xui8>
  %q = htq.quantize <ui8, blocks [?, ?], scale f32, zero ui8>(%x, %s, %z)
      : tensor<?x4xf32, #ht.dims<s0>>, tensor<1x1xf32>, tensor<1x1xui8> -> tensor<?x4xui8, #ht.dims<s0>>
  %y = htq.dequantize #htq.affine<ui8, blocks [?, ?], scale f32, zero ui8>(%q, %s, %z)
      : (tensor<?x4xui8, #ht.dims<s0>>, tensor<1x1xf32>, tensor<1x1xui8>) -> tensor<?x4xf32, #ht.dims<s0>>
  return %q, %y : tensor<?x4xui8, #ht.dims<s0>>, tensor<?x4xf32, #ht.dims<s0>>
}

// -----

// Per axis, and in blocks.
// QUANT-LABEL: func.func @blocks
// QUANT:         quant.scast %{{.*}} : tensor<2x4xi8> to tensor<2x4x!quant.uniform<i8:f32:0, {5.000000e-01,2.500000e-01}>>
// QUANT:         quant.scast %{{.*}} : tensor<2x4xi4> to tensor<2x4x!quant.uniform<i4:f32:{0:1, 1:2}, {{.*}}>>
// BACK-LABEL:  func.func @blocks
// BACK-DAG:      %[[S:.*]] = ht.constant dense<{{\[}}[5.000000e-01], [2.500000e-01]]> : tensor<2x1xf32>
// BACK-DAG:      %[[G:.*]] = ht.constant dense<{{\[}}[1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
// BACK-DAG:      %[[Z:.*]] = ht.constant dense<{{\[}}[0, -1], [2, 7]]> : tensor<2x2xi4>
// BACK-DAG:      htq.dequantize #htq.affine<i8, blocks [1, ?], scale f32>(%{{.*}}, %[[S]])
// BACK-DAG:      htq.dequantize #htq.affine<i4, blocks [1, 2], scale f32, zero i4>(%{{.*}}, %[[G]], %[[Z]])
func.func @blocks(%a: tensor<2x4xi8>, %b: tensor<2x4xi4>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %s = ht.constant dense<[[0.5], [0.25]]> : tensor<2x1xf32>
  %0 = htq.dequantize #htq.affine<i8, blocks [1, ?], scale f32>(%a, %s) : (tensor<2x4xi8>, tensor<2x1xf32>) -> tensor<2x4xf32>
  %g = ht.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf16>
  %z = ht.constant dense<[[0, -1], [2, 7]]> : tensor<2x2xi4>
  %1 = htq.dequantize #htq.affine<i4, blocks [1, 2], scale f16, zero i4>(%b, %g, %z)
      : (tensor<2x4xi4>, tensor<2x2xf16>, tensor<2x2xi4>) -> tensor<2x4xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// What quantized types cannot say stays.
// REMARK-DAG: its scale or zero is no constant
// REMARK-DAG: it is no affine of stored tensors
// REMARK-DAG: its blocks do not divide its axes
// REMARK-DAG: its codes are no integers of at most 32 bits
// REMARK-DAG: scale out of expressed type range
// REMARK-DAG: a zero is outside the range of its codes
// REMARK-DAG: its scale is a term, or of f64
// QUANT-LABEL: func.func @kept
// QUANT-NOT:     quant.
// QUANT:         return
func.func @kept(%a: tensor<2x5xi8>, %t: tensor<2x1xf32>, %f: tensor<2x5xf4E2M1FN>) {
  %0 = htq.dequantize #htq.affine<i8, blocks [1, ?], scale f32>(%a, %t) : (tensor<2x5xi8>, tensor<2x1xf32>) -> tensor<2x5xf32>
  %c = ht.constant dense<1> : tensor<1x1xi8>
  %one = ht.constant dense<1.0> : tensor<1x1xf32>
  %minus = ht.constant dense<-1.0> : tensor<1x1xf32>
  %wide = ht.constant dense<1.0> : tensor<1x1xf64>
  %ragged = ht.constant dense<1.0> : tensor<2x3xf32>
  %z = ht.constant dense<200> : tensor<1x1xui8>
  %1 = htq.dequantize #htq.affine<i8, blocks [?, ?], scale affine<i8, blocks [?, ?], scale f32>>(%a, %c, %one)
      : (tensor<2x5xi8>, tensor<1x1xi8>, tensor<1x1xf32>) -> tensor<2x5xf32>
  %2 = htq.dequantize #htq.affine<i8, blocks [1, 2], scale f32>(%a, %ragged) : (tensor<2x5xi8>, tensor<2x3xf32>) -> tensor<2x5xf32>
  %3 = htq.dequantize #htq.affine<f4E2M1FN, blocks [?, ?], scale f32>(%f, %one)
      : (tensor<2x5xf4E2M1FN>, tensor<1x1xf32>) -> tensor<2x5xf32>
  %4 = htq.dequantize #htq.affine<i8, blocks [?, ?], scale f32>(%a, %minus) : (tensor<2x5xi8>, tensor<1x1xf32>) -> tensor<2x5xf32>
  %5 = htq.dequantize #htq.affine<i8, blocks [?, ?], scale f32, zero ui8>(%a, %one, %z)
      : (tensor<2x5xi8>, tensor<1x1xf32>, tensor<1x1xui8>) -> tensor<2x5xf32>
  %6 = htq.dequantize #htq.affine<i8, blocks [?, ?], scale f64>(%a, %wide) : (tensor<2x5xi8>, tensor<1x1xf64>) -> tensor<2x5xf32>
  return
}
