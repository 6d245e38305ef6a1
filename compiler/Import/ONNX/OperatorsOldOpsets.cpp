//===- OperatorsOldOpsets.cpp - definitions that opset 13 no longer has -----===//
//
// Files older than opset 13 are accepted where every operator in them is in the
// table. These are the definitions that differ from today's: broadcasting as an
// attribute, and bounds that were attributes before they became inputs.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Operators.h"

using namespace mlir;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// Input 1 with axes of size 1 appended, so that its axes are those from `axis` on.
Value alignAt(NodeImporter &node, int64_t axis) {
  Value y = node.input(1);
  Dims dims = node.dimsOf(y);
  int64_t missing = node.rank(0) - axis - static_cast<int64_t>(dims.size());
  if (node.failed())
    return {};
  if (missing < 0)
    return node.error("its second operand has more axes than there are from axis " + Twine(axis) + " on"), Value();
  dims.append(missing, node.symbols().constant(1));
  return node.reshape(y, dims);
}

/// The operands of a binary operator before opset 7: with `broadcast` the second
/// one's axes are those of the first from `axis` on, by default the last ones.
std::pair<Value, Value> getAligned(NodeImporter &node) {
  Value x = node.input(0);
  if (!node.integer("broadcast", 0) || node.failed())
    return {x, node.input(1)};
  int64_t suffix = node.rank(0) - node.rank(1);
  int64_t axis = node.hasAttribute("axis") ? node.axis(node.integer("axis", 0), node.rank(0)) : suffix;
  return {x, alignAt(node, std::max<int64_t>(axis, 0))};
}

template <typename OpTy>
void emitAligned(NodeImporter &node) {
  auto [x, y] = getAligned(node);
  node.setResult(0, node.infer<OpTy>({x, y}));
}

template <ht::ComparePredicate predicate>
void emitAlignedCompare(NodeImporter &node) {
  auto [x, y] = getAligned(node);
  node.setResult(0, node.compare(predicate, x, y));
}

void emitClipByAttributes(NodeImporter &node) {
  Value x = node.input(0);
  if (node.hasAttribute("min"))
    x = node.infer<ht::MaxOp>({x, node.scalarLike(node.real("min", 0), x)});
  if (node.hasAttribute("max"))
    x = node.infer<ht::MinOp>({x, node.scalarLike(node.real("max", 0), x)});
  if (node.hasAttribute("min") || node.hasAttribute("max"))
    node.setResult(0, x);
  else
    node.forward(0, 0);
}

/// Slopes of before opset 9: one for each channel, axis 1.
void emitPReluByChannel(NodeImporter &node) {
  Value x = node.input(0), slope = node.input(1);
  if (node.rank(1) == 1 && node.rank(0) > 1)
    slope = alignAt(node, 1);
  Value zero = node.scalarLike(0, x);
  node.setResult(0, node.where(node.compare(ht::ComparePredicate::GT, x, zero), x, node.mul(x, slope)));
}

const Operator kOperators[] = {
    {"", "Add", 1, 6, emitAligned<ht::AddOp>},
    {"", "And", 1, 6, emitAligned<ht::AndOp>},
    {"", "Clip", 1, 10, emitClipByAttributes},
    {"", "Div", 1, 6, emitAligned<ht::DivOp>},
    {"", "Equal", 1, 6, emitAlignedCompare<ht::ComparePredicate::EQ>},
    {"", "Greater", 1, 6, emitAlignedCompare<ht::ComparePredicate::GT>},
    {"", "Less", 1, 6, emitAlignedCompare<ht::ComparePredicate::LT>},
    {"", "Mul", 1, 6, emitAligned<ht::MulOp>},
    {"", "Or", 1, 6, emitAligned<ht::OrOp>},
    {"", "PRelu", 1, 8, emitPReluByChannel},
    {"", "Pow", 1, 6, emitAligned<ht::PowOp>},
    {"", "Sub", 1, 6, emitAligned<ht::SubOp>},
    {"", "Xor", 1, 6, emitAligned<ht::XorOp>},
};

} // namespace

ArrayRef<Operator> oldOpsetOperators() { return kOperators; }

} // namespace halftone::onnx
