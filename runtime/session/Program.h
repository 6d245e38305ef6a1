//===- Program.h - checks on a compiled program ---------------------------===//

#ifndef HALFTONE_RUNTIME_SESSION_PROGRAM_H
#define HALFTONE_RUNTIME_SESSION_PROGRAM_H

#include "halftone/halftone.h"
#include "runtime/support/Text.h"

namespace halftone::rt {

/// That the program speaks this runtime's ABI and is whole, so that the rest of
/// the runtime need not ask again.
halftone_status checkProgram(const halftone_program *program);

/// `input_ids, attention_mask`.
Text nameList(const halftone_tensor_info *infos, uint32_t count);

/// `[batch, sequence]`.
Text signatureShape(const halftone_tensor_info &info);

} // namespace halftone::rt

#endif
