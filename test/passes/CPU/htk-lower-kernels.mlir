// Canonicalized, so that the facts do not depend on how index arithmetic is written.
// RUN: halftone-opt --htk-lower-kernels --canonicalize --cse --split-input-file %s | FileCheck %s

// Tensors become flat buffers, behind the run's step and this thread's number;
// results come last. 512-bit vectors where the module names no processor.
// CHECK-LABEL: func.func private @buffers(
// CHECK-SAME:    %[[STEP:.*]]: !llvm.ptr, %[[THREAD:.*]]: index, %[[X:.*]]: memref<?xf32>, %[[Y:.*]]: memref<?xf32>)
// CHECK:         htk.num_threads %[[STEP]]
// CHECK:         %[[V:.*]] = vector.load %[[X]][{{.*}}] : memref<?xf32>, vector<16xf32>
// CHECK:         %[[ABS:.*]] = math.absf %[[V]]
// CHECK:         vector.store %[[ABS]], %[[Y]]
// CHECK:         return
func.func private @buffers(%x: tensor<64xf32>) -> tensor<64xf32> attributes {htk.kernel} {
  %0 = ht.abs %x : tensor<64xf32>
  return %0 : tensor<64xf32>
}

// -----

// A result without elements takes no code.
// CHECK-LABEL: func.func private @nothing
// CHECK-NEXT:    return
func.func private @nothing(%x: tensor<0x64xf32>) -> tensor<0x64xf32> attributes {htk.kernel} {
  %0 = ht.softmax %x axis 0 : tensor<0x64xf32>
  return %0 : tensor<0x64xf32>
}

// -----

// A part of a result that has no elements is never read.
// CHECK-LABEL: func.func private @no_part
// CHECK:         vector.load
// CHECK:         return
func.func private @no_part(%x: tensor<3x64xi32>) -> tensor<3x64xi32> attributes {htk.kernel} {
  %0 = ht.constant dense<> : tensor<0x64xi32>
  %1 = ht.concat %0, %x axis 0 : tensor<0x64xi32>, tensor<3x64xi32> -> tensor<3x64xi32>
  return %1 : tensor<3x64xi32>
}

// -----

// The processor's vectors decide, here 256 bits.
// CHECK-LABEL: func.func private @half_vectors
// CHECK:         math.absf %{{.*}} : vector<8xf32>
module attributes {htk.cpu = #htk.cpu<"x86-64-v3", 256>} {
  func.func private @half_vectors(%x: tensor<64xf32>) -> tensor<64xf32> attributes {htk.kernel} {
    %0 = ht.abs %x : tensor<64xf32>
    return %0 : tensor<64xf32>
  }
}

// -----

// Whole vectors need no mask, …
// CHECK-LABEL: func.func private @multiple
// CHECK-NOT:     mask
// CHECK:         return
func.func private @multiple(%x: tensor<3x32xf32>) -> tensor<3x32xf32> attributes {htk.kernel} {
  %0 = ht.abs %x : tensor<3x32xf32>
  return %0 : tensor<3x32xf32>
}

// -----

// … the rest of a row has a constant one, behind the loop over whole vectors, …
// CHECK-LABEL: func.func private @tail
// CHECK:         vector.store
// CHECK:         %[[MASK:.*]] = vector.constant_mask [6] : vector<16xi1>
// CHECK:         vector.maskedload %{{.*}}, %[[MASK]]
// CHECK:         vector.maskedstore %{{.*}}, %[[MASK]]
func.func private @tail(%x: tensor<70xf32>) -> tensor<70xf32> attributes {htk.kernel} {
  %0 = ht.abs %x : tensor<70xf32>
  return %0 : tensor<70xf32>
}

// -----

// … and one that depends on a symbol is made only where something is left.
// CHECK-LABEL: func.func private @symbol(
// CHECK-SAME:    %[[STEP:.*]]: !llvm.ptr
// CHECK:         %[[ROWS:.*]] = htk.symbol %[[STEP]][1]
// CHECK:         scf.if
// CHECK-NEXT:      {{.*}} = arith.subi
// CHECK-NEXT:      %[[MASK:.*]] = vector.create_mask
// CHECK:           vector.maskedstore %{{.*}}, %[[MASK]]
func.func private @symbol(%x: tensor<?xf32, #ht.dims<s1>>) -> tensor<?xf32, #ht.dims<s1>>
    attributes {htk.kernel, ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 512>]} {
  %0 = ht.abs %x : tensor<?xf32, #ht.dims<s1>>
  return %0 : tensor<?xf32, #ht.dims<s1>>
}

