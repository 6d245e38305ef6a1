//===- Inputs.h - where a run's inputs come from --------------------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_INPUTS_H
#define HALFTONE_RUNTIME_COMMAND_INPUTS_H

#include "runtime/command/Options.h"
#include "runtime/files/Tensor.h"

namespace halftone::rt {

/// Reads the files of --inputs and --input. All of the program's inputs must be
/// there, each once, and nothing else; shapes and dtypes are the run's concern.
bool readInputs(const halftone_program &program, const Options &options,
                Array<Tensor> &inputs, Diagnostic &diagnostic);

/// Makes inputs for a benchmark. `symbols` has a value for each symbol.
bool makeInputs(const halftone_program &program, const int64_t *symbols,
                Array<Tensor> &inputs, Diagnostic &diagnostic);

/// Values for the symbols: from --shape, else 1 for a batch and 128 for others,
/// within the bounds.
bool chooseSymbols(const halftone_program &program, const Options &options,
                   Array<int64_t> &symbols, Diagnostic &diagnostic);

/// Reads one .npy file.
bool readNpyFile(const char *path, Tensor &tensor, Diagnostic &diagnostic);

/// The index of the input or output of that name, or `count`.
uint32_t findTensor(const halftone_tensor_info *infos, uint32_t count,
                    const char *name);

/// Whether the file name ends like this, e.g. ".npz".
bool hasSuffix(const char *path, const char *suffix);

} // namespace halftone::rt

#endif
