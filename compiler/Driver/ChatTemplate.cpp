//===- ChatTemplate.cpp - halftone chat-template ----------------------------===//

#include "compiler/Driver/Arguments.h"
#include "compiler/Driver/Verbs.h"
#include "compiler/Import/Chat/Chat.h"
#include "compiler/Import/Chat/Jinja.h"
#include "compiler/Import/Tokenizer/Tokenizer.h"
#include "runtime/text/Chat.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Locale.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

namespace halftone::driver {

namespace {

using llvm::StringRef;
using Conversation = std::vector<chat::jinja::Message>;

/// Renders conversations, by the compiled form or by the template itself.
class Renderer {
public:
  virtual ~Renderer() = default;
  virtual llvm::Expected<std::string> render(const Conversation &conversation) = 0;
};

class FormRenderer : public Renderer {
public:
  explicit FormRenderer(std::string form) : form(std::move(form)) {}

  llvm::Error open() {
    rt::Diagnostic diagnostic;
    if (!chat.open({reinterpret_cast<const unsigned char *>(form.data()), form.size()}, diagnostic))
      return llvm::createStringError(diagnostic.text());
    return llvm::Error::success();
  }

  llvm::Expected<std::string> render(const Conversation &conversation) override {
    std::vector<rt::ChatMessage> messages;
    for (auto &[role, content] : conversation) {
      auto known = llvm::StringSwitch<std::optional<rt::ChatRole>>(role)
                       .Case("system", rt::roleSystem)
                       .Case("user", rt::roleUser)
                       .Case("assistant", rt::roleReply)
                       .Default(std::nullopt);
      if (!known)
        return llvm::createStringError("the role \"" + role + "\" is none of system, user and assistant");
      messages.push_back({*known, {content.data(), content.size()}});
    }
    rt::Array<char> text;
    rt::Diagnostic diagnostic;
    if (!chat.render(messages.data(), messages.size(), text, diagnostic))
      return llvm::createStringError(diagnostic.text());
    return std::string(text.data(), text.size());
  }

  const rt::Chat &getChat() const { return chat; }

private:
  std::string form;
  rt::Chat chat;
};

class TemplateRenderer : public Renderer {
public:
  TemplateRenderer(chat::jinja::Template parsed, const chat::ChatTemplate &source)
      : parsed(std::move(parsed)), source(source) {}

  llvm::Expected<std::string> render(const Conversation &conversation) override {
    chat::jinja::Budget budget;
    bool asks = !conversation.empty() && conversation.back().role == "user";
    auto rendered = parsed.render({conversation, asks, source.begin, source.end}, budget);
    if (rendered.fails)
      return llvm::createStringError(rendered.text);
    std::string text;
    bool isDate = false;
    for (StringRef rest = rendered.text;; isDate = !isDate) {
      StringRef part = rest.take_until([](char c) { return c == chat::jinja::kDateMark; });
      text += isDate ? makeDate(part) : part.str();
      if (part.size() == rest.size())
        return text;
      rest = rest.drop_front(part.size() + 1);
    }
  }

private:
  static std::string makeDate(StringRef format) {
    std::string marked = '\0' + format.str() + '\0';
    rt::Array<char> date;
    rt::appendDated({marked.data(), marked.size()}, date);
    return std::string(date.data(), date.size());
  }

