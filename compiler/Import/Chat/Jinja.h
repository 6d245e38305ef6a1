//===- Jinja.h - rendering templates while compiling ------------------------===//
//
// The part of Jinja2 that chat templates use, as they are rendered elsewhere: with
// trim_blocks and lstrip_blocks, loop controls, raise_exception, strftime_now, a
// tojson that escapes nothing, in a sandbox where nothing but a namespace changes.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_CHAT_JINJA_H
#define HALFTONE_COMPILER_IMPORT_CHAT_JINJA_H

#include "compiler/Import/Chat/JinjaSyntax.h"
#include "compiler/Import/Chat/JinjaValue.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

namespace halftone::chat::jinja {

struct Message {
  std::string role, content;
};

/// What a template is rendered with.
struct Inputs {
  llvm::ArrayRef<Message> messages;
  bool asksForReply = false;  ///< add_generation_prompt
  llvm::StringRef begin, end; ///< bos_token and eos_token; undefined if empty
};

struct Rendered {
  std::string text; ///< or why there is none
  bool fails = false;
  bool isRaised = false; ///< by the template's raise_exception()
  bool isSpent = false;  ///< there was no budget left
};

class Template {
public:
  static llvm::Expected<Template> parse(llvm::StringRef source);

  /// What the template writes. A date has its format, between two kDateMark.
  Rendered render(const Inputs &inputs, Budget &budget) const;

private:
  Block block;
};

} // namespace halftone::chat::jinja

#endif
