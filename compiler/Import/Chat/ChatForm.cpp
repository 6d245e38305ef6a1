//===- ChatForm.cpp - a chat template as a table ----------------------------===//

#include "compiler/Import/Chat/ChatForm.h"
#include "runtime/text/Chat.h"

#include "llvm/ADT/STLExtras.h"

namespace halftone::chat {

std::string ChatForm::write(char dateMark) const {
  rt::ChatHeader header = {};
  llvm::copy(rt::chatMagic, header.magic);
  header.version = rt::chatVersion;
  header.flags = flags;
  llvm::copy(strips, header.strips);
  llvm::copy(firstStrips, header.firstStrips);
  std::string bytes(sizeof(header), '\0');
  for (auto [span, text] : llvm::zip_equal(header.texts, texts)) {
    span = {static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(text.size())};
    bytes += text;
    std::replace(bytes.end() - static_cast<ptrdiff_t>(text.size()), bytes.end(), jinja::kDateMark, dateMark);
  }
  header.size = static_cast<uint32_t>(bytes.size());
  memcpy(bytes.data(), &header, sizeof(header));
  return bytes;
}

llvm::Expected<std::string> ChatForm::render(llvm::ArrayRef<jinja::Message> messages) const {
  std::string bytes = write(jinja::kDateMark);
  rt::Chat chat;
  rt::Diagnostic diagnostic;
  std::vector<rt::ChatMessage> conversation;
  for (const jinja::Message &message : messages)
    conversation.push_back({message.role == "system" ? rt::roleSystem
                            : message.role == "user" ? rt::roleUser
                                                     : rt::roleReply,
                            {message.content.data(), message.content.size()}});
  rt::Array<char> text;
  if (!chat.open({reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size()}, diagnostic) ||
      !chat.render(conversation.data(), conversation.size(), text, diagnostic))
    return llvm::createStringError(diagnostic.text());
  return std::string(text.data(), text.size());
}

} // namespace halftone::chat
