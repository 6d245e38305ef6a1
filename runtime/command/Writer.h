//===- Writer.h - a decoder at the command line ---------------------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_WRITER_H
#define HALFTONE_RUNTIME_COMMAND_WRITER_H

#include "halftone/language.h"
#include "runtime/command/Options.h"
#include "runtime/text/Utf8.h"

namespace halftone::rt {

/// Uses the public API, as a user's program would. What fails here says in
/// exitCode() what that means for the process.
class Writer {
public:
  explicit Writer(const halftone_program &program) : program(program) {}
  Writer(const Writer &) = delete;
  Writer &operator=(const Writer &) = delete;
  ~Writer();

  /// Loads the program and starts the threads.
  bool start(const Options &options, Diagnostic &diagnostic);

  /// Appends the tokens of a text.
  bool encode(TextView text, bool whole, Array<uint32_t> &tokens,
              Diagnostic &diagnostic);
  bool decode(const uint32_t *tokens, size_t count, Array<char> &text,
              Diagnostic &diagnostic);

  /// Reads tokens into sequence 0 with signs of life, but for the last ones,
  /// which `generate` takes: `rest` is where they begin.
  bool read(const Array<uint32_t> &tokens, size_t &rest,
            Diagnostic &diagnostic);

  /// What is asked of the decoder, done.
  bool check(halftone_status status, Diagnostic &diagnostic);

  halftone_decoder *get() const { return decoder; }
  const char *level() const { return halftone_model_level(model); }
  size_t threads() const {
    return halftone_session_threads(halftone_decoder_session(decoder));
  }
  ExitCode exitCode() const { return code; }

private:
  const halftone_program &program;
  halftone_model *model = nullptr;
  halftone_decoder *decoder = nullptr;
  ExitCode code = exitRunFailed;
};

} // namespace halftone::rt

#endif
