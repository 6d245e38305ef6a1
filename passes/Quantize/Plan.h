//===- Plan.h - which formats a person wants --------------------------------===//
//
// A plan is a JSON array of rules, of which the first that matches decides:
//
//     [
//       {"match": "*.embeddings.*", "weights": "bf16"},
//       {"match": "encoder.layer.0.*", "weights": "int8", "activations": "int8-token"},
//       {"match": "*.classifier.*", "rotation": "none"},
//       {"match": "*.attention", "attention": "f32"}
//     ]
//
// What says "attention" alone is no rule for weights. A plan that was saved has one
// rule for each weight, with its shape and its bits beside, which are not read back,
// and one for each attention that has a name.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_PASSES_QUANTIZE_PLAN_H
#define HALFTONE_PASSES_QUANTIZE_PLAN_H

#include "dialects/HTQ/Formats.h"

#include "llvm/Support/GlobPattern.h"
#include "llvm/Support/JSON.h"

#include <deque>
#include <optional>

namespace halftone::quantize {

/// How inputs that will be codes are rotated: as suits them (`auto`), not at all (`none`), or by
/// matrices of an order, and a stride (`128`, `8x16`).
struct Rotation {
  static constexpr int64_t kAuto = 0, kNone = 1;
  int64_t order = kAuto, stride = 1;

  static llvm::Expected<Rotation> parse(llvm::StringRef text);
};

/// What is asked for one weight; null: as the model file has it.
struct Choice {
  htq::FormatAttr weights, activations;
  Rotation rotation;
};

/// What the command line says.
struct PlanOptions {
  std::string weights;     ///< may be `model`
  std::string activations;
  std::string rotation;
  std::string attention;   ///< empty: bf16 where activations are no f32
  std::string file;        ///< of rules; empty: none
};

class Plan {
public:
  /// Reads the defaults, and the rules of the file if one is named.
  static llvm::Expected<Plan> read(const PlanOptions &options, mlir::MLIRContext *context);

  /// What the first rule asks that matches any of `names`, or else the defaults.
  Choice choose(llvm::ArrayRef<llvm::StringRef> names);
  /// What the first rule asks that says "attention" and matches `name`, or else the default.
  htq::FormatAttr chooseAttention(llvm::StringRef name);

  /// The patterns of rules that never were the first to match.
  llvm::SmallVector<llvm::StringRef> getUnused() const;

private:
  struct Rule {
    std::string text;
    llvm::GlobPattern pattern;
    std::optional<htq::FormatAttr> weights, activations, attention;
    std::optional<Rotation> rotation;
    bool used = false;

    bool isForWeights() const { return weights || activations || rotation || !attention; }
  };

  llvm::Error readRule(const llvm::json::Value &value, mlir::MLIRContext *context);

  Choice defaults;
  htq::FormatAttr defaultAttention;
  std::deque<Rule> rules; ///< patterns point into their texts
};

/// `name` as a pattern that matches it alone.
std::string escapePattern(llvm::StringRef name);

/// What weights are called that stay as the model file has them.
inline constexpr llvm::StringLiteral kAsInModel = "model";

} // namespace halftone::quantize

#endif
