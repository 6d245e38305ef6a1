//===- LanguageModel.cpp - perplexity and next tokens ---------------------===//

#include "runtime/command/LanguageModel.h"
#include "runtime/command/Inputs.h"
#include "runtime/command/Progress.h"
#include "runtime/command/Runner.h"
#include "runtime/files/InputFile.h"
#include "runtime/text/Tokenizer.h"

#include <cmath>
#include <cstdio>
#include <cstring>

namespace halftone::rt {

namespace {

/// Token ids, one or more rows of the same length.
struct Tokens {
  Tensor tensor;
  size_t numRows = 0;
  size_t rowSize = 0;

  /// A .npy file of ids, or a text for the program's tokenizer.
  bool read(const halftone_program &program, const char *path,
            Diagnostic &diagnostic);
  int64_t at(size_t row, size_t column) const {
    return loadInteger(tensor.dtype, tensor.buffer.data(),
                       row * rowSize + column);
  }
};

/// A program that maps token ids to logits.
class LanguageModel {
public:
  LanguageModel(const halftone_program &program, const Options &options)
      : program(program), options(options), runner(program) {}

  /// Checks the signature (exit code 2 when it does not fit) and starts.
  ExitCode start(Diagnostic &diagnostic);

  size_t minSequence() const { return least; }
  size_t maxSequence() const { return greatest; }
  size_t vocabulary() const { return vocabularySize; }
  ExitCode exitCode() const { return runner.exitCode(); }

  /// Computes the logits after each of these tokens.
  bool run(const Tokens &tokens, size_t row, size_t begin, size_t count,
           Diagnostic &diagnostic);

  /// Writes log p(token) for every token that may follow this place.
  void logProbabilities(size_t place, Array<double> &values) const;

private:
  bool checkSignature(Diagnostic &diagnostic);
  bool makeWindow(size_t count, Diagnostic &diagnostic);

