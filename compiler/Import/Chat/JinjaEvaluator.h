//===- JinjaEvaluator.h - a template at work --------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_CHAT_JINJAEVALUATOR_H
#define HALFTONE_COMPILER_IMPORT_CHAT_JINJAEVALUATOR_H

#include "compiler/Import/Chat/JinjaOperations.h"
#include "compiler/Import/Chat/JinjaSyntax.h"

namespace halftone::chat::jinja {

/// Walks the tree of a template, which outlives it.
class Evaluator : public Operations {
public:
  explicit Evaluator(Heap &heap);

  void define(llvm::StringRef name, Value value) { globals.set(name, value); }
  bool render(const Block &block, std::string &out);

private:
  enum class Flow { Next, Break, Continue };

  bool execute(const Block &block, Scope &scope, std::string &out, Flow &flow);
  bool executeOne(const Statement &statement, Scope &scope, std::string &out, Flow &flow);
  bool executeFor(const Statement &statement, Scope &scope, std::string &out);
  /// A body in a text of its own, through the statement's filters.
  bool executeText(const Statement &statement, Scope &scope, Value &result);
  bool assign(const Target &target, const Value &value, Scope &scope);
  Scope *makeScope(Scope &outer);

  bool evaluate(const Expression &expression, Scope &scope, Value &result);
  bool evaluateKind(const Expression &expression, Scope &scope, Value &result);
  bool evaluateItems(const Expression &expression, Scope &scope, Value &result);
  bool evaluateChoice(const Expression &expression, Scope &scope, Value &result);
  bool evaluateCompare(const Expression &expression, Scope &scope, Value &result);
  bool evaluateApplied(const Expression &expression, Scope &scope, Value &result);
  bool evaluateArguments(const Arguments &arguments, Scope &scope, CallArguments &result);

  bool call(const Value &callee, const CallArguments &arguments, Value &result);
  bool callMacro(const CallableObject &macro, const CallArguments &arguments, Value &result);
  bool callGlobal(llvm::StringRef name, const CallArguments &arguments, Value &result);
  bool makeDict(const CallArguments &arguments, DictObject &items);
  bool makeRange(const CallArguments &arguments, Value &result);

  Scope globals;
  unsigned depth = 0; ///< of statements and expressions
  int64_t loopDepth = 0;
};

} // namespace halftone::chat::jinja

#endif
