//===- ChatForm.h - a chat template as a table ------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_CHAT_CHATFORM_H
#define HALFTONE_COMPILER_IMPORT_CHAT_CHATFORM_H

#include "compiler/Import/Chat/Jinja.h"
#include "runtime/text/ChatFormat.h"

namespace halftone::chat {

/// What runtime/text/ChatFormat.h lays out. In texts, dates are what
/// jinja::Template::render makes of them.
struct ChatForm {
  std::string texts[rt::numChatTexts];
  rt::ChatSides strips[rt::numChatRoles] = {}, firstStrips[rt::numChatOpenings] = {};
  uint32_t flags = 0;

  std::string write() const { return write('\0'); }

  /// The text of a conversation, as the runtime makes it, but for dates.
  llvm::Expected<std::string> render(llvm::ArrayRef<jinja::Message> messages) const;

private:
  std::string write(char dateMark) const;
};

} // namespace halftone::chat

#endif