  const halftone_program &program;
  const Options &options;
  Runner runner;
  Array<Tensor> inputs;
  size_t windowSize = 0; ///< of `inputs` as they are
  size_t least = 1, greatest = 0;
  uint32_t idsIndex = 0, logitsIndex = 0;
  halftone_tensor logits = {};
  size_t vocabularySize = 0;
};

} // namespace

static bool tokenize(const halftone_program &program, const char *path,
                     Tensor &tensor, Diagnostic &diagnostic) {
  Text name = quoted(path);
  if (!program.text)
    return diagnostic.fail("%s is no .npy file of token ids, and this program "
                           "has no tokenizer for texts",
                           name.c_str());
  InputFile file;
  Tokenizer tokenizer;
  Array<uint32_t> ids;
  Bytes form = {static_cast<const unsigned char *>(program.text->tokenizer),
                program.text->tokenizer_bytes};
  if (!file.open(path, diagnostic) || !tokenizer.open(form, diagnostic))
    return false;
  Bytes text = file.bytes();
  Diagnostic why;
  if (!tokenizer.encode({reinterpret_cast<const char *>(text.data), text.size},
                        /*whole=*/true, ids, why))
    return diagnostic.fail("%s: %s", name.c_str(), why.text());
  tensor.dtype = HALFTONE_U32;
  tensor.rank = 1;
  tensor.dims[0] = static_cast<int64_t>(ids.size());
  if (!tensor.allocate(name.c_str(), diagnostic))
    return false;
  if (!ids.empty())
    memcpy(tensor.buffer.data(), ids.data(), ids.size() * sizeof(uint32_t));
  return true;
}

bool Tokens::read(const halftone_program &program, const char *path,
                  Diagnostic &diagnostic) {
  if (!hasSuffix(path, ".npy")) {
    if (!tokenize(program, path, tensor, diagnostic))
      return false;
  } else if (!readNpyFile(path, tensor, diagnostic)) {
    return false;
  }
  Text name = quoted(path);
  if (isFloat(tensor.dtype) || tensor.dtype == HALFTONE_BOOL)
    return diagnostic.fail("%s has %s elements; token ids are integers (int64)",
                           name.c_str(), typeName(tensor.dtype));
  if (tensor.rank != 1 && tensor.rank != 2)
    return diagnostic.fail("%s has shape %s; token ids are a list, or one list "
                           "per row",
                           name.c_str(),
                           shapeText(tensor.dims, tensor.rank).c_str());
  numRows = tensor.rank == 2 ? static_cast<size_t>(tensor.dims[0]) : 1;
  rowSize = static_cast<size_t>(tensor.dims[tensor.rank - 1]);
  if (tensor.numElements() == 0)
    return diagnostic.fail("%s has no tokens", name.c_str());
  return true;
}

bool LanguageModel::checkSignature(Diagnostic &diagnostic) {
  const char *option =
      options.action == actionPerplexity ? "--perplexity" : "--next";
  auto refuse = [&](const char *why) {
    return diagnostic.fail("%s needs a program with an integer input "
                           "\"input_ids\" [batch, sequence] and a float output "
                           "\"logits\" [batch, sequence, vocabulary]: %s",
                           option, why);
  };
  idsIndex = findTensor(program.inputs, program.num_inputs, "input_ids");
  logitsIndex = findTensor(program.outputs, program.num_outputs, "logits");
  if (idsIndex == program.num_inputs)
    return refuse("this one has no input \"input_ids\"");
  if (logitsIndex == program.num_outputs)
    return refuse("this one has no output \"logits\"");
  const halftone_tensor_info &ids = program.inputs[idsIndex];
  const halftone_tensor_info &scores = program.outputs[logitsIndex];
  if (isFloat(ids.dtype) || ids.dtype == HALFTONE_BOOL || ids.rank != 2 ||
      ids.dims[0] == HALFTONE_EXPRESSION || ids.dims[1] == HALFTONE_EXPRESSION)
    return refuse("its \"input_ids\" is another kind of array");
  if (!isFloat(scores.dtype) || scores.rank < 2)
    return refuse("its \"logits\" is another kind of array");
  for (uint32_t i = 0; i < program.num_inputs; ++i) {
    const char *name = program.inputs[i].name;
    if (i != idsIndex && strcmp(name, "attention_mask") != 0 &&
        strcmp(name, "position_ids") != 0 && strcmp(name, "sequences") != 0 &&
        strcmp(name, "start") != 0 && strcmp(name, "wanted") != 0)
      return refuse(
          formatted("this one also has the input %s", quoted(name).c_str())
              .c_str());
  }
  auto bounds = [&](int64_t dim, int64_t &low, int64_t &high) {
    low = dim >= 0 ? dim : program.symbols[-(dim + 1)].min;
    high = dim >= 0 ? dim : program.symbols[-(dim + 1)].max;
  };
  int64_t low, high;
  bounds(ids.dims[0], low, high);
  if (low > 1 || high < 1)
    return refuse("this one cannot run with a batch of 1");
  bounds(ids.dims[1], low, high);
  least = static_cast<size_t>(low > 1 ? low : 1);
  greatest = static_cast<size_t>(high);
  return true;
}

ExitCode LanguageModel::start(Diagnostic &diagnostic) {
  if (!checkSignature(diagnostic))
    return exitUsage;
  return runner.start(options, diagnostic) ? exitOk : runner.exitCode();
}

/// Inputs for `count` tokens; only the ids change from run to run.
bool LanguageModel::makeWindow(size_t count, Diagnostic &diagnostic) {
  if (count == windowSize)
    return true;
  Array<int64_t> symbols;
  symbols.resize(program.num_symbols);
  const int64_t *dims = program.inputs[idsIndex].dims;
  // Other symbols of the mask or the positions are lengths as well.
  for (int64_t &symbol : symbols)
    symbol = static_cast<int64_t>(count);
  if (dims[0] < 0)
    symbols[static_cast<size_t>(-(dims[0] + 1))] = 1;
  if (dims[1] < 0)
    symbols[static_cast<size_t>(-(dims[1] + 1))] = static_cast<int64_t>(count);
  inputs.clear();
  // Makes a mask of ones and positions 0, 1, 2, ...; of a program with caches, one window after
  // the other in sequence 0 from its start.
  if (!makeInputs(program, symbols.data(), inputs, diagnostic) ||
      !runner.prepare(inputs, diagnostic))
    return false;
  uint32_t wanted = findTensor(program.inputs, program.num_inputs, "wanted");
  if (wanted < program.num_inputs) {
    Tensor &places = inputs[wanted];
    for (size_t i = 0; i < places.numElements(); ++i)
      storeInteger(places.dtype, places.buffer.data(), i, static_cast<int64_t>(i));
  }
  windowSize = count;
  logits = runner.outputs()[logitsIndex];
  vocabularySize = static_cast<size_t>(logits.dims[logits.rank - 1]);
  if (vocabularySize == 0 ||
      logits.bytes / typeBytes(logits.dtype) / vocabularySize != count)
    return diagnostic.fail("the output \"logits\" has shape %s for %zu tokens; "
                           "[1, %zu, vocabulary] is needed",
                           shapeText(logits.dims, logits.rank).c_str(), count,
                           count);
  return true;
}

bool LanguageModel::run(const Tokens &tokens, size_t row, size_t begin,
                        size_t count, Diagnostic &diagnostic) {
  if (!makeWindow(count, diagnostic))
    return false;
  Tensor &ids = inputs[idsIndex];
  for (size_t i = 0; i < count; ++i) {
    int64_t id = tokens.at(row, begin + i);
    if (id < 0 || id >= static_cast<int64_t>(vocabularySize))
      return diagnostic.fail("token %zu of row %zu is %lld, but the vocabulary "
                             "has %zu tokens",
                             begin + i, row, static_cast<long long>(id),
                             vocabularySize);
    storeInteger(ids.dtype, ids.buffer.data(), i, id);
  }
  return runner.run(diagnostic);
}

void LanguageModel::logProbabilities(size_t place,
                                     Array<double> &values) const {
  values.resize(vocabularySize);
  loadElements(logits.dtype, logits.data, place * vocabularySize,
               vocabularySize, values.data());
  double most = -INFINITY;
  for (double value : values)
    most = value > most ? value : most;
  double sum = 0;
  for (double value : values)
    sum += exp(value - most);
  double normalizer = most + log(sum);
  for (double &value : values)
    value -= normalizer;
}

namespace {
struct Likelihood {
  double negativeLog = 0; ///< summed
  uint64_t predicted = 0;
  uint64_t skipped = 0; ///< tokens in windows that are too short
  uint64_t windows = 0;

