//===- Ptx.h - `--gpu-to-ptx` and `--gpu-to-llvmir` -------------------------===//

#ifndef HALFTONE_COMPILER_EMIT_PTX_H
#define HALFTONE_COMPILER_EMIT_PTX_H

namespace halftone::emit {

/// Registers `--gpu-to-ptx` (and `--chip` for it) and `--gpu-to-llvmir` with mlir-translate's driver: the
/// code of a module's one `gpu.module`, as htk-gpu-to-nvvm leaves it.
void registerPtxTranslations();

} // namespace halftone::emit

#endif
