//===- Signature.cpp - which programs are decoders ------------------------===//

#include "runtime/language/Signature.h"

#include <cstring>

namespace halftone::rt {

namespace {

class Finder {
public:
  Finder(const halftone_program &program, Diagnostic &diagnostic)
      : program(program), diagnostic(diagnostic) {}

  bool refuse(const char *why, const char *name = "") {
    return diagnostic.fail(
        "%s does not write text: it would need the inputs input_ids, "
        "sequences, start and wanted, an output logits and states, as models "
        "compiled from a Hugging Face folder, a GGUF file or an ONNX decoder with "
        "past keys and values have; %s%s",
        quoted(program.name).c_str(), why, name);
  }

  /// An integer input of dynamic dimensions.
  bool findInput(const char *name, uint32_t rank, uint32_t &place) {
    for (place = 0; place < program.num_inputs; ++place) {
      const halftone_tensor_info &info = program.inputs[place];
      if (strcmp(info.name, name) != 0)
        continue;
      bool fits = info.dtype == HALFTONE_I64 && info.rank == rank;
      for (uint32_t d = 0; fits && d < rank; ++d)
        fits = info.dims[d] != HALFTONE_EXPRESSION;
      return fits || refuse("it has another kind of ", name);
    }
    return refuse("it has no ", name);
  }

  /// The most that a dimension of an input can be.
  size_t maximum(uint32_t input, uint32_t dimension) const {
    int64_t dim = program.inputs[input].dims[dimension];
    return static_cast<size_t>(dim >= 0 ? dim
                                        : program.symbols[-(dim + 1)].max);
  }

private:
  const halftone_program &program;
  Diagnostic &diagnostic;
};

} // namespace

bool Signature::find(const halftone_program &program, Diagnostic &diagnostic) {
  Finder finder(program, diagnostic);
  if (!finder.findInput("input_ids", 2, ids) ||
      !finder.findInput("sequences", 1, sequences) ||
      !finder.findInput("start", 1, start) ||
      !finder.findInput("wanted", 1, wanted))
    return false;
  if (program.num_inputs != 4)
    return finder.refuse("it has more inputs");
  for (logits = 0; logits < program.num_outputs; ++logits)
    if (strcmp(program.outputs[logits].name, "logits") == 0)
      break;
  if (logits == program.num_outputs || program.num_outputs != 1)
    return finder.refuse("it has other outputs");
  const halftone_tensor_info &scores = program.outputs[logits];
  if (scores.dtype != HALFTONE_F32 || scores.rank != 2 || scores.dims[1] < 1)
    return finder.refuse("it has another kind of logits");
  vocabulary = static_cast<size_t>(scores.dims[1]);
  if (program.num_states == 0 || program.states[0].tensor.rank < 2)
    return finder.refuse("it keeps nothing from one run to the next");
  numSequences = static_cast<size_t>(program.states[0].tensor.dims[0]);
  context = static_cast<size_t>(program.states[0].tensor.dims[1]);
  maxTokens = finder.maximum(ids, 1);
  if (!numSequences || !context || !maxTokens)
    return finder.refuse("it takes no tokens");
  return true;
}

} // namespace halftone::rt
