//===- Formats.cpp - the names of common formats ----------------------------===//

#include "dialects/HTQ/Formats.h"

#include "dialects/HTQ/Terms.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;

namespace halftone::htq {

/// Quantiles of the normal distribution, of both signs and 0 (QLoRA).
static constexpr float kNormalFloat4[] = {-1.0f,
                                          -0.6961928009986877f,
                                          -0.5250730514526367f,
                                          -0.39491748809814453f,
                                          -0.28444138169288635f,
                                          -0.18477343022823334f,
                                          -0.09105003625154495f,
                                          0.0f,
                                          0.07958029955625534f,
                                          0.16093020141124725f,
                                          0.24611230194568634f,
                                          0.33791524171829224f,
                                          0.44070982933044434f,
                                          0.5626170039176941f,
                                          0.7229568362236023f,
                                          1.0f};

/// ggml's non-linear 4-bit levels.
static constexpr float kNonLinear4[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                        1,    13,   25,  38,  53,  69,  89,  113};

static constexpr NamedFormat kFormats[] = {
    {"f32", "f32", "32-bit floats"},
    {"f16", "f16", "16-bit floats"},
    {"bf16", "bf16", "the upper half of 32-bit floats"},
    {"fp8-e4m3", "affine<f8E4M3FN, blocks [1, ?], scale f32>", "8-bit floats, a scale per row"},
    {"fp8-e5m2", "affine<f8E5M2, blocks [1, ?], scale f32>", "8-bit floats of more range, a scale per row"},
    {"fp8-block", "affine<f8E4M3FN, blocks [128, 128], scale f32>", "8-bit floats in tiles of 128 x 128"},
    {"mxfp8", "affine<f8E4M3FN, blocks [1, 32], scale f8E8M0FNU>",
     "OCP MX: 8-bit floats, a power of two per 32"},
    {"mxfp4", "affine<f4E2M1FN, blocks [1, 32], scale f8E8M0FNU>",
     "OCP MX: 4-bit floats, a power of two per 32"},
    {"nvfp4", "affine<f4E2M1FN, blocks [1, 16], scale affine<f8E4M3FN, blocks [?, ?], scale f32>>",
     "4-bit floats, an 8-bit scale per 16 inside one scale"},
    {"int8", "affine<i8, blocks [1, ?], scale f32>", "a scale per row: per output channel of a weight"},
    {"int8-token", "affine<i8, blocks [1, ?], scale f32>", "the same of activations: per token"},
    {"int8-token-g128", "affine<i8, blocks [1, 128], scale f32>", "of activations, a scale per token and 128 of it"},
    {"int8-asym", "affine<ui8, blocks [1, ?], scale f32, zero ui8>", "a scale and a zero per row"},
    {"int8-g128", "affine<i8, blocks [1, 128], scale f32>", "a scale per 128 of a row"},
    {"int8-tensor", "affine<i8, blocks [?, ?], scale f32>", "one scale"},
    {"q8_0", "affine<i8, blocks [1, 32], scale f16>", "ggml Q8_0"},
    {"int6-g128", "affine<i6, blocks [1, 128], scale f16>", "a scale per 128 of a row"},
    {"int5-g128", "affine<i5, blocks [1, 128], scale f16>", "a scale per 128 of a row"},
    {"int4", "affine<i4, blocks [1, ?], scale f32>", "a scale per row"},
    {"int4-g32", "affine<i4, blocks [1, 32], scale f16>", "a scale per 32 of a row"},
    {"int4-g64", "affine<i4, blocks [1, 64], scale f16>", "a scale per 64 of a row"},
    {"int4-g128", "affine<i4, blocks [1, 128], scale f16>", "a scale per 128 of a row"},
    {"int4-g32-asym", "affine<ui4, blocks [1, 32], scale f16, zero ui4>",
     "a scale and a zero per 32 of a row"},
    {"int4-g128-asym", "affine<ui4, blocks [1, 128], scale f16, zero ui4>",
     "a scale and a zero per 128 of a row"},
    {"int4-two-level", "affine<i4, blocks [1, 128], scale affine<i5, blocks [1, ?], scale f32>>",
     "a 5-bit scale per 128 of a row inside a scale per row: products of both are bytes"},
    {"int4-two-level-g32", "affine<i4, blocks [1, 32], scale affine<i5, blocks [1, ?], scale f32>>",
     "the same, a scale per 32: as precise as int4-g32"},
    {"q4_0", "affine<i4, blocks [1, 32], scale f16>", "ggml Q4_0"},
    {"nf4", "affine<lookup<ui4, codebook f32>, blocks [1, 64], scale f32>", "normal floats (QLoRA)",
     kNormalFloat4},
    {"nf4-dq",
     "affine<lookup<ui4, codebook f32>, blocks [1, 64], scale affine<ui8, blocks [1, 256], scale f32>>",
     "normal floats, whose scales are quantized too", kNormalFloat4},
    {"iq4_nl", "affine<lookup<ui4, codebook f32>, blocks [1, 32], scale f16>", "the levels of ggml IQ4_NL",
     kNonLinear4},
    {"int3-g64", "affine<i3, blocks [1, 64], scale f16>", "a scale per 64 of a row"},
    {"int3-g128", "affine<i3, blocks [1, 128], scale f16>", "a scale per 128 of a row"},
    {"int2-g64", "affine<i2, blocks [1, 64], scale f16>", "a scale per 64 of a row"},
    {"int2-g128", "affine<i2, blocks [1, 128], scale f16>", "a scale per 128 of a row"},
};

ArrayRef<NamedFormat> getNamedFormats() { return kFormats; }

Rule getUsualRule(AffineAttr affine) {
  if (affine.getZero())
    return Rule::Minmax;
  auto leaf = dyn_cast<TypeAttr>(affine.getCodes());
  return leaf && leaf.getValue().isInteger() && leaf.getValue().getIntOrFloatBitWidth() < 8 ? Rule::SignedMax
                                                                                            : Rule::Absmax;
}

FormatAttr getPlainFormat(Type element) {
  return FormatAttr::get(element.getContext(), std::nullopt, TypeAttr::get(element), {});
}

/// A format of `text`: an element type, or a term after its rule or without. Null after a diagnostic.
static FormatAttr parseTerm(StringRef text, ArrayRef<float> codebook, MLIRContext *context) {
  auto emitError = [&] { return mlir::emitError(UnknownLoc::get(context)); };
  auto [first, rest] = text.split(' ');
  std::optional<Rule> rule = symbolizeRule(first);
  if (rule)
    text = rest.trim();
  if (!text.contains('<')) {
    Type type = parseType(text, context);
    return type ? getPlainFormat(type) : FormatAttr();
  }
  Attribute term = parseAttribute("#htq." + text.str(), context);
  if (!term)
    return {};
  auto affine = dyn_cast<AffineAttr>(term);
  if (!rule && affine)
    rule = getUsualRule(affine);
  DenseElementsAttr levels;
  if (!codebook.empty())
    levels = DenseElementsAttr::get(
        RankedTensorType::get({static_cast<int64_t>(codebook.size())}, Float32Type::get(context)), codebook);
  return FormatAttr::getChecked(emitError, context, rule, term, levels);
}

/// A name such as `int4-g128-asym` around its block's length.
struct BlockName {
  StringRef before, after;
  int64_t length = 0;
};

static std::optional<BlockName> splitBlock(StringRef name) {
  BlockName parts;
  std::tie(parts.before, parts.after) = name.split("-g");
  if (parts.after.consumeInteger(10, parts.length) || parts.length < 1)
    return std::nullopt;
  return parts;
}

static FormatAttr withBlock(FormatAttr format, int64_t from, int64_t to) {
  Attribute term = mapBlocks(format.getTerm(), [&](ArrayRef<int64_t> blocks) {
    SmallVector<int64_t> changed(blocks);
    std::replace(changed.begin(), changed.end(), from, to);
    return changed;
  });
  return FormatAttr::get(format.getContext(), format.getRule(), term, format.getCodebook());
}

FailureOr<FormatAttr> parseFormat(StringRef text, MLIRContext *context, std::string &error) {
  // What parsers and verifiers have to say goes to `error`.
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    error = "'" + text.str() + "' is no format: " + diagnostic.str();
    return success();
  });
  std::optional<BlockName> given = splitBlock(text);
  for (const NamedFormat &named : kFormats) {
    std::optional<BlockName> parts = splitBlock(named.name);
    bool isAlike = given && parts && given->before == parts->before && given->after == parts->after;
    if (named.name != text && !isAlike)
      continue;
    FormatAttr format = parseTerm(named.term, named.codebook, context);
    return isAlike ? withBlock(format, parts->length, given->length) : format;
  }
  // Without a name for it, only what can be a term is worth a parser's message.
  if (text.contains('<')) {
    if (FormatAttr format = parseTerm(text, {}, context))
      return format;
    return failure();
  }
  error = "unknown format '" + text.str() + "'; there are ";
  for (const NamedFormat &named : kFormats)
    error += named.name.str() + (&named == std::end(kFormats) - 1 ? "" : ", ");
  error += ", and terms such as 'affine<i4, blocks [1, 48], scale f16>'";
  return failure();
}

std::string getName(FormatAttr format, Use use) {
  for (const NamedFormat &named : kFormats) {
    if (named.name.contains("-token") != (use == Use::Activations) && named.term.starts_with("affine"))
      continue;
    FormatAttr candidate = parseTerm(named.term, named.codebook, format.getContext());
    if (candidate == format)
      return named.name.str();
    std::optional<BlockName> parts = splitBlock(named.name);
    int64_t block = getInnerBlock(format.getTerm());
    if (parts && block != AffineAttr::kWhole && withBlock(candidate, parts->length, block) == format)
      return (parts->before + "-g" + Twine(block) + parts->after).str();
  }
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << format;
  text = StringRef(text).drop_front(StringRef("#htq.format<").size()).drop_back().str();
  // The usual rule goes without saying.
  auto affine = dyn_cast<AffineAttr>(format.getTerm());
  if (affine && format.getRule() == getUsualRule(affine))
    return StringRef(text).split(' ').second.str();
  return text;
}

} // namespace halftone::htq
