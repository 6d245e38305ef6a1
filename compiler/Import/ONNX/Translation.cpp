//===- Translation.cpp - `--import-onnx` ------------------------------------===//

#include "compiler/Import/ONNX/Translation.h"

#include "compiler/Import/ONNX/Importer.h"

#include "dialects/HT/HTDialect.h"
#include "dialects/HTQ/HTQDialect.h"

#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

void halftone::registerONNXTranslation() {
  static llvm::cl::list<std::string> maxima(
      "max", llvm::cl::desc("Largest values of dynamic dimensions, e.g. batch=8,seq=512"),
      llvm::cl::value_desc("NAME=NUMBER,..."));
  static llvm::cl::list<std::string> constants(
      "constant", llvm::cl::desc("Inputs that become constants, e.g. axes=0,1 or table=file.npy"),
      llvm::cl::value_desc("NAME=VALUE"));
  static llvm::cl::list<std::string> elements(
      "elements", llvm::cl::desc("What inputs that are sequences or optionals hold, e.g. states=3x4,2x4"),
      llvm::cl::value_desc("NAME=SHAPE,..."));

  TranslateToMLIRRegistration registration(
      "import-onnx", "an ONNX model as the graph dialect (weights stay in the file)",
      [](llvm::SourceMgr &sources, MLIRContext *context) -> OwningOpRef<Operation *> {
        // The importer maps the file itself: weights are named by file and offset.
        StringRef path = sources.getMemoryBuffer(sources.getMainFileID())->getBufferIdentifier();
        Location loc = UnknownLoc::get(context);
        if (path == "<stdin>") {
          emitError(loc) << "--import-onnx needs a file, whose weights it refers to";
          return {};
        }
        ImportOptions options;
        std::string error;
        for (const std::string &entry : maxima) {
          if (!parseMaxima(entry, options, error)) {
            emitError(loc) << "--max: " << error;
            return {};
          }
        }
        for (const std::string &entry : constants) {
          if (!parseConstant(entry, options, error)) {
            emitError(loc) << "--constant: " << error;
            return {};
          }
        }
        for (const std::string &entry : elements) {
          if (!parseElements(entry, options, error)) {
            emitError(loc) << "--elements: " << error;
            return {};
          }
        }
        return importONNX(path, *context, options);
      },
      [](DialectRegistry &registry) { registry.insert<func::FuncDialect, ht::HTDialect, htq::HTQDialect>(); });
}
