//===- LinearParts.cpp - the results of a kernel of linears -----------------===//

#include "passes/CPU/LinearParts.h"

#include "dialects/HTK/Roots.h"
#include "dialects/HTQ/HTQOps.h"

using namespace mlir;

namespace halftone::cpu {

namespace {

/// Adds the linears that `value` is computed from.
void findRoots(Value value, llvm::SetVector<Operation *> &roots,
               llvm::SmallPtrSetImpl<Operation *> &visited) {
  Operation *op = value.getDefiningOp();
  if (!op || !visited.insert(op).second)
    return;
  if (isa<htk::LinearOp>(op))
    roots.insert(op);
  else
    for (Value operand : op->getOperands())
      findRoots(operand, roots, visited);
}

/// Matches what two results are computed from.
class Comparison {
public:
  /// Whether `value` and `other` are the same computation, on other arguments.
  bool match(Value value, Value other) {
    auto [known, isNew] = matched.try_emplace(value, other);
    if (!isNew)
      return known->second == other;
    if (value.getType() != other.getType())
      return false;
    if (isa<BlockArgument>(value) && isa<BlockArgument>(other))
      return true;
    Operation *op = value.getDefiningOp(), *otherOp = other.getDefiningOp();
    // A lookup that faults names its own node.
    if (!op || !otherOp || isa<ht::GatherOp, ht::GatherNDOp, ht::EmbeddingOp, htq::DequantizeOp>(op))
      return false;
    if (op == otherOp)
      return htk::isPrologue(op) || llvm::all_of(op->getOperands(), [&](Value x) { return match(x, x); });
    return cast<OpResult>(value).getResultNumber() == cast<OpResult>(other).getResultNumber() &&
           op->getName() == otherOp->getName() && op->getAttrDictionary() == otherOp->getAttrDictionary() &&
           op->getNumOperands() == otherOp->getNumOperands() &&
           llvm::all_of(llvm::zip(op->getOperands(), otherOp->getOperands()),
                        [&](auto pair) { return match(std::get<0>(pair), std::get<1>(pair)); });
  }

  const llvm::MapVector<Value, Value> &getMatched() const { return matched; }

private:
  llvm::MapVector<Value, Value> matched;
};

/// Whether `output` is computed as `part` is, which then has it too.
bool join(LinearPart &part, Value output, unsigned result) {
  Comparison comparison;
  if (!comparison.match(part.output, output))
    return false;
  for (auto [value, other] : comparison.getMatched())
    if (isa<BlockArgument>(value))
      part.arguments[value].push_back(other);
  part.results.push_back(result);
  return true;
}

} // namespace

FailureOr<SmallVector<LinearPart>> getLinearParts(Operation *yield) {
  SmallVector<LinearPart> parts;
  for (auto [i, output] : llvm::enumerate(yield->getOperands())) {
    llvm::SetVector<Operation *> roots;
    llvm::SmallPtrSet<Operation *, 8> visited;
    findRoots(output, roots, visited);
    if (roots.empty())
      return yield->emitOpError() << "has a result that no linear of the kernel makes";
    LinearPart part{output, {}, {static_cast<unsigned>(i)}, {}};
    for (Operation *root : roots) {
      auto linear = cast<htk::LinearOp>(root);
      if (ht::getDims(linear.getResult()) != ht::getDims(output) || !htk::haveSameInput(root, roots.front()))
        return root->emitOpError() << "has another shape or input than the kernel's result";
      part.roots.push_back(linear);
    }
    bool isKnown = llvm::any_of(
        parts, [&, output = output, i = i](LinearPart &other) { return join(other, output, i); });
    if (!isKnown)
      parts.push_back(std::move(part));
  }
  return parts;
}

} // namespace halftone::cpu
