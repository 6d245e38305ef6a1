//===- OperatorsPad.cpp - padding -------------------------------------------===//

#include "compiler/Import/ONNX/Operators.h"
#include "compiler/Import/ONNX/Windows.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// x mod n for n > 0, as mathematicians mean it.
Value floorMod(NodeImporter &node, Value x, Value n) {
  Value remainder = node.sub(x, node.mul(node.div(x, n), n));
  Value isNegative = node.compare(ht::ComparePredicate::LT, remainder, node.scalarLike(0, remainder));
  return node.where(isNegative, node.add(remainder, n), remainder);
}

/// The axis continued by its own elements: each position beyond is looked up inside.
Value continueAxis(NodeImporter &node, Value x, int64_t axis, Dim before, Dim after, StringRef mode) {
  Symbols &symbols = node.symbols();
  DimArithmetic a(symbols);
  Dims dims = node.dimsOf(x);
  if (node.failed())
    return {};
  Dim size = dims[axis], extent = a.add(a.add(size, before), after);
  if (!extent)
    return node.error("its result is too large"), Value();
  if (ht::getConstant(before) == 0 && ht::getConstant(after) == 0)
    return x;
  if (symbols.bounds(size).low < 1)
    return node.error("mode '" + mode + "' needs elements along axis " + Twine(axis)), Value();
  Type i64 = node.getBuilder().getI64Type();
  Value n = node.dim(size), zero = node.scalar(0, i64);
  Value position = node.sub(node.iota(extent, 0, 1, i64), node.dim(before));
  if (mode == "edge") {
    position = node.infer<ht::MinOp>({node.infer<ht::MaxOp>({position, zero}), node.dim(a.add(size, -1))});
  } else if (mode == "wrap") {
    position = floorMod(node, position, n);
  } else { // reflect: there and back, the ends once
    Value there = node.dim(a.add(size, -1));
    Value period = node.infer<ht::MaxOp>({node.add(there, there), node.scalar(1, i64)});
    Value phase = floorMod(node, position, period);
    position = node.infer<ht::MinOp>({phase, node.sub(period, phase)});
    if (ht::getConstant(size) == 1)
      position = node.mul(position, zero);
  }
  OpBuilder &b = node.getBuilder();
  return node.infer<ht::GatherOp>({x, position}, b.getNamedAttr("axis", b.getI64IntegerAttr(axis)));
}

void pad(NodeImporter &node, ArrayRef<Dim> pads, ArrayRef<int64_t> axes, Value fill) {
  Symbols &symbols = node.symbols();
  StringRef mode = node.string("mode", "constant");
  Value x = node.input(0);
  int64_t rank = node.rank(0);
  if (node.failed())
    return;
  if (mode != "constant" && mode != "reflect" && mode != "edge" && mode != "wrap")
    return node.error("mode '" + mode + "' is not defined");
  if (pads.size() != 2 * axes.size())
    return node.error("it has " + Twine(pads.size()) + " pads for " + Twine(axes.size()) + " axes");
  for (auto [i, given] : llvm::enumerate(axes)) {
    int64_t axis = node.axis(given, rank);
    Dim before = pads[i], after = pads[i + axes.size()];
    if (mode != "constant") {
      // What is cut off is gone before the rest is continued.
      auto takeCut = [&](Dim &pad) {
        Dim cut = symbols.bounds(pad).high <= 0 ? pad : symbols.constant(0);
        pad = cut == pad ? symbols.constant(0) : pad;
        return cut;
      };
      Dim cutBefore = takeCut(before), cutAfter = takeCut(after);
      if (symbols.bounds(before).low < 0 || symbols.bounds(after).low < 0)
        return node.error("whether a pad of " + symbols.toString(pads[i]) + " is negative depends on the inputs' shapes");
      x = padAxis(node, x, axis, cutBefore, cutAfter, Value());
      x = x ? continueAxis(node, x, axis, before, after, mode) : x;
    } else {
      x = padAxis(node, x, axis, before, after, fill);
    }
    if (!x)
      return;
  }
  node.setResult(0, x);
}

SmallVector<int64_t> allAxes(int64_t rank) {
  SmallVector<int64_t> axes;
  for (int64_t i = 0; i < rank; ++i)
    axes.push_back(i);
  return axes;
}

void emitPad(NodeImporter &node) {
  auto pads = node.expressions(1, "pads");
  std::optional<SmallVector<int64_t>> axes = allAxes(node.rank(0));
  if (node.hasInput(3))
    axes = node.integers(3, "axes");
  Value fill = node.hasInput(2) ? node.reshape(node.input(2), {}) : node.scalarLike(0, node.input(0));
  if (pads && axes && !node.failed())
    pad(node, *pads, *axes, fill);
}

/// Before opset 11 all is in attributes.
void emitPadByAttributes(NodeImporter &node) {
  auto given = node.integers(node.hasAttribute("pads") ? "pads" : "paddings");
  Value fill = node.scalarLike(node.real("value", 0), node.input(0));
  if (node.failed() || !given)
    return node.error("it has no pads");
  Dims pads;
  for (int64_t value : *given)
    pads.push_back(node.symbols().constant(value));
  pad(node, pads, allAxes(node.rank(0)), fill);
}

const Operator kOperators[] = {
    {"", "Pad", 1, 10, emitPadByAttributes},
    {"", "Pad", 11, kNewest, emitPad},
};

} // namespace

ArrayRef<Operator> padOperators() { return kOperators; }

} // namespace halftone::onnx
