//===- JinjaText.h - text as Python sees it ---------------------------------===//
//
// Strings are UTF-8 here and sequences of code points in templates.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_CHAT_JINJATEXT_H
#define HALFTONE_COMPILER_IMPORT_CHAT_JINJATEXT_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace halftone::chat::jinja {

/// Where text stops being UTF-8; its size if it is all.
size_t firstBrokenByte(llvm::StringRef text);

/// The size of the first code point of UTF-8; 0 of nothing.
size_t firstPoint(llvm::StringRef text);

size_t countPoints(llvm::StringRef text);

/// Without white space at the beginning or end, or without the code points `set`.
llvm::StringRef stripLeft(llvm::StringRef text, std::optional<llvm::StringRef> set = std::nullopt);
llvm::StringRef stripRight(llvm::StringRef text, std::optional<llvm::StringRef> set = std::nullopt);
inline llvm::StringRef strip(llvm::StringRef text, std::optional<llvm::StringRef> set = std::nullopt) {
  return stripRight(stripLeft(text, set), set);
}

/// The value of what stands between quotes; false for broken escapes, and for
/// surrogates and names of characters.
bool unescape(llvm::StringRef text, std::string &value);

/// 'text', as repr() has it, and as Python writes numbers.
std::string quoteText(llvm::StringRef text);
std::string formatFloat(double value);

/// "text", as JSON has it.
std::string jsonQuote(llvm::StringRef text, bool asciiOnly);

} // namespace halftone::chat::jinja

#endif
