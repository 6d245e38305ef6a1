//===- Generate.h - a model that writes -----------------------------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_GENERATE_H
#define HALFTONE_RUNTIME_COMMAND_GENERATE_H

#include "runtime/command/Options.h"

namespace halftone::rt {

/// -p, --prompt-file: the prompt goes on.
ExitCode runGenerate(const halftone_program &program, const Options &options,
                     Diagnostic &diagnostic);

/// --chat: turns of a person at the standard input and the model.
ExitCode runChat(const halftone_program &program, const Options &options,
                 Diagnostic &diagnostic);

/// --tokens FILE --logits FILE: the logits after each token.
ExitCode runLogits(const halftone_program &program, const Options &options,
                   Diagnostic &diagnostic);

/// --bench prefill=N,decode=M
ExitCode runLanguageBench(const halftone_program &program,
                          const Options &options, Diagnostic &diagnostic);

/// How writing is asked for: `stops` must live as long.
halftone_generate_options generateOptions(const Options &options);

/// "at an end token", …
const char *finishName(halftone_finish finish);

} // namespace halftone::rt

#endif
