//===- HTKDialect.td - kernels, their launches and the memory of a step -------===//

#ifndef HALFTONE_DIALECTS_HTK_HTKDIALECT_TD
#define HALFTONE_DIALECTS_HTK_HTKDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/OpBase.td"

def HTK_Dialect : Dialect {
  let name = "htk";
  let cppNamespace = "::halftone::htk";
  let summary = "Kernels: what runs as one loop nest, on which data, in which order";
  let description = [{
    Two forms. In the value form `htk.kernel` groups `ht` operations around one
    root, and `htk.launch` calls an outlined group. In the memory form a step
    function reads its buffers from the run's `halftone_step` (`htk.input`,
    `htk.arena`, `htk.payload`, …) and launches kernels between barriers.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::halftone::ht::HTDialect", "::halftone::htq::HTQDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::LLVM::LLVMDialect"];
  let extraClassDeclaration = [{
    /// Unit attribute of an outlined kernel function.
    static constexpr ::llvm::StringLiteral kKernelAttr = "htk.kernel";
    /// Attribute of the step function: bytes of the arena.
    static constexpr ::llvm::StringLiteral kArenaBytesAttr = "htk.arena_bytes";
    /// Attribute of a weight: its byte offset in the payload.
    static constexpr ::llvm::StringLiteral kPayloadOffsetAttr = "htk.payload_offset";
    /// Module attribute: the `#htk.cpu` that kernels are lowered for.
    static constexpr ::llvm::StringLiteral kCpuAttr = "htk.cpu";
    /// Module attribute: texts of the faults that the code may report, from number 1.
    static constexpr ::llvm::StringLiteral kFaultSitesAttr = "htk.fault_sites";
  }];
}

def HTK_CpuAttr : AttrDef<HTK_Dialect, "Cpu"> {
  let mnemonic = "cpu";
  let summary = "the processor that kernels are lowered for";
  let description = [{
    `#htk.cpu<"sapphirerapids", 512, ["avx512vnni", "amx-int8"]>`: LLVM's processor
    name, the bits of a vector (256 or 512), and by LLVM's names those features
    that instructions of the catalogue (`Intrinsics.h`) ask for.
  }];
  let parameters = (ins StringRefParameter<>:$name, "unsigned":$vectorBits,
      OptionalArrayRefParameter<"::mlir::StringAttr">:$features);
  let assemblyFormat = "`<` $name `,` $vectorBits (`,` `[` $features^ `]`)? `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    bool has(::llvm::StringRef feature) const;
  }];
}

#endif
