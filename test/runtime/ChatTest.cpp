//===- ChatTest.cpp - the text of a conversation --------------------------===//
//
// Forms are written by hand here; those of real templates need the compiler to
// make them: test/e2e/test_chat_templates.py.
//
//===----------------------------------------------------------------------===//

#include "runtime/text/Chat.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

using namespace halftone::rt;

namespace {

struct Form {
  ChatHeader header = {};
  std::string texts[numChatTexts];

  Form() {
    memcpy(header.magic, chatMagic, sizeof(chatMagic));
    header.version = chatVersion;
    texts[chatPlain] = "<s>U:";
    texts[chatEmpty] = "<s>S:;U:";
    texts[chatSystem] = "<s>S:";
    texts[chatSystemUser] = ";U:";
    texts[chatUserReply] = ";A: ";
    texts[chatReplyUser] = "</s>U:";
    texts[chatPrompt] = ";A:";
    texts[chatUserLast] = ";L:";
    texts[chatLastEnd] = "</s>";
    texts[chatReplyStop] = "</s>";
  }

  std::string write() {
    std::string bytes(sizeof(header), '\0');
    for (uint32_t i = 0; i < numChatTexts; ++i) {
      header.texts[i] = {static_cast<uint32_t>(bytes.size()), static_cast<uint32_t>(texts[i].size())};
      bytes += texts[i];
    }
    header.size = static_cast<uint32_t>(bytes.size());
    memcpy(bytes.data(), &header, sizeof(header));
    return bytes;
  }
};

TextView view(const std::string &text) { return {text.data(), text.size()}; }

/// A form at work, which must be fine.
class Talk {
public:
  explicit Talk(Form form) : bytes(form.write()) {
    Diagnostic diagnostic;
    EXPECT_TRUE(chat.open({reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size()}, diagnostic))
        << diagnostic.text();
  }

  /// The text that is added, or what was wrong.
  std::string begin(const char *system = nullptr) {
    std::string content = system ? system : "";
    TextView text = view(content);
    return take([&](Array<char> &result, Diagnostic &diagnostic) {
      return chat.begin(system ? &text : nullptr, result, diagnostic);
    });
  }
  std::string user(const std::string &content) {
    return take([&](Array<char> &result, Diagnostic &diagnostic) {
      return chat.user(view(content), result, diagnostic);
    });
  }
  std::string render(const std::vector<std::pair<ChatRole, std::string>> &conversation) {
    std::vector<ChatMessage> messages;
    for (auto &[role, content] : conversation)
      messages.push_back({role, view(content)});
    return take([&](Array<char> &result, Diagnostic &diagnostic) {
      return chat.render(messages.data(), messages.size(), result, diagnostic);
    });
  }

private:
  template <typename Function>
  std::string take(Function function) {
    Array<char> text;
    Diagnostic diagnostic;
    bool done = function(text, diagnostic);
    EXPECT_EQ(done, !diagnostic.failed());
    return done ? std::string(text.data(), text.size()) : std::string("error: ") + diagnostic.text();
  }

