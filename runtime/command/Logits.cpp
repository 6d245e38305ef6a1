//===- Logits.cpp - --tokens: the logits after each token -----------------===//

#include "runtime/command/Generate.h"
#include "runtime/command/Inputs.h"
#include "runtime/command/Progress.h"
#include "runtime/command/Writer.h"
#include "runtime/files/Npy.h"
#include "runtime/files/OutputFile.h"

#include <cstdio>

namespace halftone::rt {

/// Tokens whose logits are held at once.
static constexpr size_t tokensPerRun = 64;

/// A list of token ids.
static bool readTokens(const char *path, Array<uint32_t> &tokens,
                       Diagnostic &diagnostic) {
  Tensor tensor;
  if (!readNpyFile(path, tensor, diagnostic))
    return false;
  if (isFloat(tensor.dtype) || tensor.dtype == HALFTONE_BOOL ||
      tensor.rank != 1 || tensor.numElements() == 0)
    return diagnostic.fail("%s has shape %s of %s; token ids are a list of "
                           "integers",
                           quoted(path).c_str(),
                           shapeText(tensor.dims, tensor.rank).c_str(),
                           typeName(tensor.dtype));
  for (size_t i = 0; i < tensor.numElements(); ++i) {
    int64_t id = loadInteger(tensor.dtype, tensor.buffer.data(), i);
    if (id < 0 || id > UINT32_MAX)
      return diagnostic.fail("token %zu of %s is %lld, which is no token id", i,
                             quoted(path).c_str(), static_cast<long long>(id));
    tokens.push(static_cast<uint32_t>(id));
  }
  return true;
}

ExitCode runLogits(const halftone_program &program, const Options &options,
                   Diagnostic &diagnostic) {
  if (!options.logitsFile || !hasSuffix(options.logitsFile, ".npy")) {
    diagnostic.fail("--tokens needs --logits FILE.npy, where the logits go");
    return exitUsage;
  }
  Array<uint32_t> tokens;
  if (!readTokens(options.tokensFile, tokens, diagnostic))
    return exitUsage;
  Writer writer(program);
  if (!writer.start(options, diagnostic))
    return writer.exitCode();
  size_t vocabulary = halftone_decoder_vocabulary(writer.get());
  OutputFile file;
  if (!file.open(options.logitsFile, diagnostic))
    return exitRunFailed;
  halftone_tensor shape = {"logits",
                           HALFTONE_F32,
                           2,
                           {static_cast<int64_t>(tokens.size()),
                            static_cast<int64_t>(vocabulary)},
                           nullptr,
                           tokens.size() * vocabulary * sizeof(float)};
  Text header = npyHeader(shape);
  file.write(header.c_str(), header.size());
  Progress progress;
  Array<float> logits;
  for (size_t at = 0; at < tokens.size();) {
    size_t count = tokens.size() - at;
    if (count > tokensPerRun)
      count = tokensPerRun;
    logits.resize(count * vocabulary);
    if (!writer.check(halftone_sequence_append(writer.get(), 0,
                                               tokens.data() + at, count,
                                               logits.data(), count),
                      diagnostic))
      return writer.exitCode();
    file.write(logits.data(), logits.size() * sizeof(float));
    at += count;
    if (progress.isDue())
      fprintf(stderr, "logits: %zu of %zu tokens\n", at, tokens.size());
  }
  return file.finish(diagnostic) && file.commit(diagnostic) ? exitOk
                                                            : exitRunFailed;
}

} // namespace halftone::rt
