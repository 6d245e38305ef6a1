//===- Options.h - what a caller asks of an import --------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_SUPPORT_OPTIONS_H
#define HALFTONE_COMPILER_IMPORT_SUPPORT_OPTIONS_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <map>
#include <string>

namespace halftone {

struct ImportReport;

struct ImportOptions {
  /// Largest value of symbolic dimensions. A key names a symbol or a unique
  /// prefix of one; a key that names none is an error.
  std::map<std::string, int64_t> maxima;
  /// What a symbol gets without an entry: this for the first whose name
  /// contains "batch", and the next for all others.
  int64_t defaultBatch = 8;
  int64_t defaultMax = 512;
  /// Inputs that become constants: numbers separated by commas, or the name of
  /// a .npy file.
  std::map<std::string, std::string> constants;
  /// What inputs that are sequences or optionals hold: shapes such as 3x4,2x4.
  std::map<std::string, std::string> elements;
  /// Reports every node, input and initializer that cannot be imported instead
  /// of the first alone.
  bool keepGoing = false;
  ImportReport *report = nullptr; ///< Filled where it is asked for.
};

/// Parses "batch=8,seq=512" into `options.maxima`; on failure returns false and
/// sets `error`.
bool parseMaxima(llvm::StringRef text, ImportOptions &options, std::string &error);

/// Parses "axes=0,1" or "table=file.npy" into `options.constants`, likewise.
bool parseConstant(llvm::StringRef text, ImportOptions &options, std::string &error);

/// Parses "states=3x4,2x4" into `options.elements`, likewise.
bool parseElements(llvm::StringRef text, ImportOptions &options, std::string &error);

/// Why an import gave nothing: the bytes could not be read as a model, the
/// options do not fit it, or it asks for what Halftone lacks.
enum class ImportFailure { None, Unreadable, Options, Unsupported };

} // namespace halftone

#endif