// -----

// Lanes run along neighbours in memory only: a transposed operand is read one by one.
// CHECK-LABEL: func.func private @transposed
// CHECK-NOT:     vector
// CHECK:         %[[E:.*]] = memref.load
// CHECK-NOT:     vector
// CHECK:         memref.store %[[E]]
// CHECK-NOT:     vector
// CHECK:         return
func.func private @transposed(%x: tensor<32x16xf32>) -> tensor<16x32xf32> attributes {htk.kernel} {
  %0 = ht.transpose %x [1, 0] : tensor<32x16xf32> -> tensor<16x32xf32>
  return %0 : tensor<16x32xf32>
}

// -----

// Moving other axes keeps the vectors.
// CHECK-LABEL: func.func private @heads
// CHECK:         vector.load
// CHECK:         vector.store
func.func private @heads(%x: tensor<2x3x32xf32>) -> tensor<3x2x32xf32> attributes {htk.kernel} {
  %0 = ht.transpose %x [1, 0, 2] : tensor<2x3x32xf32> -> tensor<3x2x32xf32>
  return %0 : tensor<3x2x32xf32>
}

// -----

// A broadcast operand is read once for all lanes.
// CHECK-LABEL: func.func private @broadcast_lanes(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?xf32>, %[[Y:[a-z0-9]+]]: memref<?xf32>, %{{.*}}: memref<?xf32>)
// CHECK-DAG:     vector.load %[[X]]
// CHECK-DAG:     %[[E:.*]] = memref.load %[[Y]]
// CHECK-DAG:     vector.broadcast %[[E]] : f32 to vector<16xf32>
// CHECK:         arith.addf {{.*}} : vector<16xf32>
func.func private @broadcast_lanes(%x: tensor<3x32xf32>, %y: tensor<3x1xf32>) -> tensor<3x32xf32> attributes {htk.kernel} {
  %0 = ht.add %x, %y : tensor<3x32xf32>, tensor<3x1xf32> -> tensor<3x32xf32>
  return %0 : tensor<3x32xf32>
}

// -----

// An id is brought into the table's bounds, or reported under its node's name.
// CHECK-LABEL: func.func private @embedding(
// CHECK-SAME:    %[[STEP:[a-z0-9]+]]: !llvm.ptr, %{{.*}}: index, %[[TABLE:[a-z0-9]+]]: memref<?xi16>, %[[IDS:[a-z0-9]+]]: memref<?xi64>,
// CHECK-DAG:     %[[BOUND:.*]] = arith.constant 10 : index
// CHECK-DAG:     %[[WIDTH:.*]] = arith.constant 32 : index
// CHECK:         %[[ID:.*]] = memref.load %[[IDS]]
// CHECK:         %[[INDEX:.*]] = arith.index_cast %[[ID]]
// CHECK:         %[[SAFE:.*]] = htk.check_index %[[STEP]], %[[INDEX]] in %[[BOUND]] at "index out of range in node \22tokens\22"
// CHECK:         %[[ROW:.*]] = arith.muli %[[SAFE]], %[[WIDTH]]
// CHECK:         %[[AT:.*]] = arith.addi %[[ROW]],
// CHECK:         %[[STORED:.*]] = vector.load %[[TABLE]][%[[AT]]] : memref<?xi16>, vector<16xi16>
// CHECK:         %[[BF16:.*]] = arith.bitcast %[[STORED]] : vector<16xi16> to vector<16xbf16>
// CHECK:         arith.extf %[[BF16]] : vector<16xbf16> to vector<16xf32>
func.func private @embedding(%table: tensor<10x32xbf16>, %ids: tensor<70xi64>) -> tensor<70x32xf32> attributes {htk.kernel} {
  %0 = ht.embedding %table, %ids : tensor<10x32xbf16>, tensor<70xi64> -> tensor<70x32xf32> loc("tokens")
  return %0 : tensor<70x32xf32>
}

// -----

// Booleans are bytes in memory and bits in registers.
// CHECK-LABEL: func.func private @booleans(
// CHECK-SAME:    %{{.*}}: memref<?xi8>, %{{.*}}: memref<?xi8>)
// CHECK:         %[[BYTES:.*]] = vector.load {{.*}} : memref<?xi8>, vector<16xi8>
// CHECK:         %[[BITS:.*]] = arith.cmpi ne, %[[BYTES]],
// CHECK:         arith.extui {{.*}} : vector<16xi1> to vector<16xi8>
func.func private @booleans(%x: tensor<64xi1>) -> tensor<64xi1> attributes {htk.kernel} {
  %0 = ht.not %x : tensor<64xi1>
  return %0 : tensor<64xi1>
}

