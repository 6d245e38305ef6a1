//===- PastDimensions.cpp - how many tokens a decoder has read --------------===//

#include "compiler/Import/ONNX/PastDimensions.h"

#include "llvm/ADT/STLExtras.h"

namespace halftone::onnx {

/// The name of a dimension that is no arithmetic; empty where it has none.
static llvm::StringRef getName(const Dimension &dim) {
  bool isName = !dim.value && dim.parameter.find_first_of(" +-*()") == llvm::StringRef::npos;
  return isName ? dim.parameter : llvm::StringRef();
}

std::optional<PastDimensions> PastDimensions::find(llvm::ArrayRef<const ValueInfo *> inputs) {
  auto findInput = [&](llvm::StringRef name) {
    auto it = llvm::find_if(inputs, [&](const ValueInfo *input) { return input->name == name; });
    return it != inputs.end() && (*it)->isTensor && (*it)->dims.size() == 2 ? *it : nullptr;
  };
  const ValueInfo *ids = findInput("input_ids"), *mask = findInput("attention_mask");
  if (!ids)
    return std::nullopt;
  llvm::StringRef batch = getName(ids->dims[0]);
  PastDimensions found;
  found.tokens = getName(ids->dims[1]);
  if (found.tokens.empty() && !ids->dims[1].value)
    return std::nullopt;
  for (const ValueInfo *input : inputs) {
    if (!input->name.contains_insensitive("past") || !input->isTensor || input->dims.size() != 4)
      continue;
    for (unsigned axis : {2, 1})
      if (llvm::StringRef name = getName(input->dims[axis]);
          !name.empty() && name != batch && name != found.tokens) {
        found.past = name;
        break;
      }
    break;
  }
  if (found.past.empty())
    return std::nullopt;
  llvm::StringRef total = mask ? getName(mask->dims[1]) : llvm::StringRef();
  if (total != batch && total != found.tokens && total != found.past)
    found.total = total;
  return found;
}

Symbols::Symbol *PastDimensions::getSymbol(Symbols &symbols, llvm::StringRef name) {
  if (name.empty())
    return nullptr;
  auto symbol = llvm::dyn_cast<mlir::AffineSymbolExpr>(symbols.get(name));
  return symbol ? &symbols[symbol.getPosition()] : nullptr;
}

void PastDimensions::relate(Symbols &symbols) const {
  if (total.empty() || tokens.empty())
    return;
  if (auto sum = symbols.add(symbols.get(past), symbols.get(tokens)))
    symbols.define(total, *sum);
}

void PastDimensions::bound(Symbols &symbols, std::optional<int64_t> context) const {
  Symbols::Symbol *fresh = getSymbol(symbols, tokens), *earlier = getSymbol(symbols, past);
  if (fresh && context)
    fresh->max = std::min(fresh->max, *context);
  if (!earlier)
    return;
  earlier->min = 0; // before the first tokens
  if (context)
    earlier->max = std::max<int64_t>(*context - (fresh ? fresh->max : 1), 0);
}

} // namespace halftone::onnx
