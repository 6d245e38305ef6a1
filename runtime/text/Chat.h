//===- Chat.h - the text of a conversation --------------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_CHAT_H
#define HALFTONE_RUNTIME_TEXT_CHAT_H

#include "runtime/files/ByteReader.h"
#include "runtime/support/Diagnostic.h"
#include "runtime/text/ChatFormat.h"
#include "runtime/text/Utf8.h"

namespace halftone::rt {

struct ChatMessage {
  ChatRole role; ///< roleSystem, roleUser or roleReply
  TextView content;
};

/// Appends `text` with today where it has a date (ChatFormat.h).
void appendDated(TextView text, Array<char> &result);

/// A compiled chat template (ChatFormat.h) at work. A conversation grows by
/// text that follows what the model has seen:
///
///   begin(system), user(content) → text; the model writes its reply up to, and
///   not including, replyStop(); user(content) → text; …
///
/// The texts hold special tokens as text, which the tokenizer finds; they are
/// whole, so it adds no tokens of its own (`whole` of Tokenizer::encode is
/// false). The reply stays what the model wrote: where a template would strip
/// or cut replies of the past, this does not.
class Chat {
public:
  /// The bytes stay where they are for as long as this lives; of any alignment.
  [[nodiscard]] bool open(Bytes bytes, Diagnostic &diagnostic);

  /// Begins a conversation, with a system message unless `system` is null, and
  /// appends the text before the first user message. Refused where the template
  /// has no place for what is asked.
  [[nodiscard]] bool begin(const TextView *system, Array<char> &text,
                           Diagnostic &diagnostic);

  /// Appends what follows: the end of the reply before, if any, the message,
  /// and what makes the model reply.
  [[nodiscard]] bool user(TextView content, Array<char> &text,
                          Diagnostic &diagnostic);

  /// Appends a whole conversation of the past: a system message or none, then
  /// user messages and replies by turns. It ends with what makes the model
  /// reply if its last message is the user's; user() does not go on with it.
  [[nodiscard]] bool render(const ChatMessage *messages, size_t count,
                            Array<char> &text, Diagnostic &diagnostic) const;

  /// What the model writes behind its reply, as text; empty if unknown. Mostly
  /// one special token: generation ends with it, and it is not fed, since
  /// user() begins with it.
  TextView replyStop() const { return texts[chatReplyStop]; }

  /// Whether the text of a conversation begins with the tokenizer's own
  /// beginning token.
  bool hasBegin() const { return header.flags & chatHasBegin; }

  /// One of the texts that stand between the messages, dates not filled in.
  TextView text(ChatText which) const { return texts[which]; }
  ChatSides strips(ChatRole role) const { return header.strips[role]; }
  /// Of the first user message behind chatPlain, chatEmpty or chatSystem.
  ChatSides firstStrips(ChatText opening) const {
    return header.firstStrips[opening];
  }

private:
  bool beginText(const TextView *system, Array<char> &text,
                 Diagnostic &diagnostic) const;
  bool userText(TextView content, ChatSides strips, Array<char> &text,
                Diagnostic &diagnostic) const;
  void between(ChatText which, Array<char> &text) const {
    appendDated(texts[which], text);
  }

  ChatHeader header = {};
  TextView texts[numChatTexts];
  bool isOpen = false;
  ChatText opening = chatPlain;
  bool isFirst = true; ///< no user message yet
};

} // namespace halftone::rt

#endif
