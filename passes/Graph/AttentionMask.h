//===- AttentionMask.h - what a mask of attention scores says ---------------===//
//
// Exporters mask scores by adding 0 or -inf, by choosing between the score and a
// large negative number, or by arithmetic on the padding mask; and they join the
// causal rule and a window with the padding. This takes a mask apart: into the causal rule, its
// window, boolean terms and what remains to be added as numbers.
//
// Booleans cannot say everything. Where two masks each add a finite number, a query
// that may attend nowhere attends the keys that only one of them excludes: such masks
// stay numbers.
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

  // What is done to the scores, the last first; what then multiplies all of it is `scale`.

  /// Where `condition` is false (true, if `negate`), the score becomes `fill`.
  void addCondition(Value condition, bool negate, double fill, double scale) {
    steps.push_back({condition, scale, negate, fill * scale, std::nullopt});
  }
  /// No score is below `floor`.
  void addFloor(double floor, double scale) {
    steps.push_back({Value(), scale, false, std::nullopt, floor * scale});
  }
  /// `value` is added to the scores.
  void addAdditive(Value value, double scale) {
    steps.push_back({value, scale, false, std::nullopt, std::nullopt});
  }

  /// Takes apart what was added. To be called before what follows.
  void resolve();

  /// Whether "i attends j <= i + (t - s)" is among the rules.
  bool isCausal() const { return causal; }

  /// How many tokens, itself the last, a query of a causal rule may attend; 0: all.
  int64_t getWindow() const { return window.value_or(0); }

  /// Whether a query that may attend nowhere attends all keys alike, because what the graph adds
  /// to or puts in place of scores is a finite number.
  bool isUniform() const { return uniform; }

  /// An operand that does not broadcast to the scores, or null.
  Value getMisfit() const;

  /// The rules beside the causal one as an i1 tensor of rank 4; null if there are none.
  Value makeMask(mlir::IRRewriter &rewriter, mlir::Location loc) const;

  /// The sum of the numeric terms, of rank 4 and element type `element`; null if there are none.
  Value makeBias(mlir::IRRewriter &rewriter, mlir::Location loc, mlir::Type element) const;

private:
  /// A condition with its fill, a floor, or a value that is added.
  struct Step {
    Value value;
    double scale;
    bool negate;
    std::optional<double> fill, floor;
  };

  /// A condition to attend.
  struct Term {
    Value value;
    bool negate;
  };

  /// What the scores hold that may not be attended: nothing but `number`, or several numbers, of
  /// which it is the greatest.
  struct Fill {
    double number;
    bool mixed = false;
  };
  using Fills = std::optional<Fill>;

  static Fills getSum(Fills a, Fills b);
  static Fills getReplaced(Fills rest, double number);

  Fills takeApart(const Step &step, Fills inner);
  Fills takeApartAdditive(Value value, double scale);
  void addRule(Value condition, bool negate);
  void keepWindows();

  /// How far key j may be from query i, at i + (t - s): at most ahead, or at most back.
  struct Reach {
    std::optional<int64_t> ahead, back;
  };
  std::optional<Reach> getReach(Value value, bool negate) const;

  ht::Dims scores;
  llvm::SmallVector<Step> steps;
  llvm::SmallVector<Term> terms;
  llvm::SmallVector<Step> numbers; ///< conditions and additions that stay, the first first
  llvm::SmallVector<Term> windows; ///< what `window` was read off
  std::optional<int64_t> window;
  bool causal = false, uniform = false;
};

/// Whether a score of `number` is as good as -inf: e^-1e4 is 0 in every float type.
bool isMinusInfinity(std::optional<double> number);

} // namespace halftone::graph

#endif
