//===- ChatFormat.h - the compiled form of a chat template ----------------===//
//
// Written by compiler/Import/Chat/ChatForm.cpp, read where it lies: in a
// program's payload, or in a file. All numbers are little-endian.
//
// A conversation is its messages' contents with texts between them:
//
//   no system message:   Plain user …
//   an empty one:        Empty user …
//   one with a content:  System content SystemUser user …
//   what goes on:        … user UserReply reply ReplyUser user …
//   where a reply is to be written:   … user Prompt
//   where the last message is a reply:   … user UserLast reply LastEnd
//
// In a text, what stands between two zero bytes is a format for strftime, and
// becomes the local date.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_CHATFORMAT_H
#define HALFTONE_RUNTIME_TEXT_CHATFORMAT_H

#include <cstdint>

namespace halftone::rt {

constexpr char chatMagic[8] = {'H', 'T', 'C', 'H', 'A', 'T', 'F', '\n'};
constexpr uint32_t chatVersion = 1;
constexpr uint32_t numChatOpenings = 3;

/// Bits of `ChatHeader::flags`.
enum ChatFlag : uint32_t {
  /// The rendered text begins with the token that begins texts.
  chatHasBegin = 1u << 0,
  /// Messages of white space alone, or of nothing, are refused.
  chatNoBlankUser = 1u << 1,
  chatNoBlankSystem = 1u << 2,
  /// Conversations that end with a reply are refused.
  chatNoLastReply = 1u << 3,
};

enum ChatText : uint32_t {
  // The openings.
  chatPlain,      ///< before the first user message, without a system message
  chatEmpty,      ///< the same, with a system message that is empty
  chatSystem,     ///< before a system message
  chatSystemUser, ///< between a system and the first user message
  chatUserReply,  ///< between a user message and a reply that is not the last
  chatReplyUser,  ///< between a reply and the next user message
  chatPrompt,     ///< behind the last user message: a reply is to follow
  chatUserLast,   ///< between a user message and the last message, a reply
  chatLastEnd,    ///< behind the last message, a reply
  chatReplyStop,  ///< what a model writes behind its reply, such as
                  ///< "<|im_end|>"; empty where nothing tells
  // Why conversations cannot begin so; empty where they can.
  chatPlainRefusal,
  chatEmptyRefusal,
  chatSystemRefusal,
  chatNotes, ///< lines on where the template itself does otherwise
  numChatTexts
};

/// Whose content it is.
enum ChatRole : uint32_t {
  roleSystem,
  roleUser, ///< but for the first message
  roleReply,
  roleLastReply, ///< where the conversation ends with it
  numChatRoles
};

/// What goes from an end of a content.
enum class ChatStrip : uint8_t { Nothing, Newlines, Space };

struct ChatSides {
  ChatStrip begin, end;
};

struct ChatSpan {
  uint32_t offset, size; ///< from the form's beginning
};

struct ChatHeader {
  char magic[8];
  uint32_t version;
  uint32_t size; ///< of everything
  uint32_t flags;
  ChatSides strips[numChatRoles];
  ChatSides firstStrips[numChatOpenings]; ///< of the first user message
  ChatSpan texts[numChatTexts];
};

} // namespace halftone::rt

#endif
