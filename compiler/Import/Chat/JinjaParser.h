//===- JinjaParser.h - from tokens to a parsed template ---------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_CHAT_JINJAPARSER_H
#define HALFTONE_COMPILER_IMPORT_CHAT_JINJAPARSER_H

#include "compiler/Import/Chat/JinjaSyntax.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace halftone::chat::jinja {

/// The template's statements. Refuses what is nested too deep, and tags that are
/// no part of what chat templates use (include, block, call, …).
llvm::Expected<Block> parse(llvm::StringRef source);

} // namespace halftone::chat::jinja

#endif
