//===- Outputs.cpp - where a run's outputs go -----------------------------===//

#include "runtime/command/Outputs.h"
#include "runtime/command/Inputs.h"
#include "runtime/files/Json.h"
#include "runtime/files/Npy.h"
#include "runtime/files/Npz.h"
#include "runtime/session/Program.h"

#include <cstdio>
#include <cstring>

namespace halftone::rt {

/// Devices such as /dev/null have no suffix; they get the archive.
static bool isDevice(const char *path) {
  return strncmp(path, "/dev/", 5) == 0;
}

bool OutputFiles::check(const halftone_program &program, const Options &options,
                        Diagnostic &diagnostic) {
  if (const char *path = options.outputsFile)
    if (!hasSuffix(path, ".npz") && !hasSuffix(path, ".json") &&
        !isDevice(path))
      return diagnostic.fail("--outputs: the name of %s must end in .npz or "
                             ".json (a single .npy file: --output NAME=FILE)",
                             quoted(path).c_str());
  for (const NamedPath &given : options.outputs) {
    if (findTensor(program.outputs, program.num_outputs, given.name.c_str()) ==
        program.num_outputs)
      return diagnostic.fail(
          "this program has no output %s; its outputs are: %s",
          quoted(given.name.c_str()).c_str(),
          nameList(program.outputs, program.num_outputs).c_str());
    if (!hasSuffix(given.path, ".npy") && !isDevice(given.path))
      return diagnostic.fail("--output: the name of %s must end in .npy",
                             quoted(given.path).c_str());
  }
  return true;
}

bool OutputFiles::open(const Options &options, Diagnostic &diagnostic) {
  if (options.outputsFile &&
      !files.push(OutputFile()).open(options.outputsFile, diagnostic))
    return false;
  for (const NamedPath &given : options.outputs)
    if (!files.push(OutputFile()).open(given.path, diagnostic))
      return false;
  return true;
}

bool OutputFiles::write(const halftone_program &program, const Options &options,
                        const Array<halftone_tensor> &outputs,
                        Diagnostic &diagnostic) {
  size_t next = 0;
  if (options.outputsFile) {
    OutputFile &file = files[next++];
    if (hasSuffix(options.outputsFile, ".json"))
      writeJson(file, outputs.data(), outputs.size());
    else
      writeNpz(file, outputs.data(), outputs.size());
  }
  for (const NamedPath &given : options.outputs) {
    OutputFile &file = files[next++];
    const halftone_tensor &output = outputs[findTensor(
        program.outputs, program.num_outputs, given.name.c_str())];
    Text header = npyHeader(output);
    file.write(header.c_str(), header.size());
    file.write(output.data, output.bytes);
  }
  for (OutputFile &file : files)
    if (!file.finish(diagnostic))
      return false;
  for (OutputFile &file : files)
    if (!file.commit(diagnostic))
      return false;
  return true;
}

void printOutputs(const Array<halftone_tensor> &outputs) {
  constexpr size_t shown = 8;
  for (const halftone_tensor &output : outputs) {
    printf("%s: %s %s\n ", output.name, typeName(output.dtype),
           shapeText(output.dims, output.rank).c_str());
    size_t count = output.bytes / typeBytes(output.dtype);
    for (size_t i = 0; i < count && i < shown; ++i)
      printf(" %s", elementText(output, i).c_str());
    printf(count > shown ? " ...\n" : "\n");
  }
}

} // namespace halftone::rt