// -----

// A linear accumulates in vectors of f32, whatever the weights are stored in,
// and what follows the root is done before the result is stored: once.
// CHECK-LABEL: func.func private @linear(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<?xf32>, %[[W:[a-z0-9]+]]: memref<?xi16>, %[[B:[a-z0-9]+]]: memref<?xf32>, %[[Y:[a-z0-9]+]]: memref<?xf32>)
// CHECK:         vector.load %[[W]]{{.*}} : memref<?xi16>, vector<32xi16>
// CHECK:         arith.shli {{.*}} : vector<16xi32>
// CHECK:         vector.fma {{.*}} : vector<16xf32>
// CHECK:         vector.load %[[B]]
// CHECK:         arith.addf
// CHECK:         math.tanh {{.*}} : vector<16xf32>
// CHECK:         vector.store %{{.*}}, %[[Y]]
// 128 columns are two whole panels: nothing is masked.
// CHECK-NOT:     mask
// CHECK:         return
func.func private @linear(%x: tensor<7x8xf32>, %w: tensor<2x4x128xbf16>, %b: tensor<128xf32>) -> tensor<7x128xf32>
    attributes {htk.kernel} {
  %0 = htk.linear f32(%x) by bf16(%w) : (tensor<7x8xf32>) by (tensor<2x4x128xbf16>) -> tensor<7x128xf32>
  %1 = ht.add %0, %b : tensor<7x128xf32>, tensor<128xf32> -> tensor<7x128xf32>
  %2 = ht.tanh %1 : tensor<7x128xf32>
  return %2 : tensor<7x128xf32>
}

// -----

// The last panel of 100 columns ends early.
// CHECK-LABEL: func.func private @ragged_linear(
// CHECK:         vector.create_mask
// CHECK:         vector.maskedstore
func.func private @ragged_linear(%x: tensor<7x8xf32>, %w: tensor<2x8x64xf32>) -> tensor<7x100xf32> attributes {htk.kernel} {
  %0 = htk.linear f32(%x) by f32(%w) : (tensor<7x8xf32>) by (tensor<2x8x64xf32>) -> tensor<7x100xf32>
  return %0 : tensor<7x100xf32>
}

// -----

