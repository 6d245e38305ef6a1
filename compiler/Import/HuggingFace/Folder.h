//===- Folder.h - the files of a model's folder -----------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_HUGGINGFACE_FOLDER_H
#define HALFTONE_COMPILER_IMPORT_HUGGINGFACE_FOLDER_H

#include "compiler/Import/ONNX/Importer.h"
#include "compiler/Import/ONNX/MappedFile.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/JSON.h"

namespace halftone::huggingface {

/// A name from a file in quotes, shortened and without control characters.
std::string quote(llvm::StringRef name);

/// Opens files of one folder and reports what is wrong with them.
class Folder {
public:
  Folder(llvm::StringRef path, mlir::MLIRContext &context) : path(path.str()), context(context) {}

  bool has(llvm::StringRef file) const;

  /// Reports an error in a file of the folder.
  mlir::InFlightDiagnostic error(llvm::StringRef file, ImportFailure kind = ImportFailure::Unreadable);
  /// What the last error was.
  ImportFailure getFailure() const { return failure; }

  /// The bytes of a file, which stay; nullopt after an error.
  std::optional<llvm::StringRef> open(llvm::StringRef file);

  /// The object that a JSON file holds; nullopt after an error.
  std::optional<llvm::json::Object> readJson(llvm::StringRef file);
  /// The same of a text inside of a file.
  std::optional<llvm::json::Object> parseJson(llvm::StringRef file, llvm::StringRef text);

  mlir::MLIRContext &getContext() const { return context; }
  mlir::Location getLocation(llvm::StringRef file) const;

private:
  std::string getPath(llvm::StringRef file) const;

  std::string path;
  mlir::MLIRContext &context;
  ImportFailure failure = ImportFailure::None;
  llvm::StringMap<std::unique_ptr<onnx::MappedFile>> files;
};

} // namespace halftone::huggingface

#endif
