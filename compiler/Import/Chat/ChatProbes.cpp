//===- ChatProbes.cpp - the form that a template's texts suggest ------------===//

#include "compiler/Import/Chat/ChatProbes.h"

#include "llvm/ADT/STLExtras.h"

namespace halftone::chat {

using jinja::Rendered;
using llvm::createStringError;
using llvm::StringRef;

namespace {

/// How conversations may begin.
using Opening = rt::ChatText;
constexpr Opening Plain = rt::chatPlain, Empty = rt::chatEmpty, System = rt::chatSystem;

class Deriver {
public:
  explicit Deriver(Prober &prober) : prober(prober) {}

  llvm::Expected<ChatForm> derive();

private:
  /// A content that is found again, whatever stands around it.
  static std::string mark(unsigned number) { return "q" + std::to_string(1000 + number) + "zxq"; }
  /// `count` messages behind the opening, user and assistant by turns; the contents
  /// are marks, from 1 on, and that of the system message mark 0.
  static Conversation converse(Opening opening, unsigned count);
  /// The texts before, between and behind the contents; none where these are not
  /// all there once, in order.
  static std::vector<std::string> cut(StringRef text, const Conversation &conversation);

  llvm::Error deriveTurns(Opening opening);
  void deriveLast(Opening opening);
  llvm::Error deriveOpening(Opening opening);
  llvm::Expected<bool> deriveSides(const Conversation &conversation, rt::ChatSides &sides);
  llvm::Error deriveStrips(Opening usual);
  void deriveStop();
  bool isRefused(Opening opening) const { return !form.texts[rt::chatPlainRefusal + opening].empty(); }

