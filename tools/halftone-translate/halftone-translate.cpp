//===- halftone-translate.cpp - model files to IR ---------------------------===//

#include "compiler/Import/ONNX/Translation.h"

#include "mlir/Support/LogicalResult.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"

int main(int argc, char **argv) {
  halftone::registerONNXTranslation();
  return mlir::failed(mlir::mlirTranslateMain(argc, argv, "Halftone model importer\n"));
}
