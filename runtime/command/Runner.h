//===- Runner.h - a model, a session and its output buffers ---------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_RUNNER_H
#define HALFTONE_RUNTIME_COMMAND_RUNNER_H

#include "runtime/command/Options.h"
#include "runtime/files/Tensor.h"

namespace halftone::rt {

/// Seconds of a clock that only goes forward.
double now();

/// What --threads and --pin ask for.
halftone_session_options sessionOptions(const Options &options);
/// --pin: the session leaves the calling thread alone; here it is ours. Once
/// the session is there, since workers must not inherit this one CPU as all
/// there is.
void pinCaller(const Options &options);

/// Uses the public API, as a user's program would.
class Runner {
public:
  explicit Runner(const halftone_program &program) : program(program) {}
  Runner(const Runner &) = delete;
  Runner &operator=(const Runner &) = delete;
  ~Runner();

  /// Loads the program and starts the threads.
  bool start(const Options &options, Diagnostic &diagnostic);

  /// Allocates output buffers for these inputs; kept while they fit.
  bool prepare(const Array<Tensor> &inputs, Diagnostic &diagnostic);

  /// Runs on the inputs that were prepared for.
  bool run(Diagnostic &diagnostic);

  /// In the program's order; valid until the next prepare().
  const Array<halftone_tensor> &outputs() const { return outputTensors; }

  const char *level() const { return halftone_model_level(model); }
  size_t threads() const { return halftone_session_threads(session); }

  /// What a failure of the above means for the process.
  ExitCode exitCode() const { return code; }

private:
  bool failed(halftone_status status, Diagnostic &diagnostic);

  const halftone_program &program;
  halftone_model *model = nullptr;
  halftone_session *session = nullptr;
  Array<halftone_tensor> inputTensors;
  Array<halftone_tensor> outputTensors;
  Array<Buffer> buffers;
  ExitCode code = exitRunFailed;
};

} // namespace halftone::rt

#endif
