//===- halftone-opt.cpp - run passes on IR ----------------------------------===//

#include "compiler/Driver/Registration.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  halftone::registerDialects(registry);
  halftone::registerPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Halftone optimizer driver\n", registry));
}
