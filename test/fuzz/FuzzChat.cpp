//===- FuzzChat.cpp - any bytes as a chat template ------------------------===//

#include "compiler/Import/Chat/Chat.h"
#include "runtime/text/Chat.h"

#include <cstdlib>

using namespace halftone;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef bytes(reinterpret_cast<const char *>(data), size);
  // What the compiler accepts, the runtime must open and render.
  auto form = chat::compileChatForm(bytes, "<s>", "</s>");
  if (!form) {
    llvm::consumeError(form.takeError());
    return 0;
  }
  rt::Chat chat;
  rt::Diagnostic diagnostic;
  rt::Array<char> text;
  if (!chat.open({reinterpret_cast<const unsigned char *>(form->data()), form->size()}, diagnostic))
    abort();
  rt::TextView system = {"x", 1};
  if (!chat.begin(nullptr, text, diagnostic) && !chat.begin(&system, text, diagnostic))
    abort();
  for (rt::TextView content : {rt::TextView{"Hello", 5}, rt::TextView{"again", 5}})
    if (!chat.user(content, text, diagnostic))
      abort();
  return 0;
}
