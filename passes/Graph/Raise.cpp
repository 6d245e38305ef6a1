//===- Raise.cpp - remarks of raising passes --------------------------------===//

#include "passes/Graph/Raise.h"

using namespace mlir;

namespace halftone::graph {

std::string describe(Operation *op) {
  std::string text = op->getName().getStringRef().str() + " at ";
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    return text + name.getName().str();
  if (auto file = op->getLoc()->findInstanceOf<FileLineColLoc>())
    return (text + file.getFilename().getValue() + ":" + Twine(file.getLine()) + ":" +
            Twine(file.getColumn()))
        .str();
  return text + "an unknown location";
}

static remark::RemarkOpts getOptions(Operation *op, StringRef pass, StringRef name) {
  auto function = op->getParentOfType<func::FuncOp>();
  return remark::RemarkOpts::name(name).category(pass).function(function ? function.getName() : StringRef());
}

void remarkPassed(Operation *op, StringRef pass, StringRef raised) {
  remark::passed(op->getLoc(), getOptions(op, pass, raised)) << ("raised to " + raised).str();
}

void remarkMissed(Operation *op, StringRef pass, const Blocker &blocker) {
  remark::missed(op->getLoc(), getOptions(op, pass, op->getName().getStringRef()))
      << "not raised: " + blocker.reason + ", but found " + describe(blocker.op);
}

} // namespace halftone::graph
