//===- Runner.cpp - a model, a session and its output buffers -------------===//

#include "runtime/command/Runner.h"
#include "runtime/session/Cpus.h"

#include <ctime>

namespace halftone::rt {

double now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * 1e-9;
}

halftone_session_options sessionOptions(const Options &options) {
  halftone_session_options chosen = {};
  chosen.struct_size = sizeof(chosen);
  chosen.threads = static_cast<uint32_t>(options.threads);
  chosen.pin = options.pin;
  return chosen;
}

void pinCaller(const Options &options) {
  if (!options.pin)
    return;
  CpuList cpus;
  listCpus(cpus);
  pinThisThread(cpus.cpus[0]);
}

Runner::~Runner() {
  halftone_session_destroy(session);
  halftone_model_destroy(model);
}

bool Runner::failed(halftone_status status, Diagnostic &diagnostic) {
  code = status == HALFTONE_INVALID_PROGRAM ? exitInternal : exitRunFailed;
  return diagnostic.fail("%s", halftone_last_error());
}

bool Runner::start(const Options &options, Diagnostic &diagnostic) {
  if (halftone_status status =
          halftone_load_level(&program, options.level, &model)) {
    failed(status, diagnostic);
    // Of the arguments here only the level can be wrong.
    if (status == HALFTONE_INVALID_ARGUMENT)
      code = exitUsage;
    return false;
  }
  halftone_session_options chosen = sessionOptions(options);
  if (halftone_status status =
          halftone_session_create(model, &chosen, &session))
    return failed(status, diagnostic);
  pinCaller(options);
  return true;
}

bool Runner::prepare(const Array<Tensor> &inputs, Diagnostic &diagnostic) {
  inputTensors.clear();
  for (const Tensor &input : inputs)
    inputTensors.push(input.view());
  outputTensors.resize(program.num_outputs);
  buffers.resize(program.num_outputs);
  if (halftone_status status = halftone_output_shapes(
          model, inputTensors.data(), inputTensors.size(), outputTensors.data(),
          outputTensors.size()))
    return failed(status, diagnostic);
  for (size_t i = 0; i < outputTensors.size(); ++i) {
    halftone_tensor &output = outputTensors[i];
    if (buffers[i].size() < output.bytes && !buffers[i].allocate(output.bytes))
      return diagnostic.fail(
          "output %s: out of memory: shape %s of %s takes %s",
          quoted(output.name).c_str(),
          shapeText(output.dims, output.rank).c_str(), typeName(output.dtype),
          sizeText(output.bytes).c_str());
    output.data = buffers[i].data();
  }
  return true;
}

bool Runner::run(Diagnostic &diagnostic) {
  if (halftone_status status = halftone_session_run(
          session, inputTensors.data(), inputTensors.size(),
          outputTensors.data(), outputTensors.size()))
    return failed(status, diagnostic);
  return true;
}

} // namespace halftone::rt
