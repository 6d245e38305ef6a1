//===- halftone-translate.cpp - model files to IR, kernels to PTX ----------===//

#include "compiler/Emit/Ptx.h"
#include "compiler/Import/ONNX/Translation.h"

#include "mlir/Support/LogicalResult.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"

int main(int argc, char **argv) {
  halftone::registerONNXTranslation();
  halftone::emit::registerPtxTranslations();
  return mlir::failed(mlir::mlirTranslateMain(argc, argv, "Halftone: models to IR, kernels to PTX\n"));
}
