//===- Names.h - names from files in messages -------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_SUPPORT_NAMES_H
#define HALFTONE_COMPILER_IMPORT_SUPPORT_NAMES_H

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace halftone {

/// The name, shortened, with control characters (which a terminal
/// would obey) and anything beyond ASCII escaped.
inline std::string escape(llvm::StringRef name) {
  constexpr size_t kLongest = 200;
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::printEscapedString(name.take_front(kLongest), os);
  return name.size() > kLongest ? text + "..." : text;
}

/// The same in quotes.
inline std::string quote(llvm::StringRef name) { return "'" + escape(name) + "'"; }

} // namespace halftone

#endif
