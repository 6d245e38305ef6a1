//===- ChatCheck.cpp - whether a form renders as its template does ----------===//

#include "compiler/Import/Chat/ChatProbes.h"
#include "compiler/Import/Chat/JinjaText.h"

#include "llvm/ADT/STLExtras.h"

namespace halftone::chat {

using jinja::Rendered;
using llvm::createStringError;
using llvm::StringRef;

namespace {

class Checker {
public:
  Checker(Prober &prober, ChatForm &form) : prober(prober), form(form) {}

  llvm::Error check(llvm::ArrayRef<std::string> words);

private:
  struct Difference {
    bool differs = false;
    std::string where; ///< and how
  };

  /// `opening`: 0 for no system message, 1 for an empty one, 2 for one with content.
  Conversation converse(unsigned opening, unsigned count, unsigned firstContent) const;
  Difference compare(const Conversation &conversation);
  bool isRefused(unsigned opening) const { return !form.texts[rt::chatPlainRefusal + opening].empty(); }
  /// Whether messages of `role` with this content are rendered alike.
  bool isAlike(StringRef role, StringRef content);
  void noteWords(StringRef role, llvm::ArrayRef<std::string> words);
  void note(const llvm::Twine &text) { form.texts[rt::chatNotes] += (text + "\n").str(); }

  Prober &prober;
  ChatForm &form;
};

} // namespace

/// Contents of all sorts, but not blank.
static constexpr StringRef kContents[] = {
    "Hello",
    "What is 2 + 2?",
    "  spaces around  ",
    "\n\nlines\n\naround\n",
    "\"double\" and 'single' quotes, back\\slash, \\n",
    "{{ messages }} {% if true %} {# no comment #}",
    "a\tb\r\nc\x01",
    "0",
    "none",
    "user",
    "assistant\n\nsystem",
    "<b>&amp;</b> <|x|> [X] <<X>> </x>",
    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \xe4\xbd\xa0\xe5\xa5\xbd",
    "\xc2\xa0no-break\xe3\x80\x80",
    "- list\n- of\n- items\n\n```python\nprint(1)\n```",
    "Ends with a colon:",
    "[]",
    "{\"name\": \"x\", \"arguments\": {}}",
    "a long text, again and again, a long text, again and again, a long text, again and again, a long text",
};

Conversation Checker::converse(unsigned opening, unsigned count, unsigned firstContent) const {
  Conversation conversation;
  auto content = [&, next = firstContent]() mutable {
    return kContents[next++ % std::size(kContents)].str();
  };
  if (opening)
    conversation.push_back({"system", opening == 2 ? content() : ""});
  for (unsigned i = 0; i < count; ++i)
    conversation.push_back({i % 2 ? "assistant" : "user", content()});
  return conversation;
}

Checker::Difference Checker::compare(const Conversation &conversation) {
  Rendered wanted = prober.render(conversation);
  auto got = form.render(conversation);
  if (wanted.fails || !got) {
    std::string reason = got ? "" : llvm::toString(got.takeError());
    return {true, wanted.fails ? "the template fails: " + wanted.text : reason};
  }
  if (wanted.text == *got)
    return {};
  size_t common = 0;
  while (common < std::min(got->size(), wanted.text.size()) && (*got)[common] == wanted.text[common])
    ++common;
  size_t from = common < 30 ? 0 : common - 30;
  return {true,
          "at \"…" + wanted.text.substr(from, 60) + "…\" it would write \"…" + got->substr(from, 60) + "…\""};
}

bool Checker::isAlike(StringRef role, StringRef content) {
  for (unsigned count : {1u, 5u}) {
    Conversation conversation =
        converse(isRefused(0) || (role == "system") ? 2 : 0, role == "assistant" ? 5 : count, 0);
    for (jinja::Message &message : conversation)
      if (message.role == role)
        message.content = content;
    if (compare(conversation).differs)
      return false;
  }
  return true;
}

/// What a template looks for in contents, it has as a string.
void Checker::noteWords(StringRef role, llvm::ArrayRef<std::string> words) {
  std::string found;
  unsigned count = 0;
  for (const std::string &word : words) {
    if (prober.isSpent() || count == 3)
      break;
    if (isAlike(role, word) && isAlike(role, "a" + word + "b" + word + "c"))
      continue;
    found += (count++ ? ", " : "") + jinja::jsonQuote(word, /*asciiOnly=*/false);
  }
  if (count)
    note("The template treats " +
         (role == "assistant" ? llvm::Twine("replies of the past") : role + " messages") +
         " with certain contents in a way of its own (" + found + "); here they stay what they are.");
}

llvm::Error Checker::check(llvm::ArrayRef<std::string> words) {
  // Every opening with each of the contents in each place of some conversation.
  for (unsigned opening : {0u, 1u, 2u})
    for (unsigned first = 0; first < std::size(kContents) && !isRefused(opening); ++first) {
      unsigned count = 1 + first % 8;
      count += count % 2 == 0 && (form.flags & rt::chatNoLastReply);
      Difference difference = compare(converse(opening, count, first));
      if (!difference.differs)
        continue;
      if (prober.isSpent())
        break;
      if (opening == 0 || isRefused(0))
        return createStringError("it cannot be compiled to plain texts: for some contents or lengths of a "
                                 "conversation, " +
                                 difference.where);
      form.texts[rt::chatPlainRefusal + opening] = "it is not treated as a plain text: " + difference.where;
    }
  if (isRefused(0) && isRefused(2))
    return createStringError("it renders no conversation");
  bool hasSystem = !isRefused(2);
  for (StringRef blank : {" ", "\n \t", "\xe3\x80\x80"}) {
    if (!isAlike("user", blank))
      form.flags |= rt::chatNoBlankUser;
    if (hasSystem && !isAlike("system", blank))
      form.flags |= rt::chatNoBlankSystem;
  }
  if (!isAlike("user", ""))
    form.flags |= rt::chatNoBlankUser;
  if (!isAlike("assistant", "") || !isAlike("assistant", " \n"))
    note("The template treats blank replies in a way of its own.");
  noteWords("user", words);
  noteWords("assistant", words);
  if (hasSystem)
    noteWords("system", words);
  if (prober.isSpent())
    return createStringError("it takes too many steps or too much memory to render");
  return llvm::Error::success();
}

llvm::Error checkForm(Prober &prober, llvm::ArrayRef<std::string> words, ChatForm &form) {
  return Checker(prober, form).check(words);
}

} // namespace halftone::chat
