//===- Plan.cpp - which formats a person wants ------------------------------===//

#include "passes/Quantize/Plan.h"

#include "mlir/IR/Builders.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;

namespace halftone::quantize {

/// Plans are written by people: a megabyte is a mistake of the file.
static constexpr uint64_t kLargestPlan = 16 << 20;

/// Null for a weight that stays as in the model.
static llvm::Expected<htq::FormatAttr> readFormat(StringRef text, htq::Use use, MLIRContext *context) {
  if (use == htq::Use::Weights && text == kAsInModel)
    return htq::FormatAttr();
  std::string error;
  auto format = htq::parseFormat(text, context, error);
  if (failed(format))
    return llvm::createStringError(error);
  return *format;
}

llvm::Expected<Rotation> Rotation::parse(StringRef text) {
  if (text == "auto")
    return Rotation();
  if (text == "none")
    return Rotation{kNone};
  Rotation rotation;
  auto [order, stride] = text.split('x');
  bool isNumber = !order.getAsInteger(10, rotation.order) && rotation.order > kNone;
  if (text.contains('x'))
    isNumber &= !stride.getAsInteger(10, rotation.stride);
  if (!isNumber || !llvm::isPowerOf2_64(rotation.order) || rotation.stride < 1)
    return llvm::createStringError("'" + text + "' is no rotation; these are auto, none, and powers of two " +
                                   "with or without a stride, such as 128 or 8x16");
  return rotation;
}

/// A float that attention multiplies in.
static llvm::Expected<htq::FormatAttr> readAttention(StringRef text, MLIRContext *context) {
  if (text != "f32" && text != "bf16")
    return llvm::createStringError("attention is computed in f32 or bf16, not in '" + text + "'");
  return readFormat(text, htq::Use::Activations, context);
}

llvm::Expected<Plan> Plan::read(const PlanOptions &options, MLIRContext *context) {
  Plan plan;
  auto weightFormat = readFormat(options.weights, htq::Use::Weights, context);
  if (!weightFormat)
    return weightFormat.takeError();
  auto activationFormat = readFormat(options.activations, htq::Use::Activations, context);
  if (!activationFormat)
    return activationFormat.takeError();
  auto rotation = Rotation::parse(options.rotation);
  if (!rotation)
    return rotation.takeError();
  plan.defaults = {*weightFormat, *activationFormat, *rotation};
  bool isWide = activationFormat->getTerm() == TypeAttr::get(Float32Type::get(context));
  StringRef attention = !options.attention.empty() ? StringRef(options.attention) : isWide ? "f32" : "bf16";
  auto attentionFormat = readAttention(attention, context);
  if (!attentionFormat)
    return attentionFormat.takeError();
  plan.defaultAttention = *attentionFormat;
  if (options.file.empty())
    return plan;

  auto fail = [&](const Twine &what) { return llvm::createStringError("plan '" + options.file + "': " + what); };
  auto buffer = llvm::MemoryBuffer::getFile(options.file, /*IsText=*/true);
  if (!buffer)
    return fail(buffer.getError().message());
  if ((*buffer)->getBufferSize() > kLargestPlan)
    return fail("is larger than 16 MB");
  auto json = llvm::json::parse((*buffer)->getBuffer());
  if (!json)
    return fail(llvm::toString(json.takeError()));
  const llvm::json::Array *rules = json->getAsArray();
  if (!rules)
    return fail("expected an array of rules such as {\"match\": \"*.query.*\", \"weights\": \"int8\"}");
  for (auto [i, rule] : llvm::enumerate(*rules))
    if (llvm::Error error = plan.readRule(rule, context))
      return fail("rule " + Twine(i + 1) + ": " + llvm::toString(std::move(error)));
  return plan;
}

llvm::Error Plan::readRule(const llvm::json::Value &value, MLIRContext *context) {
  const llvm::json::Object *object = value.getAsObject();
  if (!object)
    return llvm::createStringError("expected an object with \"match\"");
  Rule &rule = rules.emplace_back();
  for (const auto &[key, entry] : *object) {
    StringRef name = key;
    if (name == "shape" || name == "bits") // said by a saved plan, for people
      continue;
    auto text = entry.getAsString();
    bool isFormat = name == "weights" || name == "activations" || name == "attention";
    bool isRotation = name == "rotation";
    if (!isFormat && !isRotation && name != "match")
      return llvm::createStringError("unknown key \"" + name +
                                     "\"; there are match, weights, activations, rotation and attention");
    if (!text)
      return llvm::createStringError("\"" + name + "\" must be a string");
    if (isRotation) {
      auto rotation = Rotation::parse(*text);
      if (!rotation)
        return rotation.takeError();
      rule.rotation = *rotation;
      continue;
    }
    if (!isFormat) {
      rule.text = text->str();
      continue;
    }
    auto use = name == "weights" ? htq::Use::Weights : htq::Use::Activations;
    auto format = name == "attention" ? readAttention(*text, context) : readFormat(*text, use, context);
    if (!format)
      return format.takeError();
    (name == "weights" ? rule.weights : name == "attention" ? rule.attention : rule.activations) = *format;
  }
  if (rule.text.empty())
    return llvm::createStringError("has no \"match\"");
  auto pattern = llvm::GlobPattern::create(rule.text, /*MaxSubPatterns=*/1024);
  if (!pattern)
    return llvm::createStringError("\"match\": " + llvm::toString(pattern.takeError()));
  rule.pattern = std::move(*pattern);
  return llvm::Error::success();
}

Choice Plan::choose(ArrayRef<StringRef> names) {
  for (Rule &rule : rules)
    if (rule.isForWeights() && llvm::any_of(names, [&](StringRef name) { return rule.pattern.match(name); })) {
      rule.used = true;
      return {rule.weights.value_or(defaults.weights), rule.activations.value_or(defaults.activations),
              rule.rotation.value_or(defaults.rotation)};
    }
  return defaults;
}

htq::FormatAttr Plan::chooseAttention(StringRef name) {
  for (Rule &rule : rules)
    if (rule.attention && rule.pattern.match(name)) {
      rule.used = true;
      return *rule.attention;
    }
  return defaultAttention;
}

SmallVector<StringRef> Plan::getUnused() const {
  SmallVector<StringRef> unused;
  for (const Rule &rule : rules)
    if (!rule.used)
      unused.push_back(rule.text);
  return unused;
}

std::string escapePattern(StringRef name) {
  std::string pattern;
  for (char c : name) {
    if (StringRef("*?[]{}\\").contains(c))
      pattern += '\\';
    pattern += c;
  }
  return pattern;
}

} // namespace halftone::quantize
