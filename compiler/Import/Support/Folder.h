//===- Folder.h - the files of a model --------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_SUPPORT_FOLDER_H
#define HALFTONE_COMPILER_IMPORT_SUPPORT_FOLDER_H

#include "compiler/Import/Support/MappedFile.h"
#include "compiler/Import/Support/Names.h"
#include "compiler/Import/Support/Options.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

namespace halftone {

/// Opens files of one folder and reports what is wrong with them.
class Folder {
public:
  /// `main` is the file that says what the model is: errors are of it where nothing else is named.
  Folder(llvm::StringRef path, llvm::StringRef main, mlir::MLIRContext &context)
      : path(path.str()), main(main.str()), context(context) {}

  bool has(llvm::StringRef file) const;

  /// Reports an error in a file of the folder.
  mlir::InFlightDiagnostic error(llvm::StringRef file, ImportFailure kind = ImportFailure::Unreadable);
  mlir::InFlightDiagnostic error(ImportFailure kind = ImportFailure::Unreadable) { return error(main, kind); }
  /// What the last error was.
  ImportFailure getFailure() const { return failure; }

  /// The bytes of a file, which stay; nullopt after an error.
  std::optional<llvm::StringRef> open(llvm::StringRef file);

  mlir::MLIRContext &getContext() const { return context; }
  llvm::StringRef getMain() const { return main; }
  mlir::Location getLocation(llvm::StringRef file) const;
  mlir::Location getLocation() const { return getLocation(main); }

private:
  std::string getPath(llvm::StringRef file) const;

  std::string path, main;
  mlir::MLIRContext &context;
  ImportFailure failure = ImportFailure::None;
  llvm::StringMap<std::unique_ptr<MappedFile>> files;
};

} // namespace halftone

#endif
