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

llvm::Expected<Plan> Plan::read(StringRef weights, StringRef activations, StringRef rotation, StringRef file,
                                MLIRContext *context) {
  Plan plan;
  auto weightFormat = readFormat(weights, htq::Use::Weights, context);
  if (!weightFormat)
    return weightFormat.takeError();
  auto activationFormat = readFormat(activations, htq::Use::Activations, context);
  if (!activationFormat)
    return activationFormat.takeError();
  auto rotationChoice = Rotation::parse(rotation);
  if (!rotationChoice)
    return rotationChoice.takeError();
  plan.defaults = {*weightFormat, *activationFormat, *rotationChoice};
  if (file.empty())
    return plan;

  auto fail = [&](const Twine &what) { return llvm::createStringError("plan '" + file + "': " + what); };
  auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/true);
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
    bool isFormat = name == "weights" || name == "activations", isRotation = name == "rotation";
    if (!isFormat && !isRotation && name != "match")
      return llvm::createStringError("unknown key \"" + name +
                                     "\"; there are match, weights, activations and rotation");
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
    auto format = readFormat(*text, use, context);
    if (!format)
      return format.takeError();
    (use == htq::Use::Weights ? rule.weights : rule.activations) = *format;
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
    if (llvm::any_of(names, [&](StringRef name) { return rule.pattern.match(name); })) {
      rule.used = true;
      return {rule.weights.value_or(defaults.weights), rule.activations.value_or(defaults.activations),
              rule.rotation.value_or(defaults.rotation)};
    }
  return defaults;
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
