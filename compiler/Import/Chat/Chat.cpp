//===- Chat.cpp - from a chat template to its compiled form -----------------===//

#include "compiler/Import/Chat/Chat.h"
#include "compiler/Import/Chat/ChatProbes.h"
#include "compiler/Import/Chat/JinjaLexer.h"
#include "compiler/Import/Chat/JinjaText.h"

#include "llvm/ADT/STLExtras.h"

namespace halftone::chat {

using llvm::StringRef;

/// The template's own strings, without white space around them.
static std::vector<std::string> findWords(StringRef text) {
  constexpr size_t kMost = 60;
  std::vector<std::string> words;
  auto tokens = jinja::tokenize(text);
  for (const jinja::Token &token : llvm::cantFail(std::move(tokens))) {
    StringRef word = jinja::strip(token.text);
    if (token.kind == jinja::Token::String && word.size() > 1 && word.size() < 100 &&
        !llvm::is_contained(words, word) && words.size() < kMost)
      words.push_back(word.str());
  }
  return words;
}

llvm::Expected<std::string> compileChatForm(StringRef text, StringRef begin, StringRef end) {
  auto parsed = jinja::Template::parse(text);
  if (!parsed)
    return parsed.takeError();
  for (StringRef token : {begin, end})
    if (jinja::firstBrokenByte(token) != token.size() || token.contains('\0'))
      return llvm::createStringError(
          "the token that begins or ends texts is not UTF-8, or holds a zero byte");
  Prober prober(*parsed, begin, end);
  auto form = deriveForm(prober);
  if (!form)
    return form.takeError();
  if (llvm::Error error = checkForm(prober, findWords(text), *form))
    return std::move(error);
  return form->write();
}

} // namespace halftone::chat
