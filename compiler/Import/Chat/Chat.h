//===- Chat.h - from a chat template to its compiled form -------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_CHAT_CHAT_H
#define HALFTONE_COMPILER_IMPORT_CHAT_CHAT_H

#include "llvm/Support/Error.h"

#include <optional>
#include <string>

namespace halftone::chat {

/// A Jinja template with what it is rendered with, as a checkpoint brings them.
struct ChatTemplate {
  std::string text;
  std::string begin, end; ///< bos_token and eos_token; empty where there is none
  std::string file;       ///< where the template was
};

/// What `findChatTemplate` reads, for help texts.
inline constexpr const char *kChatFiles =
    "a checkpoint's folder, its tokenizer_config.json, a .gguf file, or a .jinja template";

/// The template of a folder (chat_template.jinja, chat_template.json or
/// tokenizer_config.json, in this order) or file; nullopt where it has none. An
/// error names the file that is damaged.
llvm::Expected<std::optional<ChatTemplate>> findChatTemplate(llvm::StringRef path);

/// The compiled form (runtime/text/ChatFormat.h). An error says why the template
/// cannot be one: what of Jinja is not supported and in which line, or on which
/// conversation the form would render otherwise.
llvm::Expected<std::string> compileChatForm(llvm::StringRef text, llvm::StringRef begin, llvm::StringRef end);

} // namespace halftone::chat

#endif
