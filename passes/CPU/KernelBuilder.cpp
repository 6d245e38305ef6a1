//===- KernelBuilder.cpp - what all loop nests are written with -------------===//

#include "passes/CPU/KernelBuilder.h"

using namespace mlir;

namespace halftone::cpu {

KernelBuilder::KernelBuilder(func::FuncOp source, htk::CpuAttr cpu, Tables &tables)
    : CodeBuilder(source, cpu.getVectorBits() / 32, tables), cpu(cpu) {
  SmallVector<Type> types{LLVM::LLVMPointerType::get(source.getContext()), b.getIndexType()};
  for (Type type : source.getArgumentTypes())
    types.push_back(htk::getBufferType(type));
  for (Type type : source.getResultTypes())
    types.push_back(htk::getBufferType(type));
  b.setInsertionPoint(source);
  auto function = func::FuncOp::create(b, loc, source.getSymName(), b.getFunctionType(types, {}));
  function.setPrivate();
  function->setAttr(htk::HTKDialect::kKernelAttr, b.getUnitAttr());
  Block *entry = function.addEntryBlock();
  step = entry->getArgument(0);
  thread = entry->getArgument(1);
  b.setInsertionPointToEnd(entry);
  // Symbols are read once, at the entry, where every loop sees them.
  SmallVector<Value> symbols;
  for (unsigned i = 0, e = ht::getSymbols(source).size(); i < e; ++i)
    symbols.push_back(htk::SymbolOp::create(b, loc, b.getIndexType(), step, i));
  func::ReturnOp::create(b, loc);
  begin(entry, ValueRange(entry->getArguments()).drop_front(2), symbols);
}

std::pair<Value, Value> KernelBuilder::getShare(Value total) {
  Value threads = htk::NumThreadsOp::create(b, loc, b.getIndexType(), step);
  Value begin = div(mul(total, thread), threads);
  Value end = div(mul(total, add(thread, 1)), threads);
  return {begin, end};
}

/// What a fault at `loc` is called.
static std::string getSite(Location loc) {
  std::string name;
  loc->walk([&](Location inner) {
    if (auto named = dyn_cast<NameLoc>(inner)) {
      name = named.getName().str();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return name.empty() ? "index out of range" : "index out of range in node \"" + name + "\"";
}

Value KernelBuilder::checkIndex(Value index, Value bound, Location site) {
  return htk::CheckIndexOp::create(b, site, b.getIndexType(), step, index, bound, getSite(site));
}

} // namespace halftone::cpu
