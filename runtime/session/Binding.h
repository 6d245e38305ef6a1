//===- Binding.h - a caller's tensors against a program's signature -------===//

#ifndef HALFTONE_RUNTIME_SESSION_BINDING_H
#define HALFTONE_RUNTIME_SESSION_BINDING_H

#include "halftone/halftone.h"

namespace halftone::rt {

/// Checks the inputs' names, dtypes and shapes. Writes the value of every
/// symbol and, in the program's order, the place of each input in the caller's
/// list.
halftone_status bindInputs(const halftone_program &program,
                           const halftone_tensor *inputs, size_t numInputs,
                           int64_t *symbols, size_t *order);

/// Checks pointers and sizes of inputs that bindInputs accepted, and writes the
/// data pointers in the program's order.
halftone_status bindInputData(const halftone_program &program,
                              const halftone_tensor *inputs,
                              const size_t *order, const void **data);

/// Evaluates the shapes of all outputs, one after the other, into `dims` (room
/// for numEvaluatedDims) and checks them, and the inputs whose dimensions are
/// expressions.
halftone_status evaluateDims(const halftone_program &program,
                             const halftone_tensor *inputs, const size_t *order,
                             const int64_t *symbols, int64_t *dims);
size_t numEvaluatedDims(const halftone_program &program);

/// Checks the outputs, and writes their shapes and, in the program's order, the
/// data pointers.
halftone_status bindOutputs(const halftone_program &program,
                            halftone_tensor *outputs, size_t numOutputs,
                            const int64_t *dims, size_t *order, void **data);

/// That no output shares memory with another buffer.
halftone_status checkOverlap(const halftone_program &program,
                             const halftone_tensor *inputs,
                             const size_t *inputOrder,
                             const halftone_tensor *outputs,
                             const size_t *outputOrder);

} // namespace halftone::rt

#endif
