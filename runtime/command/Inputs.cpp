//===- Inputs.cpp - where a run's inputs come from ------------------------===//

#include "runtime/command/Inputs.h"
#include "runtime/files/InputFile.h"
#include "runtime/files/Json.h"
#include "runtime/files/Npy.h"
#include "runtime/files/Npz.h"
#include "runtime/session/Binding.h"
#include "runtime/session/Program.h"

#include <cstring>

namespace halftone::rt {

bool hasSuffix(const char *path, const char *suffix) {
  size_t size = strlen(path), suffixSize = strlen(suffix);
  return size > suffixSize && strcmp(path + size - suffixSize, suffix) == 0;
}

uint32_t findTensor(const halftone_tensor_info *infos, uint32_t count,
                    const char *name) {
  uint32_t index = 0;
  while (index < count && strcmp(infos[index].name, name) != 0)
    ++index;
  return index;
}

bool readNpyFile(const char *path, Tensor &tensor, Diagnostic &diagnostic) {
  InputFile file;
  return file.open(path, diagnostic) &&
         readNpy(file.bytes(), quoted(path).c_str(), tensor, diagnostic);
}

static bool readCollection(const halftone_program &program, const char *path,
                           Array<Tensor> &inputs, Diagnostic &diagnostic) {
  bool json = hasSuffix(path, ".json");
  if (!json && !hasSuffix(path, ".npz"))
    return diagnostic.fail("--inputs: the name of %s must end in .npz or .json "
                           "(a single .npy file: --input NAME=FILE)",
                           quoted(path).c_str());
  InputFile file;
  if (!file.open(path, diagnostic))
    return false;
  return json ? readJson(file.bytes(), path, program.inputs, program.num_inputs,
                         inputs, diagnostic)
              : readNpz(file.bytes(), path, inputs, diagnostic);
}

/// Checks that each input is there once, and lets it be of its declared type.
static bool matchInputs(const halftone_program &program, Array<Tensor> &inputs,
                        Diagnostic &diagnostic) {
  Text names = nameList(program.inputs, program.num_inputs);
  for (size_t i = 0; i < inputs.size(); ++i) {
    Text name = quoted(inputs[i].name.c_str());
    uint32_t index =
        findTensor(program.inputs, program.num_inputs, inputs[i].name.c_str());
    if (index == program.num_inputs)
      return diagnostic.fail("this program has no input %s; its inputs are: %s",
                             name.c_str(), names.c_str());
    for (size_t other = 0; other < i; ++other)
      if (inputs[other].name == inputs[i].name.c_str())
        return diagnostic.fail("input %s is given twice", name.c_str());
    inputs[i].declareType(program.inputs[index].dtype);
  }
  for (uint32_t i = 0; i < program.num_inputs; ++i) {
    bool found = false;
    for (const Tensor &input : inputs)
      found |= input.name == program.inputs[i].name;
    if (!found)
      return diagnostic.fail(
          "input %s is missing; this program's inputs are: %s",
          quoted(program.inputs[i].name).c_str(), names.c_str());
  }
  return true;
}

bool readInputs(const halftone_program &program, const Options &options,
                Array<Tensor> &inputs, Diagnostic &diagnostic) {
  if (options.inputsFile &&
      !readCollection(program, options.inputsFile, inputs, diagnostic))
    return false;
  for (const NamedPath &given : options.inputs) {
    if (!hasSuffix(given.path, ".npy"))
      return diagnostic.fail(
          "--input: the name of %s must end in .npy (several "
          "arrays in one file: --inputs FILE)",
          quoted(given.path).c_str());
    Tensor tensor;
    tensor.name.append(given.name.c_str());
    if (!readNpyFile(given.path, tensor, diagnostic))
      return false;
    inputs.push(std::move(tensor));
  }
  return matchInputs(program, inputs, diagnostic);
}

bool chooseSymbols(const halftone_program &program, const Options &options,
                   Array<int64_t> &symbols, Diagnostic &diagnostic) {
  symbols.resize(program.num_symbols);
  for (uint32_t s = 0; s < program.num_symbols; ++s) {
    const halftone_symbol &symbol = program.symbols[s];
    bool isOne = strstr(symbol.name, "batch") || strcmp(symbol.name, "wanted") == 0;
    int64_t value = isOne ? 1 : 128;
    value = value > symbol.max ? symbol.max : value;
    symbols[s] = value < symbol.min ? symbol.min : value;
  }
  for (const SymbolValue &given : options.shape) {
    uint32_t s = 0;
    Text names;
    for (; s < program.num_symbols; ++s) {
      if (given.name == program.symbols[s].name)
        break;
      names.append(s ? ", " : "")
          .append(quoted(program.symbols[s].name).c_str());
    }
    if (s == program.num_symbols)
      return diagnostic.fail(
          "--shape: this program has no dynamic dimension %s; it has: %s",
          quoted(given.name.c_str()).c_str(),
          names.empty() ? "none" : names.c_str());
    symbols[s] = given.value;
  }
  return true;
}

namespace {
/// A small generator with a fixed seed: every benchmark sees the same numbers.
struct Random {
  uint64_t state = 0x9e3779b97f4a7c15;

