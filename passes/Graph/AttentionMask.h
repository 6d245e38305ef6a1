//===- AttentionMask.h - what a mask of attention scores says ---------------===//
//
// Exporters mask scores by adding 0 or -inf, by choosing between the score and a
// large negative number, or by arithmetic on the padding mask; and they join the
// causal rule with the padding. This takes a mask apart: into the causal rule, boolean
// terms and what remains to be added as numbers.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_PASSES_GRAPH_ATTENTIONMASK_H
#define HALFTONE_PASSES_GRAPH_ATTENTIONMASK_H

#include "passes/Graph/Matchers.h"

#include <cmath>

namespace halftone::graph {

class AttentionMask {
public:
  /// For scores of shape [batch, heads, s, t].
  explicit AttentionMask(llvm::ArrayRef<ht::Dim> scores) : scores(scores) {}

  /// Attend only where `condition` is true (false, if `negate`); elsewhere the score is `fill`.
  void addCondition(Value condition, bool negate, double fill);

  /// No masked score is below `floor`.
  void addFloor(double floor) { finite |= std::isfinite(floor); }

  /// `value` is added to the scores.
  void addAdditive(Value value);

  /// Whether "i attends j <= i + (t - s)" is among the rules.
  bool isCausal() const { return causal; }
  bool hasBias() const { return !biases.empty(); }

  /// Whether a query that may attend nowhere attends all keys alike, because what the graph adds
  /// to or puts in place of scores is a finite number.
  bool isUniform() const { return finite; }

  /// An operand that does not broadcast to the scores, or null.
  Value getMisfit() const;

  /// The rules beside the causal one as an i1 tensor of rank 4; null if there are none.
  Value makeMask(mlir::IRRewriter &rewriter, mlir::Location loc) const;

  /// The sum of the numeric terms, of rank 4 and element type `element`; null if there are none.
  Value makeBias(mlir::IRRewriter &rewriter, mlir::Location loc, mlir::Type element) const;

private:
  void addRule(Value condition, bool negate);
  struct Term {
    Value value;
    bool negate;
  };

  bool isCausalRule(Value value, bool negate) const;

  ht::Dims scores;
  llvm::SmallVector<Term> terms;
  llvm::SmallVector<Value> biases;
  bool causal = false, finite = false;
};

/// Whether a score of `number` is as good as -inf: e^-1e4 is 0 in every float type.
bool isMinusInfinity(std::optional<double> number);

} // namespace halftone::graph

#endif
