//===- Jinja.cpp - rendering templates while compiling ----------------------===//

#include "compiler/Import/Chat/Jinja.h"
#include "compiler/Import/Chat/JinjaEvaluator.h"
#include "compiler/Import/Chat/JinjaParser.h"

namespace halftone::chat::jinja {

using llvm::StringRef;

llvm::Expected<Template> Template::parse(StringRef source) {
  auto block = jinja::parse(source);
  if (!block)
    return block.takeError();
  Template result;
  result.block = std::move(*block);
  return result;
}

Rendered Template::render(const Inputs &inputs, Budget &budget) const {
  Heap heap(budget);
  Evaluator evaluator(heap);
  ListObject &messages = heap.makeList();
  for (const Message &message : inputs.messages) {
    DictObject &dict = heap.makeDict();
    dict.emplace_back(Value::string("role"), Value::string(message.role));
    dict.emplace_back(Value::string("content"), Value::string(message.content));
    messages.push_back(Value::dict(dict));
  }
  evaluator.define("messages", Value::list(messages));
  evaluator.define("add_generation_prompt", Value::boolean(inputs.asksForReply));
  for (StringRef name : {"tools", "documents"})
    evaluator.define(name, Value::none());
  for (auto [name, token] : {std::pair("bos_token", inputs.begin), std::pair("eos_token", inputs.end)})
    if (!token.empty())
      evaluator.define(name, Value::string(token));
  Rendered rendered;
  if (evaluator.render(block, rendered.text))
    return rendered;
  rendered.fails = true;
  rendered.isRaised = evaluator.wasRaised();
  rendered.isSpent = evaluator.isSpent();
  rendered.text = rendered.isRaised ? evaluator.getMessage()
                                    : "line " + std::to_string(evaluator.getErrorLine()) +
                                          " of the template: " + evaluator.getMessage();
  return rendered;
}

} // namespace halftone::chat::jinja
