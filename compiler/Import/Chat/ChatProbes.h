//===- ChatProbes.h - conversations that show what a template does ----------===//

#ifndef HALFTONE_COMPILER_IMPORT_CHAT_CHATPROBES_H
#define HALFTONE_COMPILER_IMPORT_CHAT_CHATPROBES_H

#include "compiler/Import/Chat/ChatForm.h"

namespace halftone::chat {

using Conversation = std::vector<jinja::Message>;

/// A template with its tokens, and what is left to spend on it.
class Prober {
public:
  Prober(const jinja::Template &parsed, llvm::StringRef begin, llvm::StringRef end)
      : parsed(parsed), begin(begin), end(end) {}

  /// By the template; a reply is asked for if the last message is the user's.
  jinja::Rendered render(const Conversation &conversation) {
    jinja::Inputs inputs = {conversation, conversation.back().role == "user", begin, end};
    jinja::Rendered rendered = parsed.render(inputs, budget);
    spent = spent || rendered.isSpent;
    return rendered;
  }
  llvm::StringRef getBegin() const { return begin; }
  llvm::StringRef getEnd() const { return end; }
  /// Whether some conversation took too much.
  bool isSpent() const { return spent; }

private:
  const jinja::Template &parsed;
  llvm::StringRef begin, end;
  jinja::Budget budget;
  bool spent = false;
};

/// The form that a few conversations with unmistakable contents suggest.
llvm::Expected<ChatForm> deriveForm(Prober &prober);

/// Compares the form with the template on many other conversations. An error where
/// they differ; what concerns unusual contents only becomes flags and notes.
/// `words` are the template's own strings.
llvm::Error checkForm(Prober &prober, llvm::ArrayRef<std::string> words, ChatForm &form);

} // namespace halftone::chat

#endif
