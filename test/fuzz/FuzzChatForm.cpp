//===- FuzzChatForm.cpp - any bytes as a compiled chat template -----------===//

#include "runtime/text/Chat.h"

#include <cstdlib>

using namespace halftone::rt;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // In an allocation of their own, which ends where they do.
  auto *bytes = static_cast<unsigned char *>(malloc(size ? size : 1));
  memcpy(bytes, data, size);
  // The size is set right, or no input of another size would come far.
  if (size >= sizeof(ChatHeader)) {
    auto total = static_cast<uint32_t>(size);
    memcpy(bytes + offsetof(ChatHeader, size), &total, sizeof(total));
  }
  Chat chat;
  Diagnostic diagnostic;
  if (chat.open({bytes, size}, diagnostic)) {
    Array<char> text;
    // The input is its contents too, whatever they are.
    TextView content = {reinterpret_cast<const char *>(bytes) + size / 2, size - size / 2};
    for (const TextView *system :
         {static_cast<const TextView *>(nullptr), static_cast<const TextView *>(&content)}) {
      (void)!chat.begin(system, text, diagnostic);
      (void)!chat.user(content, text, diagnostic);
      (void)!chat.user(content, text, diagnostic);
    }
    ChatMessage messages[] = {
        {roleUser, content}, {roleReply, content}, {roleUser, content}, {roleReply, content}};
    for (size_t count = 0; count <= 4; ++count)
      (void)!chat.render(messages, count, text, diagnostic);
  }
  free(bytes);
  return 0;
}