  std::string bytes;
  Chat chat;
};

TEST(Chat, GivesWhatFollowsWhatTheModelHasSeen) {
  Talk talk{Form()};
  EXPECT_EQ(talk.begin(), "<s>U:");
  EXPECT_EQ(talk.user("1"), "1;A:");
  EXPECT_EQ(talk.user("2"), "</s>U:2;A:");
  EXPECT_EQ(talk.user("3"), "</s>U:3;A:");
  // A conversation of its own.
  EXPECT_EQ(talk.begin("x"), "<s>S:x;U:");
  EXPECT_EQ(talk.user("1"), "1;A:");
  EXPECT_EQ(talk.begin(""), "<s>S:;U:");
}

TEST(Chat, RendersConversationsOfThePast) {
  Talk talk{Form()};
  EXPECT_EQ(talk.render({{roleUser, "1"}}), "<s>U:1;A:");
  EXPECT_EQ(talk.render({{roleUser, "1"}, {roleReply, "2"}}), "<s>U:1;L:2</s>");
  EXPECT_EQ(talk.render({{roleSystem, "x"}, {roleUser, "1"}, {roleReply, "2"}, {roleUser, "3"}}),
            "<s>S:x;U:1;A: 2</s>U:3;A:");
  EXPECT_EQ(talk.render({{roleUser, "1"}, {roleReply, "2"}, {roleUser, "3"}, {roleReply, "4"}}),
            "<s>U:1;A: 2</s>U:3;L:4</s>");
}

TEST(Chat, StripsWhereTheTemplateDoes) {
  Form form;
  form.header.firstStrips[chatPlain] = {ChatStrip::Space, ChatStrip::Space};
  form.header.strips[roleUser] = {ChatStrip::Newlines, ChatStrip::Nothing};
  form.header.strips[roleReply] = {ChatStrip::Nothing, ChatStrip::Newlines};
  Talk talk(form);
  talk.begin();
  // U+3000 and U+0085 are white space, U+200B is none.
  EXPECT_EQ(talk.user(" \n\xe3\x80\x80x y\xc2\x85\t"), "x y;A:");
  EXPECT_EQ(talk.user("\n\n \n2\n"), "</s>U: \n2\n;A:");
  talk.begin();
  EXPECT_EQ(talk.user("\xe2\x80\x8bx"), "\xe2\x80\x8bx;A:");
  EXPECT_EQ(talk.render({{roleUser, " 1 "}, {roleReply, "\n2\n"}, {roleUser, "3"}}),
            "<s>U:1;A: \n2</s>U:3;A:");
  EXPECT_EQ(talk.render({{roleSystem, " "}, {roleUser, " 1 "}}), "<s>S: ;U: 1 ;A:");
  // Blank, and broken UTF-8, which the tokenizer refuses.
  talk.begin();
  EXPECT_EQ(talk.user(" \n "), ";A:");
  for (std::string broken : {"\xe3", "\x80\x80\x80", "\xe3\x80", "a\xff", " \xf0\x9f", " \x85", "\n\x80"}) {
    talk.begin();
    EXPECT_NE(talk.user(broken), "");
  }
}

TEST(Chat, RefusesWhatTheTemplateHasNoPlaceFor) {
  Form form;
  form.texts[chatSystemRefusal] = "No system role";
  form.header.flags = chatNoBlankUser | chatNoLastReply;
  Talk talk(form);
  EXPECT_EQ(talk.begin("x"),
            "error: the chat template has no place for a conversation with a system message: No system role");
  EXPECT_EQ(talk.begin(""), "<s>S:;U:");
  EXPECT_EQ(talk.user(" \t\n"), "error: the chat template has no place for a blank user message");
  EXPECT_EQ(talk.user("x"), "x;A:"); // as if nothing had been said
  EXPECT_EQ(talk.user(""), "error: the chat template has no place for a blank user message");
  EXPECT_EQ(talk.user("y"), "</s>U:y;A:");
  EXPECT_EQ(talk.render({{roleUser, "1"}, {roleReply, "2"}}),
            "error: the chat template has no place for a reply at the end of a conversation");
  EXPECT_EQ(talk.render({{roleUser, "1"}, {roleReply, "2"}, {roleUser, "3"}}), "<s>U:1;A: 2</s>U:3;A:");
  EXPECT_EQ(talk.render({}), "error: a conversation has a user message at least");
  EXPECT_EQ(talk.render({{roleReply, "1"}}).substr(0, 44), "error: message 1 of the conversation is not ");
  EXPECT_EQ(talk.render({{roleUser, "1"}, {roleSystem, "2"}, {roleUser, "3"}}).substr(0, 20),
            "error: message 2 of ");
}

TEST(Chat, FillsInTheDate) {
  Form form;
  form.texts[chatPlain] = std::string("a\0%Y\0b\0%%\0\0\0c\0%j", 18);
  time_t now = time(nullptr);
  struct tm local;
  ASSERT_TRUE(localtime_r(&now, &local));
  char year[8], day[8];
  strftime(year, sizeof(year), "%Y", &local);
  strftime(day, sizeof(day), "%j", &local);
  EXPECT_EQ(Talk(form).begin(), std::string("a") + year + "b%c" + day);
}

TEST(Chat, DamagedFormsAreRefused) {
  std::string bytes = Form().write();
  ChatHeader header;
  memcpy(&header, bytes.data(), sizeof(header));
  auto open = [&](const ChatHeader &changed, size_t size) {
    std::string copy = bytes;
    memcpy(copy.data(), &changed, sizeof(changed));
    Chat chat;
    Diagnostic diagnostic;
    bool opened = chat.open({reinterpret_cast<const unsigned char *>(copy.data()), size}, diagnostic);
    EXPECT_EQ(opened, !diagnostic.failed());
    return std::string(diagnostic.text());
  };
  EXPECT_EQ(open(header, bytes.size()), "");
  EXPECT_EQ(open(header, 20), "damaged chat template: 20 bytes");
  EXPECT_EQ(open(header, bytes.size() - 1), "damaged chat template: its header");
  ChatHeader changed = header;
  changed.magic[0] = 'X';
  EXPECT_EQ(open(changed, bytes.size()), "this is no compiled chat template");
  changed = header;
  changed.version = 9;
  EXPECT_EQ(open(changed, bytes.size()),
            "a compiled chat template of version 9; this runtime reads version 1");
  changed = header;
  changed.texts[chatPrompt] = {UINT32_MAX, 2};
  EXPECT_EQ(open(changed, bytes.size()), "damaged chat template: text 6 of 2 bytes at 4294967295");

  Chat chat;
  Diagnostic diagnostic;
  Array<char> text;
  EXPECT_FALSE(chat.user({"x", 1}, text, diagnostic));
  EXPECT_STREQ(diagnostic.text(), "there is no chat template");
}

} // namespace
