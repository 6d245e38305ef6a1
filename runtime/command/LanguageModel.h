//===- LanguageModel.h - perplexity and next tokens -----------------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_LANGUAGEMODEL_H
#define HALFTONE_RUNTIME_COMMAND_LANGUAGEMODEL_H

#include "runtime/command/Options.h"

namespace halftone::rt {

/// --perplexity: exp of the mean of -log p(token | the tokens before it in its
/// window), over non-overlapping windows; the first token of a window is not
/// predicted.
ExitCode runPerplexity(const halftone_program &program, const Options &options,
                       Diagnostic &diagnostic);

/// --next: the most likely tokens after the last one, for each row.
ExitCode runNext(const halftone_program &program, const Options &options,
                 Diagnostic &diagnostic);

} // namespace halftone::rt

#endif
