//===- Chat.cpp - the text of a conversation ------------------------------===//

#include "runtime/text/Chat.h"
#include "runtime/text/WhiteSpace.h"

#include <ctime>

namespace halftone::rt {

bool Chat::open(Bytes bytes, Diagnostic &diagnostic) {
  if (bytes.size < sizeof(ChatHeader))
    return diagnostic.fail("damaged chat template: %zu bytes", bytes.size);
  memcpy(&header, bytes.data, sizeof(header));
  if (memcmp(header.magic, chatMagic, sizeof(chatMagic)) != 0)
    return diagnostic.fail("this is no compiled chat template");
  if (header.version != chatVersion)
    return diagnostic.fail("a compiled chat template of version %u; this "
                           "runtime reads version %u",
                           header.version, chatVersion);
  if (header.size != bytes.size)
    return diagnostic.fail("damaged chat template: its header");
  for (uint32_t i = 0; i < numChatTexts; ++i) {
    Bytes part;
    ChatSpan span = header.texts[i];
    if (!bytes.slice(span.offset, span.size, part))
      return diagnostic.fail("damaged chat template: text %u of %u bytes at %u",
                             i, span.size, span.offset);
    texts[i] = {reinterpret_cast<const char *>(part.data), part.size};
  }
  isOpen = true;
  return true;
}

/// Appends the date now in a format of strftime.
static void appendDate(TextView format, Array<char> &text) {
  Text pattern;
  pattern.append(format.data, format.size);
  time_t now = time(nullptr);
  struct tm local;
  char date[256];
  if (localtime_r(&now, &local))
    text.append(date, strftime(date, sizeof(date), pattern.c_str(), &local));
}

void appendDated(TextView text, Array<char> &result) {
  for (bool isDate = false;; isDate = !isDate) {
    size_t end = 0;
    while (end < text.size && text.data[end])
      ++end;
    if (isDate)
      appendDate(text.slice(0, end), result);
    else
      result.append(text.data, end);
    if (end == text.size)
      break;
    text = text.slice(end + 1, text.size);
  }
}

static bool isStripped(uint32_t point, ChatStrip strip) {
  return strip == ChatStrip::Space      ? isSpace(point)
         : strip == ChatStrip::Newlines ? point == '\n'
                                        : false;
}

static TextView stripped(TextView content, ChatSides sides) {
  size_t begin = 0, end = content.size;
  for (size_t at = 0; begin < end; begin = at)
    if (!isStripped(nextCodePoint(content, at), sides.begin))
      break;
  for (size_t at; begin < end; end = at) {
    size_t next = at = previousCodePoint(content, end);
    if (at < begin) // not UTF-8
      break;
    if (!isStripped(nextCodePoint(content, next), sides.end))
      break;
  }
  return content.slice(begin, end);
}

static void appendContent(TextView content, ChatSides strips,
                          Array<char> &text) {
  TextView kept = stripped(content, strips);
  text.append(kept.data, kept.size);
}

static ChatText openingOf(const TextView *system) {
  return !system ? chatPlain : system->size ? chatSystem : chatEmpty;
}

bool Chat::beginText(const TextView *system, Array<char> &text,
                     Diagnostic &diagnostic) const {
  if (!isOpen)
    return diagnostic.fail("there is no chat template");
  static constexpr const char *names[numChatOpenings] = {
      "without a system message", "with an empty system message",
      "with a system message"};
  ChatText which = openingOf(system);
  TextView refusal = texts[chatPlainRefusal + which];
  if (refusal.size)
    return diagnostic.fail(
        "the chat template has no place for a conversation %s: %.*s",
        names[which], static_cast<int>(refusal.size < 500 ? refusal.size : 500),
        refusal.data);
  if (which != chatSystem) {
    between(which, text);
    return true;
  }
  constexpr ChatSides all = {ChatStrip::Space, ChatStrip::Space};
  if ((header.flags & chatNoBlankSystem) && !stripped(*system, all).size)
    return diagnostic.fail(
        "the chat template has no place for a blank system message");
  between(chatSystem, text);
  appendContent(*system, header.strips[roleSystem], text);
  between(chatSystemUser, text);
  return true;
}

bool Chat::userText(TextView content, ChatSides strips, Array<char> &text,
                    Diagnostic &diagnostic) const {
  constexpr ChatSides all = {ChatStrip::Space, ChatStrip::Space};
  if ((header.flags & chatNoBlankUser) && !stripped(content, all).size)
    return diagnostic.fail(
        "the chat template has no place for a blank user message");
  appendContent(content, strips, text);
  return true;
}

bool Chat::begin(const TextView *system, Array<char> &text,
                 Diagnostic &diagnostic) {
  isFirst = true;
  opening = openingOf(system);
  return beginText(system, text, diagnostic);
}

bool Chat::user(TextView content, Array<char> &text, Diagnostic &diagnostic) {
  if (!isOpen)
    return diagnostic.fail("there is no chat template");
  size_t before = text.size();
  if (!isFirst)
    between(chatReplyUser, text);
  ChatSides strips =
      isFirst ? header.firstStrips[opening] : header.strips[roleUser];
  if (!userText(content, strips, text, diagnostic)) {
    text.truncate(before);
    return false;
  }
  isFirst = false;
  between(chatPrompt, text);
  return true;
}

bool Chat::render(const ChatMessage *messages, size_t count, Array<char> &text,
                  Diagnostic &diagnostic) const {
  size_t first = count && messages[0].role == roleSystem;
  if (first == count)
    return diagnostic.fail("a conversation has a user message at least");
  if ((header.flags & chatNoLastReply) && (count - first) % 2 == 0)
    return diagnostic.fail("the chat template has no place for a reply at the "
                           "end of a conversation");
  const TextView *system = first ? &messages[0].content : nullptr;
  if (!beginText(system, text, diagnostic))
    return false;
  for (size_t i = first; i < count; ++i) {
    bool isUser = (i - first) % 2 == 0, isLast = i + 1 == count;
    if (messages[i].role != (isUser ? roleUser : roleReply))
      return diagnostic.fail(
          "message %zu of the conversation is not the %s: behind a system "
          "message or none, user and assistant take turns",
          i + 1, isUser ? "user's" : "assistant's");
    ChatSides strips = i == first ? header.firstStrips[openingOf(system)]
                                  : header.strips[isUser   ? roleUser
                                                  : isLast ? roleLastReply
                                                           : roleReply];
    if (!isUser)
      appendContent(messages[i].content, strips, text);
    else if (!userText(messages[i].content, strips, text, diagnostic))
      return false;
    // A reply that is the last one may have another text before it.
    bool lastFollows = i + 2 == count;
    between(isUser ? (isLast        ? chatPrompt
                      : lastFollows ? chatUserLast
                                    : chatUserReply)
                   : (isLast ? chatLastEnd : chatReplyUser),
            text);
  }
  return true;
}

} // namespace halftone::rt
