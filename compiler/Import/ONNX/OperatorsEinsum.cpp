//===- OperatorsEinsum.cpp - Einstein summation -----------------------------===//
//
// Operands are taken in from left to right. Each step is one product of two: the
// axes that nothing later needs are contracted, by a matrix product; where there
// is none to contract, it is an elementwise product.
//
//===----------------------------------------------------------------------===//

#include "compiler/Import/ONNX/Operators.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using halftone::ht::Dim;
using halftone::ht::Dims;

namespace halftone::onnx {

namespace {

/// Names of axes: letters, and from kEllipsis on the axes of "...", the last being
/// kEllipsis.
using Labels = SmallVector<int>;
constexpr int kEllipsis = 256;

/// A tensor whose axes have names, each once.
struct Term {
  Value value;
  Labels labels;
};

class Einsum {
public:
  explicit Einsum(NodeImporter &node) : node(node), symbols(node.symbols()) {}

  void emit() {
    StringRef equation = node.string("equation", "");
    auto [left, right] = equation.split("->");
    SmallVector<StringRef> inputs;
    left.split(inputs, ',');
    if (inputs.size() != node.numInputs())
      return node.error("its equation '" + equation + "' names " + Twine(inputs.size()) + " operands of " +
                        Twine(node.numInputs()));
    std::vector<Term> terms;
    Labels all;
    for (auto [i, text] : llvm::enumerate(inputs)) {
      auto labels = parse(text, node.rank(i));
      if (!labels)
        return;
      all.append(*labels);
      terms.push_back({node.input(i), *labels});
    }
    Labels output;
    if (equation.contains("->")) {
      auto given = parse(right, std::nullopt);
      if (!given)
        return;
      output = *given;
    } else {
      for (int label = kEllipsis + ellipsisRank - 1; label >= kEllipsis; --label)
        output.push_back(label);
      Labels sorted = all;
      llvm::sort(sorted);
      for (int label : sorted)
        if (label < kEllipsis && llvm::count(all, label) == 1)
          output.push_back(label);
    }
    for (int label : output)
      if (llvm::count(output, label) > 1 || !llvm::is_contained(all, label))
        return node.error("the result of its equation '" + equation + "' is not valid");

    for (Term &term : terms)
      takeDiagonals(term);
    Term result = terms.front();
    for (size_t i = 1; i < terms.size() && !node.failed(); ++i) {
      Labels needed = output;
      for (size_t k = i + 1; k < terms.size(); ++k)
        needed.append(terms[k].labels);
      result = multiply(result, terms[i], needed);
    }
    sumAllBut(result, output);
    node.setResult(0, arrange(result, output));
  }

private:
  /// The labels of one operand of this rank, or of the result (no rank).
  std::optional<Labels> parse(StringRef text, std::optional<int64_t> rank) {
    Labels labels;
    bool hasEllipsis = false;
    int64_t letters = llvm::count_if(text, llvm::isAlpha);
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == ' ')
        continue;
      if (llvm::isAlpha(text[i])) {
        labels.push_back(text[i]);
      } else if (text.substr(i).starts_with("...") && !hasEllipsis) {
        hasEllipsis = true;
        i += 2;
        int64_t count = rank ? *rank - letters : ellipsisRank;
        if (count < 0)
          return invalid(text);
        if (rank)
          ellipsisRank = std::max(ellipsisRank, count);
        for (int64_t k = count; k-- > 0;)
          labels.push_back(kEllipsis + k);
      } else {
        return invalid(text);
      }
    }
    if (rank && static_cast<int64_t>(labels.size()) != *rank)
      return invalid(text);
    return node.failed() ? std::nullopt : std::optional(labels);
  }
  std::optional<Labels> invalid(StringRef text) {
    node.error("'" + text + "' in its equation does not fit its operand");
    return std::nullopt;
  }

  /// An axis that is named twice: what is off the diagonal is 0, then summed.
  void takeDiagonals(Term &term) {
    for (size_t j = 0; j < term.labels.size(); ++j) {
      auto i = llvm::find(term.labels, term.labels[j]) - term.labels.begin();
      if (i == static_cast<ptrdiff_t>(j))
        continue;
      Dims dims = node.dimsOf(term.value);
      if (node.failed())
        return;
      if (dims[i] != dims[j])
        return node.error("its diagonal of " + symbols.toString(dims) + " is not square");
      auto along = [&](size_t axis) {
        Dims shape(dims.size(), symbols.constant(1));
        shape[axis] = dims[axis];
        return node.reshape(node.iota(dims[axis], 0, 1, IntegerType::get(node.getContext(), 64)), shape);
      };
      Value onDiagonal = node.compare(ht::ComparePredicate::EQ, along(i), along(j));
      Value masked = node.where(onDiagonal, term.value, node.scalarLike(0, term.value));
      term.value = drop(node.reduce(ht::ReduceKind::Sum, masked, j), j);
      term.labels.erase(term.labels.begin() + j--);
    }
  }