// Attention keeps scores of a block on the thread's stack: its scratch has one
// size for all sequences, and nothing is allocated.
// CHECK-LABEL: func.func private @attention(
// CHECK-NOT:     memref.alloc(
// CHECK:         memref.alloca() {{.*}} : memref<{{[0-9]+}}xf32>
// CHECK-NOT:     memref.alloc(
// CHECK:         vector.fma
// CHECK-NOT:     memref.alloc(
// CHECK:         return
#q = #ht.dims<s0, s1>
func.func private @attention(%q: tensor<?x?x4x32xf32, #q>, %k: tensor<?x?x2x32xf32, #q>) -> tensor<?x?x4x32xf32, #q>
    attributes {htk.kernel, ht.symbols = [#ht.symbol<"batch", 1, 8>, #ht.symbol<"sequence", 1, 512>]} {
  %0 = ht.attention %q, %k, %k scale 0.25 causal
      : tensor<?x?x4x32xf32, #q>, tensor<?x?x2x32xf32, #q>, tensor<?x?x2x32xf32, #q> -> tensor<?x?x4x32xf32, #q>
  return %0 : tensor<?x?x4x32xf32, #q>
}

// -----

// A norm's statistics come first; what follows the norm is in the same pass over the row.
// CHECK-LABEL: func.func private @norm(
// CHECK:         vector.reduction <add>
// CHECK:         math.sqrt
// CHECK:         math.absf {{.*}} : vector<16xf32>
// CHECK:         vector.store
func.func private @norm(%x: tensor<3x32xf32>, %g: tensor<32xf32>) -> tensor<3x32xf32> attributes {htk.kernel} {
  %0 = ht.rms_norm %x, %g epsilon 1.0e-6 : tensor<3x32xf32>, tensor<32xf32>
  %1 = ht.abs %0 : tensor<3x32xf32>
  return %1 : tensor<3x32xf32>
}

// -----

// A launch of the step becomes a call: step, thread, inputs, outputs.
// CHECK-LABEL: func.func @step(
// CHECK-SAME:    %[[STEP:.*]]: !llvm.ptr, %[[THREAD:.*]]: index)
// CHECK-DAG:     %[[X:.*]] = htk.input
// CHECK-DAG:     %[[Y:.*]] = htk.output
// CHECK:         call @copy(%[[STEP]], %[[THREAD]], %[[X]], %[[Y]])
func.func private @copy(%x: tensor<64xf32>) -> tensor<64xf32> attributes {htk.kernel} {
  return %x : tensor<64xf32>
}
func.func @step(%step: !llvm.ptr, %thread: index) {
  %x = htk.input %step[0] : !llvm.ptr -> memref<?xf32>
  %y = htk.output %step[0] : !llvm.ptr -> memref<?xf32>
  htk.launch @copy(%x) outs(%y) on %step thread %thread : (memref<?xf32>) -> () outs memref<?xf32> on !llvm.ptr
  return
}

// -----

// Codes by codes: the sums begin with minus 128 times the sum of x, as weights are stored
// with 128 added, and are scaled in f32 only when k is through.
// CHECK-LABEL: func.func private @codes(
// CHECK-DAG:     arith.constant -128 : i32
// CHECK:         llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"({{.*}}) : (vector<16xi32>, vector<64xi8>, vector<64xi8>) -> vector<16xi32>
// CHECK:         arith.sitofp {{.*}} : vector<16xi32> to vector<16xf32>
module attributes {htk.cpu = #htk.cpu<"x86-64-v4", 512, ["avx512vnni"]>} {
func.func private @codes(%x: tensor<7x64xi8>, %s: tensor<7x1xf32>, %w: tensor<1x16x256xui8>, %t: tensor<1x1x64xf32>)
    -> tensor<7x64xf32> attributes {htk.kernel} {
  %0 = htk.linear affine<i8, blocks [1, ?], scale f32>(%x, %s) by affine<i8, blocks [1, ?], scale f32>(%w, %t)
      : (tensor<7x64xi8>, tensor<7x1xf32>) by (tensor<1x16x256xui8>, tensor<1x1x64xf32>) -> tensor<7x64xf32>
  return %0 : tensor<7x64xf32>
}
}

// -----

// Codes are asked for 6 KiB ahead, the scales of as many of their blocks with them: a row of these is 2 lines.
// CHECK-LABEL: func.func private @blocks(
// CHECK-SAME:    %[[W:[^:]*]]: memref<?xi8>, %[[T:[^:]*]]: memref<?xf16>, %{{[^:]*}}: memref<?xf32>)
// CHECK:         %[[BLOCK:.*]] = arith.divui %{{.*}}, %c32
// CHECK-NEXT:    arith.addi %[[BLOCK]], %c6
// CHECK:         memref.prefetch %[[T]][%{{.*}}], read, locality<3>, data
// CHECK:         memref.prefetch %[[T]][
// CHECK-NOT:     memref.prefetch %[[T]]
// CHECK:         memref.prefetch %[[W]][
module attributes {htk.cpu = #htk.cpu<"x86-64-v4", 512, ["avx512vnni"]>} {
func.func private @blocks(%x: tensor<1x128xi8>, %s: tensor<1x1xf32>, %w: tensor<1x16x256xui8>,
    %t: tensor<1x4x64xf16>) -> tensor<1x64xf32> attributes {htk.kernel} {
  %0 = htk.linear affine<i8, blocks [1, ?], scale f32>(%x, %s) by affine<i4, blocks [1, 32], scale f16>(%w, %t)
      : (tensor<1x128xi8>, tensor<1x1xf32>) by (tensor<1x16x256xui8>, tensor<1x4x64xf16>) -> tensor<1x64xf32>
  return %0 : tensor<1x64xf32>
}
}

// -----

// With tiles, a step along k is 64 codes: four products of two tiles of x and two of w, for
// which w is read where it was packed. Tiles are configured when the rows at hand change, once
// for a kernel of whole tiles. Few rows are left to vectors.
// CHECK-LABEL: func.func private @tiles(
// CHECK:         scf.if
// CHECK:           llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK:         } else {
// CHECK:           %[[CHANGED:.*]] = arith.cmpi ne
// CHECK:           scf.if %[[CHANGED]]
// CHECK:             llvm.call_intrinsic "llvm.x86.ldtilecfg"
// CHECK-COUNT-4:   llvm.call_intrinsic "llvm.x86.tilezero"
// CHECK:           scf.for
// CHECK:             memref.prefetch
// CHECK-COUNT-4:     llvm.call_intrinsic "llvm.x86.tdpbsud"
// CHECK-COUNT-4:   llvm.call_intrinsic "llvm.x86.tilestored64"
// CHECK:           llvm.call_intrinsic "llvm.x86.tilerelease"
#rows = #ht.dims<s0>
module attributes {htk.cpu = #htk.cpu<"x86-64-v4", 512, ["avx512vnni", "amx-int8"]>} {
func.func private @tiles(%x: tensor<?x128xi8, #rows>, %s: tensor<?x1xf32, #rows>, %w: tensor<1x32x256xui8>,
    %t: tensor<1x1x64xf32>) -> tensor<?x64xf32, #rows> attributes {htk.kernel, ht.symbols = [#ht.symbol<"rows", 1, 512>]} {
  %0 = htk.linear affine<i8, blocks [1, ?], scale f32>(%x, %s) by affine<i8, blocks [1, ?], scale f32>(%w, %t)
      : (tensor<?x128xi8, #rows>, tensor<?x1xf32, #rows>) by (tensor<1x32x256xui8>, tensor<1x1x64xf32>)
      -> tensor<?x64xf32, #rows>
  return %0 : tensor<?x64xf32, #rows>
}
}

// -----

// The kernel quantizes blocks of rows into a scratch of its own. Results that are computed alike on other
// buffers share one piece of code, which a loop runs for each in turn.
// CHECK-LABEL: func.func private @quantized_twice(
// CHECK-SAME:    %[[STEP:[^:]*]]: !llvm.ptr, %{{[^:]*}}: index, %[[X:[^:]*]]: memref<?xf32>, %[[V:[^:]*]]: memref<?xi8>, %{{[^:]*}}: memref<?xf32>, %[[W:[^:]*]]: memref<?xi8>, %{{[^:]*}}: memref<?xf32>, %[[Y:[^:]*]]: memref<?xf32>, %[[Z:[^:]*]]: memref<?xf32>)
// CHECK-DAG:     %[[CODES:.*]] = memref.alloca() {{.*}} : memref<32768xi8>
// CHECK-DAG:     %[[TWO:.*]] = arith.constant 2 : index
// CHECK:         vector.load %[[X]]
// CHECK:         vector.store {{.*}}, %[[CODES]]
// CHECK:         scf.for %[[RESULT:.*]] = %{{.*}} to %[[TWO]]
// CHECK-DAG:       arith.select %{{.*}}, %[[W]], %[[V]] : memref<?xi8>
// CHECK-DAG:       arith.select %{{.*}}, %[[Z]], %[[Y]] : memref<?xf32>
// CHECK:           "llvm.x86.avx512.vpdpbusd.512"
// CHECK-NOT:       memref<?xi8> to memref
// CHECK:         return
module attributes {htk.cpu = #htk.cpu<"x86-64-v4", 512, ["avx512vnni"]>} {
func.func private @quantized_twice(%x: tensor<7x64xf32>, %v: tensor<1x16x256xui8>, %s: tensor<1x1x64xf32>, %w: tensor<1x16x256xui8>, %t: tensor<1x1x64xf32>)
    -> (tensor<7x64xf32>, tensor<7x64xf32>) attributes {htk.kernel} {
  %c, %u = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, ?], scale f32>(%x)
      : (tensor<7x64xf32>) -> (tensor<7x64xi8>, tensor<7x1xf32>)
  %0 = htk.linear affine<i8, blocks [1, ?], scale f32>(%c, %u) by affine<i8, blocks [1, ?], scale f32>(%v, %s)
      : (tensor<7x64xi8>, tensor<7x1xf32>) by (tensor<1x16x256xui8>, tensor<1x1x64xf32>) -> tensor<7x64xf32>
  %1 = htk.linear affine<i8, blocks [1, ?], scale f32>(%c, %u) by affine<i8, blocks [1, ?], scale f32>(%w, %t)
      : (tensor<7x64xi8>, tensor<7x1xf32>) by (tensor<1x16x256xui8>, tensor<1x1x64xf32>) -> tensor<7x64xf32>
  return %0, %1 : tensor<7x64xf32>, tensor<7x64xf32>
}
}

// -----

// What differs in more than its buffers has code of its own, …
// CHECK-LABEL: func.func private @two_shapes(
// CHECK-NOT:     arith.select {{.*}} : memref
// CHECK:         vector.fma
// CHECK:         vector.store
// CHECK:         vector.fma
// CHECK:         math.tanh
// CHECK:         return
func.func private @two_shapes(%x: tensor<7x8xf32>, %v: tensor<1x8x64xf32>, %w: tensor<1x8x64xf32>) -> (tensor<7x64xf32>, tensor<7x64xf32>)
    attributes {htk.kernel} {
  %0 = htk.linear f32(%x) by f32(%v) : (tensor<7x8xf32>) by (tensor<1x8x64xf32>) -> tensor<7x64xf32>
  %1 = htk.linear f32(%x) by f32(%w) : (tensor<7x8xf32>) by (tensor<1x8x64xf32>) -> tensor<7x64xf32>
  %2 = ht.tanh %1 : tensor<7x64xf32>
  return %0, %2 : tensor<7x64xf32>, tensor<7x64xf32>
}

// -----

// … and linears that meet in one result have their tiles side by side.
// CHECK-LABEL: func.func private @gated(
// CHECK:         vector.fma
// CHECK-NOT:     memref<?xf32>, vector<16xf32>{{$}}
// CHECK:         vector.fma
// CHECK:         arith.mulf
// CHECK:         return
func.func private @gated(%x: tensor<7x8xf32>, %v: tensor<1x8x64xf32>, %w: tensor<1x8x64xf32>) -> tensor<7x64xf32>
    attributes {htk.kernel} {
  %0 = htk.linear f32(%x) by f32(%v) : (tensor<7x8xf32>) by (tensor<1x8x64xf32>) -> tensor<7x64xf32>
  %1 = htk.linear f32(%x) by f32(%w) : (tensor<7x8xf32>) by (tensor<1x8x64xf32>) -> tensor<7x64xf32>
  %2 = ht.mul %0, %1 : tensor<7x64xf32>, tensor<7x64xf32> -> tensor<7x64xf32>
  return %2 : tensor<7x64xf32>
}

// -----

// A codebook of 16 entries is a register, and looking up a permutation.
// CHECK-LABEL: func.func private @codebook(
// CHECK:         arith.shrui {{.*}} : vector<16xi32>
// CHECK:         llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"
// CHECK:         vector.fma
func.func private @codebook(%x: tensor<7x64xf32>, %w: tensor<1x8x256xui8>, %b: tensor<16xf32>, %t: tensor<1x1x64xf32>)
    -> tensor<7x64xf32> attributes {htk.kernel} {
  %0 = htk.linear f32(%x) by affine<lookup<ui4, codebook f32>, blocks [1, 64], scale f32>(%w, %b, %t)
      : (tensor<7x64xf32>) by (tensor<1x8x256xui8>, tensor<16xf32>, tensor<1x1x64xf32>) -> tensor<7x64xf32>
  return %0 : tensor<7x64xf32>
}

// -----

// Activations by their own range: the greatest magnitude of a row, then its codes.
// An ordinary row has its magnitudes compared as integers, and four vectors of codes at a time.
// CHECK-LABEL: func.func private @quantize(
// CHECK:         arith.maxui {{.*}} : vector<16xi32>
// CHECK:         %[[BITS:.*]] = vector.reduction <maxui>
// CHECK:         scf.if
// CHECK:           arith.divf
// CHECK-COUNT-4:   llvm.call_intrinsic "llvm.lrint"
// CHECK:           llvm.call_intrinsic "llvm.x86.avx512.packsswb.512"
// CHECK:         } else {
// CHECK:           math.absf {{.*}} : vector<16xf32>
// CHECK:           vector.reduction <maxnumf>
// CHECK:           arith.divf
// CHECK:           math.roundeven {{.*}} : vector<16xf32>
// CHECK:           arith.trunci {{.*}} : vector<16xi32> to vector<16xi8>
func.func private @quantize(%x: tensor<7x64xf32>) -> (tensor<7x64xi8>, tensor<7x1xf32>) attributes {htk.kernel} {
  %0, %1 = htq.dynamic_quantize absmax #htq.affine<i8, blocks [1, ?], scale f32>(%x)
      : (tensor<7x64xf32>) -> (tensor<7x64xi8>, tensor<7x1xf32>)
  return %0, %1 : tensor<7x64xi8>, tensor<7x1xf32>
}