  Prober &prober;
  ChatForm form;
};

} // namespace

Conversation Deriver::converse(Opening opening, unsigned count) {
  Conversation conversation;
  if (opening != Plain)
    conversation.push_back({"system", opening == System ? mark(0) : ""});
  for (unsigned i = 0; i < count; ++i)
    conversation.push_back({i % 2 ? "assistant" : "user", mark(i + 1)});
  return conversation;
}

std::vector<std::string> Deriver::cut(StringRef text, const Conversation &conversation) {
  std::vector<std::string> parts;
  for (const jinja::Message &message : conversation) {
    if (message.content.empty())
      continue;
    size_t at = text.find(message.content);
    if (at == StringRef::npos)
      return {};
    parts.push_back(text.take_front(at).str());
    text = text.drop_front(at + message.content.size());
  }
  parts.push_back(text.str());
  for (StringRef part : parts)
    for (const jinja::Message &message : conversation)
      if (!message.content.empty() && part.contains(message.content))
        return {};
  return parts;
}

/// The texts between messages, which must not depend on their place.
llvm::Error Deriver::deriveTurns(Opening opening) {
  Conversation conversation = converse(opening, 5);
  Rendered rendered = prober.render(conversation);
  if (rendered.fails)
    return createStringError("it does not render a conversation of several turns: " + rendered.text);
  std::vector<std::string> parts = cut(rendered.text, conversation);
  if (parts.empty())
    return createStringError("it does not write the messages of a conversation once, one after the other");
  llvm::ArrayRef<std::string> turns = llvm::ArrayRef(parts).drop_front(opening == System ? 2 : 1);
  if (turns[0] != turns[2] || turns[1] != turns[3])
    return createStringError("what it writes between two messages depends on which ones they are: \"" +
                             turns[0] + "\" and \"" + turns[2] + "\", or \"" + turns[1] + "\" and \"" +
                             turns[3] + "\"");
  form.texts[rt::chatUserReply] = turns[0];
  form.texts[rt::chatReplyUser] = turns[1];
  form.texts[rt::chatPrompt] = turns[4];
  return llvm::Error::success();
}

/// What is around a reply that ends the conversation.
void Deriver::deriveLast(Opening opening) {
  Conversation conversation = converse(opening, 4);
  Rendered rendered = prober.render(conversation);
  std::vector<std::string> parts;
  if (!rendered.fails)
    parts = cut(rendered.text, conversation);
  if (parts.empty()) {
    form.flags |= rt::chatNoLastReply;
    return;
  }
  form.texts[rt::chatUserLast] = parts[parts.size() - 2];
  form.texts[rt::chatLastEnd] = parts.back();
}

/// The text before the first user message, or why there is none.
llvm::Error Deriver::deriveOpening(Opening opening) {
  std::string &refusal = form.texts[rt::chatPlainRefusal + opening];
  std::string head, between;
  for (unsigned count : {1u, 3u, 5u}) {
    Conversation conversation = converse(opening, count);
    Rendered rendered = prober.render(conversation);
    if (rendered.isSpent)
      return createStringError(rendered.text);
    if (rendered.fails) {
      refusal = rendered.text;
      return llvm::Error::success();
    }
    std::vector<std::string> parts = cut(rendered.text, conversation);
    if (opening == System && !StringRef(rendered.text).contains(mark(0))) {
      refusal = "the template leaves it out";
      return llvm::Error::success();
    }
    if (parts.empty()) {
      Conversation others(conversation.begin() + (opening == System), conversation.end());
      refusal = opening == System && !cut(rendered.text, others).empty()
                    ? "it does not always stand before the first user message"
                    : "the messages are not written once, one after the other";
      return llvm::Error::success();
    }
    std::string before = opening == System ? parts[1] : "";
    if (count > 1 && (parts[0] != head || before != between)) {
      refusal = "what is before the first user message depends on what follows";
      return llvm::Error::success();
    }
    head = parts[0];
    between = before;
  }
  form.texts[rt::chatPlain + opening] = head;
  form.texts[rt::chatSystemUser] = opening == System ? between : form.texts[rt::chatSystemUser];
  return llvm::Error::success();
}

/// White space around the contents that `isMeant` tells, by message number.
template <typename Meant>
static void pad(Conversation &conversation, Meant isMeant) {
  for (auto [i, message] : llvm::enumerate(conversation))
    if (isMeant(i, message.role))
      message.content = "\n\n \t\n " + message.content + " \n\t \n\n";
}

/// What goes from the ends of contents: the way that renders the conversation, which
/// has white space there, as the template does. False where there is none.
llvm::Expected<bool> Deriver::deriveSides(const Conversation &conversation, rt::ChatSides &sides) {
  Rendered rendered = prober.render(conversation);
  if (rendered.fails)
    return createStringError("it does not render contents with white space around them: " + rendered.text);
  using enum rt::ChatStrip;
  for (rt::ChatStrip begin : {Nothing, Newlines, Space})
    for (rt::ChatStrip end : {Nothing, Newlines, Space}) {
      sides = {begin, end};
      auto text = form.render(conversation);
      if (!text)
        return text.takeError();
      if (*text == rendered.text)
        return true;
    }
  sides = {Nothing, Nothing};
  return false;
}

llvm::Error Deriver::deriveStrips(Opening usual) {
  for (Opening opening : {Plain, Empty, System}) {
    if (isRefused(opening))
      continue;
    Conversation conversation = converse(opening, 5);
    pad(conversation, [&](size_t i, StringRef) { return i == (opening != Plain); });
    auto found = deriveSides(conversation, form.firstStrips[opening]);
    if (!found)
      return found.takeError();
    if (!*found)
      return createStringError("it changes the white space around a user message in a way of its own");
  }
  struct Part {
    rt::ChatRole role;
    StringRef name;
    unsigned count;
    Opening opening;
  };
  for (auto [role, name, count, opening] :
       {Part{rt::roleUser, "user", 5, usual}, Part{rt::roleReply, "assistant", 5, usual},
        Part{rt::roleLastReply, "assistant", 4, usual}, Part{rt::roleSystem, "system", 5, System}}) {
    if (isRefused(opening) || (role == rt::roleLastReply && (form.flags & rt::chatNoLastReply)))
      continue;
    Conversation conversation = converse(opening, count);
    size_t last = conversation.size() - 1, first = opening != Plain;
    pad(conversation, [&, role = role, name = name](size_t i, StringRef of) {
      return of == name && (role != rt::roleUser || i != first) && (role != rt::roleLastReply || i == last);
    });
    auto found = deriveSides(conversation, form.strips[role]);
    if (!found)
      return found.takeError();
    if (*found)
      continue;
    // A reply is kept as the model wrote it, so this has no place in a chat.
    if (name != "assistant")
      return createStringError("it changes the white space around a %s message in a way of its own",
                               name.str().c_str());
    form.texts[rt::chatNotes] += "The template changes the white space around replies in a way of its own.\n";
  }
  return llvm::Error::success();
}

/// What the model is to write behind its reply: the first special token there, by
/// its looks, unless it is known. Behind the last reply, or else the others.
void Deriver::deriveStop() {
  for (rt::ChatText which : {rt::chatLastEnd, rt::chatReplyUser}) {
    StringRef text = StringRef(form.texts[which]).ltrim();
    if (text.empty())
      continue;
    size_t end = text.front() == '<'   ? text.find('>')
                 : text.front() == '[' ? text.find(']')
                                       : StringRef::npos;
    StringRef known = prober.getEnd();
    if (!known.empty() && text.starts_with(known))
      form.texts[rt::chatReplyStop] = known.str();
    else if (end != StringRef::npos)
      form.texts[rt::chatReplyStop] = text.take_front(end + 1).str();
    return;
  }
}

llvm::Expected<ChatForm> Deriver::derive() {
  for (Opening opening : {Plain, Empty, System})
    if (llvm::Error error = deriveOpening(opening))
      return std::move(error);
  Opening opening = !isRefused(Plain) ? Plain : System;
  if (isRefused(opening))
    return createStringError("it renders no conversation, neither without a system message (" +
                             form.texts[rt::chatPlainRefusal] + ") nor with one (" +
                             form.texts[rt::chatSystemRefusal] + ")");
  if (llvm::Error error = deriveTurns(opening))
    return std::move(error);
  deriveLast(opening);
  if (llvm::Error error = deriveStrips(opening))
    return std::move(error);
  deriveStop();
  StringRef head = form.texts[opening == Plain ? rt::chatPlain : rt::chatSystem];
  if (!prober.getBegin().empty() && head.starts_with(prober.getBegin()))
    form.flags |= rt::chatHasBegin;
  if (!StringRef(form.texts[rt::chatUserReply]).starts_with(form.texts[rt::chatPrompt]))
    form.texts[rt::chatNotes] +=
        "The template writes another text before replies of the past than it asks for one with.\n";
  return std::move(form);
}

llvm::Expected<ChatForm> deriveForm(Prober &prober) { return Deriver(prober).derive(); }

} // namespace halftone::chat