  /// In [-1, 1).
  double next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<double>(static_cast<int64_t>(state)) * 0x1p-63;
  }
};
} // namespace

/// An integer that a model is likely to accept: token ids below 50, positions
/// along the last dimension, segment 0, nothing masked, sequences from their first token, the
/// last token's logits.
static int64_t likelyInteger(const halftone_tensor_info &info, int64_t column) {
  if (info.dtype == HALFTONE_BOOL || strstr(info.name, "mask"))
    return 1;
  if (strstr(info.name, "type") || strstr(info.name, "segment") ||
      strcmp(info.name, "start") == 0)
    return 0;
  if (strcmp(info.name, "wanted") == 0)
    return -1;
  int64_t least, greatest;
  integerBounds(info.dtype, least, greatest);
  int64_t limit =
      strstr(info.name, "position") || greatest < 50 ? greatest : 50;
  return column % limit;
}

bool makeInputs(const halftone_program &program, const int64_t *symbols,
                Array<Tensor> &inputs, Diagnostic &diagnostic) {
  Random random;
  Array<int64_t> evaluated;
  evaluated.resize(numEvaluatedDims(program));
  program.output_dims(symbols, evaluated.begin());
  const int64_t *expression = evaluated.begin();
  for (uint32_t i = 0; i < program.num_outputs; ++i)
    expression += program.outputs[i].rank;
  for (uint32_t i = 0; i < program.num_inputs; ++i) {
    const halftone_tensor_info &info = program.inputs[i];
    Tensor tensor;
    tensor.name.append(info.name);
    tensor.dtype = info.dtype;
    tensor.rank = info.rank;
    for (uint32_t d = 0; d < info.rank; ++d)
      tensor.dims[d] = info.dims[d] >= 0 ? info.dims[d]
                       : info.dims[d] == HALFTONE_EXPRESSION
                           ? *expression++
                           : symbols[-(info.dims[d] + 1)];
    if (!tensor.allocate(quoted(info.name).c_str(), diagnostic))
      return false;
    void *data = tensor.buffer.data();
    int64_t columns = info.rank ? tensor.dims[info.rank - 1] : 1;
    bool mask = strstr(info.name, "mask");
    for (size_t e = 0; e < tensor.numElements(); ++e)
      if (isFloat(info.dtype))
        storeFloat(info.dtype, data, e, mask ? 1 : random.next());
      else
        storeInteger(info.dtype, data, e,
                     likelyInteger(info, static_cast<int64_t>(e) % columns));
    inputs.push(std::move(tensor));
  }
  return true;
}

} // namespace halftone::rt