  /// `value` without `axis`, which has size 1.
  Value drop(Value value, size_t axis) {
    Dims dims = node.dimsOf(value);
    if (!dims.empty())
      dims.erase(dims.begin() + axis);
    return node.reshape(value, dims);
  }

  void sumAllBut(Term &term, ArrayRef<int> needed) {
    for (size_t i = term.labels.size(); i-- > 0;)
      if (!llvm::is_contained(needed, term.labels[i])) {
        term.value = drop(node.reduce(ht::ReduceKind::Sum, term.value, i), i);
        term.labels.erase(term.labels.begin() + i);
      }
  }

  /// `term` with its axes in this order; those that it does not have are 1.
  Value arrange(const Term &term, ArrayRef<int> order) {
    SmallVector<int64_t> permutation;
    Dims dims = node.dimsOf(term.value), to;
    if (node.failed())
      return {};
    for (int label : order) {
      auto axis = llvm::find(term.labels, label) - term.labels.begin();
      bool has = axis < std::ssize(term.labels);
      if (has)
        permutation.push_back(axis);
      to.push_back(has ? dims[axis] : symbols.constant(1));
    }
    bool inOrder = llvm::is_sorted(permutation);
    return node.reshape(inOrder ? term.value : node.transpose(term.value, permutation), to);
  }

  Dim getDim(const Term &term, int label) {
    return node.dimsOf(term.value)[llvm::find(term.labels, label) - term.labels.begin()];
  }
  static Labels join(std::initializer_list<ArrayRef<int>> parts) {
    Labels all;
    for (ArrayRef<int> part : parts)
      all.append(part.begin(), part.end());
    return all;
  }

  Term multiply(Term x, Term y, ArrayRef<int> needed) {
    // A weight is the right operand, as in a linear layer.
    if (x.value && y.value && x.value.getDefiningOp<ht::GetWeightOp>() && !y.value.getDefiningOp<ht::GetWeightOp>())
      std::swap(x, y);
    auto isIn = [](const Term &term) { return [&](int label) { return llvm::is_contained(term.labels, label); }; };
    Labels useful(needed.begin(), needed.end());
    sumAllBut(x, join({useful, y.labels}));
    sumAllBut(y, join({useful, x.labels}));
    if (node.failed())
      return x;
    Labels batch, contracted, rows, columns;
    for (int label : x.labels)
      (isIn(y)(label) ? (llvm::is_contained(needed, label) ? batch : contracted) : rows).push_back(label);
    for (int label : y.labels)
      if (!isIn(x)(label))
        columns.push_back(label);
    Labels order = join({batch, rows, columns});
    if (contracted.empty())
      return {node.mul(arrange(x, order), arrange(y, order)), order};

    // A contracted axis that one of them has as 1 is broadcast.
    spread(x, y, contracted);
    spread(y, x, contracted);
    Value left = matrices(arrange(x, join({batch, rows, contracted})), batch.size(), rows.size());
    Value right = matrices(arrange(y, join({batch, contracted, columns})), batch.size(), contracted.size());
    Value product = node.matmul(left, right);
    Dims to = node.dimsOf(product);
    if (node.failed())
      return x;
    to.resize(batch.size());
    for (int label : rows)
      to.push_back(getDim(x, label));
    for (int label : columns)
      to.push_back(getDim(y, label));
    return {node.reshape(product, to), order};
  }

  void spread(Term &term, const Term &other, ArrayRef<int> labels) {
    Dims dims = node.dimsOf(term.value);
    if (node.failed())
      return;
    for (auto [axis, label] : llvm::enumerate(term.labels)) {
      if (!llvm::is_contained(labels, label))
        continue;
      Dim wanted = getDim(other, label);
      if (auto size = ht::getConstant(wanted); size && *size != 1)
        term.value = node.refine(term.value, axis, *size);
      dims[axis] = ht::getConstant(dims[axis]) == 1 ? wanted : getDim(term, label);
    }
    term.value = node.broadcastTo(term.value, dims);
  }

  /// [batch…, rows…, columns…] -> [batch…, row, column].
  Value matrices(Value value, size_t batch, size_t rows) {
    Dims dims = node.dimsOf(value);
    if (node.failed())
      return {};
    auto row = symbols.product(ArrayRef<Dim>(dims).slice(batch, rows));
    auto column = symbols.product(ArrayRef<Dim>(dims).drop_front(batch + rows));
    if (!row || !column)
      return node.error("its operands are too large"), Value();
    dims.resize(batch);
    dims.append({*row, *column});
    return node.reshape(value, dims);
  }

  NodeImporter &node;
  Symbols &symbols;
  int64_t ellipsisRank = 0;
};

void emitEinsum(NodeImporter &node) { Einsum(node).emit(); }

const Operator kOperators[] = {
    {"", "Einsum", 12, kNewest, emitEinsum},
};

} // namespace

ArrayRef<Operator> einsumOperators() { return kOperators; }

} // namespace halftone::onnx