  chat::jinja::Template parsed;
  const chat::ChatTemplate &source;
};

} // namespace

static llvm::Expected<Conversation> readMessages(StringRef json) {
  auto value = tokenizer::parseJson(json);
  if (!value)
    return value.takeError();
  const llvm::json::Array *list = value->getAsArray();
  Conversation conversation;
  for (const llvm::json::Value &item : list ? *list : llvm::json::Array()) {
    const llvm::json::Object *object = item.getAsObject();
    auto role = object ? object->getString("role") : std::nullopt;
    auto content = object ? object->getString("content") : std::nullopt;
    if (!role || !content)
      return llvm::createStringError(
          "a message is an object with a \"role\" and a \"content\", both strings");
    conversation.push_back({role->str(), content->str()});
  }
  if (conversation.empty())
    return llvm::createStringError("a conversation is a list of messages");
  return conversation;
}

/// A list of messages becomes a string, what cannot be rendered {"error": …}.
static int answerLines(Renderer &renderer) {
  auto input = llvm::MemoryBuffer::getSTDIN();
  if (!input) {
    printError("cannot read the standard input: " + input.getError().message());
    return ExitUsage;
  }
  for (StringRef rest = (*input)->getBuffer(); !rest.empty();) {
    auto [line, next] = rest.split('\n');
    rest = next;
    auto conversation = readMessages(line);
    auto text = conversation ? renderer.render(*conversation) : conversation.takeError();
    if (text)
      llvm::outs() << llvm::json::Value(llvm::json::fixUTF8(*text)) << "\n";
    else
      llvm::outs() << llvm::json::Value(llvm::json::Object{
                          {"error", llvm::json::fixUTF8(llvm::toString(text.takeError()))}})
                   << "\n";
  }
  return ExitOk;
}

static int renderFile(Renderer &renderer, StringRef path) {
  auto file = llvm::MemoryBuffer::getFileOrSTDIN(path);
  if (!file) {
    printError(path.str() + ": cannot be read: " + file.getError().message());
    return ExitUsage;
  }
  auto conversation = readMessages((*file)->getBuffer());
  if (!conversation)
    return fail(llvm::createStringError(path + ": " + llvm::toString(conversation.takeError())), ExitUsage);
  auto text = renderer.render(*conversation);
  if (!text)
    return fail(text.takeError(), ExitFailed);
  llvm::outs() << *text;
  return ExitOk;
}

/// The table, a line for each text.
static void describe(const rt::Chat &chat, const chat::ChatTemplate &source) {
  auto text = [&](rt::ChatText which) {
    rt::TextView view = chat.text(which);
    std::string bytes(view.data, view.size);
    std::replace(bytes.begin(), bytes.end(), '\0', '|'); // around the format of a date
    return bytes;
  };
  auto line = [&](StringRef name, const std::string &value) {
    llvm::outs() << name << std::string(24 - llvm::sys::locale::columnWidth(name), ' ')
                 << llvm::json::Value(llvm::json::fixUTF8(value)) << "\n";
  };
  auto opening = [&](StringRef name, rt::ChatText head, rt::ChatText refusal) {
    if (std::string reason = text(refusal); reason.empty())
      line(name, text(head));
    else
      llvm::outs() << name << std::string(24 - llvm::sys::locale::columnWidth(name), ' ')
                   << "refused: " << escapeControls(reason) << "\n";
  };
  llvm::outs() << escapeControls(source.file) << "\n";
  opening("no system message", rt::chatPlain, rt::chatPlainRefusal);
  opening("empty system message", rt::chatEmpty, rt::chatEmptyRefusal);
  opening("system message", rt::chatSystem, rt::chatSystemRefusal);
  if (chat.text(rt::chatSystemRefusal).size == 0)
    line("  … user message", text(rt::chatSystemUser));
  line("user … reply", text(rt::chatUserReply));
  line("reply … user", text(rt::chatReplyUser));
  line("user … generation", text(rt::chatPrompt));
  line("user … last reply", text(rt::chatUserLast));
  line("last reply … end", text(rt::chatLastEnd));
  line("a reply ends with", text(rt::chatReplyStop));
  auto strips = [&](StringRef name, rt::ChatSides sides) {
    static constexpr const char *kStrips[] = {"kept", "stripped of new lines", "stripped"};
    llvm::outs() << name << std::string(24 - llvm::sys::locale::columnWidth(name), ' ') << "white space is "
                 << kStrips[static_cast<unsigned>(sides.begin) % 3] << " in front, "
                 << kStrips[static_cast<unsigned>(sides.end) % 3] << " behind\n";
  };
  bool hasSystem = chat.text(rt::chatSystemRefusal).size == 0;
  if (hasSystem)
    strips("system", chat.strips(rt::roleSystem));
  strips("first user", chat.firstStrips(rt::chatPlain));
  if (hasSystem)
    strips("  … behind a system", chat.firstStrips(rt::chatSystem));
  strips("user", chat.strips(rt::roleUser));
  strips("reply", chat.strips(rt::roleReply));
  strips("last reply", chat.strips(rt::roleLastReply));
  llvm::outs() << "begins with bos_token   " << (chat.hasBegin() ? "yes" : "no") << "\n";
  if (std::string notes = text(rt::chatNotes); !notes.empty())
    llvm::outs() << "\n" << escapeControls(notes);
}

int runChatTemplate(llvm::ArrayRef<StringRef> arguments) {
  std::string messages, output;
  bool help = false, lines = false, interpret = false;
  const OptionSpec specs[] = {
      {"--messages", "FILE.json", "render a list of {\"role\": …, \"content\": …}; - is the standard input",
       &messages},
      {"--json-lines", "", "each line of the standard input is such a list; each is answered by a line",
       nullptr, &lines},
      {"--by-template", "",
       "render by the template itself, which programs do not carry: to compare,\n"
       "or to see why it is refused",
       nullptr, &interpret},
      {"-o", "FILE", "write the compiled form that programs carry", &output},
      {"--help", "", "this text", nullptr, &help},
  };
  std::vector<std::string> positional;
  if (llvm::Error error = parseArguments(arguments, specs, positional))
    return fail(std::move(error), ExitUsage);
  if (help) {
    llvm::outs()
        << "halftone chat-template PATH [options]\n\nPrints the texts between the messages of a conversation "
           "that a chat template was\ncompiled to, or renders a conversation with them. PATH is "
        << chat::kChatFiles << ".\n\n"
        << describeOptions(specs)
        << "\nExamples:\n"
           "  halftone chat-template Qwen2.5-0.5B-Instruct\n"
           "  echo '[{\"role\": \"user\", \"content\": \"Hi\"}]' | halftone chat-template model.gguf "
           "--messages -\n";
    return ExitOk;
  }
  if (positional.size() != 1) {
    printError("no chat template given: halftone chat-template PATH");
    return ExitUsage;
  }
  auto source = chat::findChatTemplate(positional.front());
  if (!source)
    return fail(source.takeError(), ExitUsage);
  if (!*source) {
    printError(positional.front() + ": there is no chat template in it");
    return ExitFailed;
  }
  auto failInFile = [&](llvm::Error error) {
    return fail(llvm::createStringError((*source)->file + ": " + llvm::toString(std::move(error))),
                ExitFailed);
  };
  auto use = [&](Renderer &renderer) {
    return lines ? answerLines(renderer) : renderFile(renderer, messages);
  };
  if (interpret) {
    if (!lines && messages.empty()) {
      printError("--by-template renders messages: give --messages or --json-lines");
      return ExitUsage;
    }
    auto parsed = chat::jinja::Template::parse((*source)->text);
    if (!parsed)
      return failInFile(parsed.takeError());
    TemplateRenderer renderer(std::move(*parsed), **source);
    return use(renderer);
  }
  auto form = chat::compileChatForm((*source)->text, (*source)->begin, (*source)->end);
  if (!form)
    return failInFile(form.takeError());
  if (!output.empty())
    return writeBytes(output, *form);
  FormRenderer renderer(std::move(*form));
  if (llvm::Error error = renderer.open())
    return fail(std::move(error), ExitInternal);
  if (lines || !messages.empty())
    return use(renderer);
  describe(renderer.getChat(), **source);
  return ExitOk;
}

} // namespace halftone::driver
