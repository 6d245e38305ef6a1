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
    {"int4-two-level", "affine<i4, blocks [1, 128], scale affine<i8, blocks [1, ?], scale f32>>",
     "an 8-bit scale per 128 of a row inside a scale per row"},
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

FailureOr<Format> parseFormat(StringRef text, MLIRContext *context, std::string &error) {
  Format format;
  for (const NamedFormat &named : kFormats)
    if (named.name == text) {
      text = named.term;
      format.codebook = named.codebook;
      break;
    }
  std::optional<Rule> rule;
  auto [first, rest] = text.split(' ');
  if ((rule = symbolizeRule(first)))
    text = rest.trim();

  // What the parser of attributes has to say goes to `error`.
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    error = "'" + text.str() + "' is no format: " + diagnostic.str();
    return success();
  });
  if (text.contains('<')) {
    format.term = parseAttribute("#htq." + text.str(), context);
    if (format.term && !isTerm(format.term)) {
      error = "'" + text.str() + "' is no term";
      return failure();
    }
  } else if (Type type = parseType(text, context)) {
    format.term = TypeAttr::get(type);
  }
  if (!format.term)
    return failure();
  if (auto leaf = dyn_cast<TypeAttr>(format.term);
      leaf && !isa<Float16Type, BFloat16Type, Float32Type>(leaf.getValue())) {
    error = "'" + text.str() + "' is no type that values are stored in as they are";
    return failure();
  }
  auto affine = dyn_cast<AffineAttr>(format.term);
  if (rule && !affine) {
    error = "'" + text.str() + "' has no parameters that a rule could choose";
    return failure();
  }
  format.rule = rule ? *rule : affine ? getUsualRule(affine) : Rule::Absmax;
  return format;
}

} // namespace halftone::htq