  double perplexity() const {
    return exp(negativeLog / static_cast<double>(predicted));
  }
};
} // namespace

static bool scoreRows(LanguageModel &model, const Tokens &tokens, size_t window,
                      Likelihood &result, Diagnostic &diagnostic) {
  Progress progress;
  Array<double> logProbabilities;
  size_t perRow = (tokens.rowSize + window - 1) / window;
  for (size_t row = 0; row < tokens.numRows; ++row)
    for (size_t begin = 0; begin < tokens.rowSize; begin += window) {
      size_t left = tokens.rowSize - begin;
      size_t count = left < window ? left : window;
      if (count < 2 || count < model.minSequence()) {
        result.skipped += count;
        continue;
      }
      if (!model.run(tokens, row, begin, count, diagnostic))
        return false;
      for (size_t i = 0; i + 1 < count; ++i) {
        auto next = static_cast<size_t>(tokens.at(row, begin + i + 1));
        model.logProbabilities(i, logProbabilities);
        result.negativeLog -= logProbabilities[next];
      }
      result.predicted += count - 1;
      ++result.windows;
      if (progress.isDue())
        fprintf(stderr, "perplexity: window %zu of %zu, %.4f so far\n",
                row * perRow + begin / window + 1, tokens.numRows * perRow,
                result.perplexity());
    }
  return true;
}

ExitCode runPerplexity(const halftone_program &program, const Options &options,
                       Diagnostic &diagnostic) {
  Tokens tokens;
  if (!tokens.read(program, options.tokensFile, diagnostic))
    return exitUsage;
  LanguageModel model(program, options);
  if (ExitCode code = model.start(diagnostic))
    return code;
  size_t most = model.maxSequence();
  size_t window = options.window;
  if (window > most) {
    diagnostic.fail(
        "--window %zu is more than the %zu tokens that this program "
        "was compiled for",
        window, most);
    return exitUsage;
  }
  if (window == 0)
    window = most < 512 ? most : 512;
  if (window < model.minSequence())
    window = model.minSequence();
  Likelihood result;
  if (!scoreRows(model, tokens, window, result, diagnostic))
    return model.exitCode();
  if (result.predicted == 0) {
    diagnostic.fail("%s has too few tokens to predict one",
                    quoted(options.tokensFile).c_str());
    return exitRunFailed;
  }
  if (result.skipped)
    fprintf(stderr,
            "note: %llu tokens at the end are left out: their window is "
            "too short for this program\n",
            static_cast<unsigned long long>(result.skipped));
  auto predicted = static_cast<unsigned long long>(result.predicted);
  auto windows = static_cast<unsigned long long>(result.windows);
  if (options.json)
    printf("{\"schema_version\": 1, \"program\": %s, \"perplexity\": %.9g, "
           "\"mean_negative_log_likelihood\": %.9g, \"tokens\": %llu, "
           "\"windows\": %llu, \"window\": %zu}\n",
           jsonText(program.name).c_str(), result.perplexity(),
           log(result.perplexity()), predicted, windows, window);
  else
    printf(
        "perplexity %.4f over %llu predicted tokens (%llu windows of at most "
        "%zu)\n",
        result.perplexity(), predicted, windows, window);
  return exitOk;
}

/// The most likely token; ties: the lower id.
static size_t bestToken(const Array<double> &logProbabilities) {
  size_t best = 0;
  for (size_t token = 1; token < logProbabilities.size(); ++token)
    if (logProbabilities[token] > logProbabilities[best])
      best = token;
  return best;
}

ExitCode runNext(const halftone_program &program, const Options &options,
                 Diagnostic &diagnostic) {
  Tokens tokens;
  if (!tokens.read(program, options.tokensFile, diagnostic))
    return exitUsage;
  LanguageModel model(program, options);
  if (ExitCode code = model.start(diagnostic))
    return code;
  size_t count = tokens.rowSize;
  if (count > model.maxSequence()) {
    count = model.maxSequence();
    fprintf(stderr,
            "note: only the last %zu of %zu tokens are used: the program "
            "was compiled for at most that many\n",
            count, tokens.rowSize);
  }
  if (options.json)
    printf("{\"schema_version\": 1, \"program\": %s, \"rows\": [",
           jsonText(program.name).c_str());
  Array<double> logProbabilities;
  for (size_t row = 0; row < tokens.numRows; ++row) {
    if (!model.run(tokens, row, tokens.rowSize - count, count, diagnostic))
      return model.exitCode();
    if (options.json)
      printf(row ? ",\n [" : "\n [");
    else if (tokens.numRows > 1)
      printf("row %zu\n", row);
    model.logProbabilities(count - 1, logProbabilities);
    for (uint64_t i = 0; i < options.top && i < model.vocabulary(); ++i) {
      size_t token = bestToken(logProbabilities);
      double probability = exp(logProbabilities[token]);
      logProbabilities[token] = -INFINITY; // Taken.
      if (options.json)
        printf("%s{\"token\": %zu, \"probability\": %.9g}", i ? ", " : "",
               token, probability);
      else
        printf("%8zu  %.6f\n", token, probability);
    }
    if (options.json)
      printf("]");
  }
  if (options.json)
    printf("]}\n");
  return exitOk;
}

} // namespace halftone::rt
