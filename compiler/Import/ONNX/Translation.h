//===- Translation.h - `--import-onnx` --------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_TRANSLATION_H
#define HALFTONE_COMPILER_IMPORT_ONNX_TRANSLATION_H

namespace halftone {

/// Registers `--import-onnx` (and `--max` for it) with mlir-translate's driver.
void registerONNXTranslation();

} // namespace halftone

#endif
