//===- ChatForm.h - a chat template as a table ------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_CHAT_CHATFORM_H
#define HALFTONE_COMPILER_IMPORT_CHAT_CHATFORM_H

#include "compiler/Import/Chat/Jinja.h"
#include "runtime/text/ChatFormat.h"

namespace halftone::chat {

/// What runtime/text/ChatFormat.h lays out.
struct ChatForm {
  std::string texts[rt::numChatTexts];
  rt::ChatSides strips[rt::numChatRoles] = {}, firstStrips[rt::numChatOpenings] = {};
  uint32_t flags = 0;

  std::string write() const;

  /// The text of a conversation, as the runtime makes it; a date stays what
  /// Template::render makes of it.
  llvm::Expected<std::string> render(llvm::ArrayRef<jinja::Message> messages) const;
};

} // namespace halftone::chat

#endif
