//===- Toys.h - programs as the compiler would generate them --------------===//

#ifndef HALFTONE_TEST_RUNTIME_TOYS_H
#define HALFTONE_TEST_RUNTIME_TOYS_H

#include "halftone/halftone.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Doubles "x" where "mask" is 1, and sums it by row:
///   x: f32 [batch, sequence, 4], mask: i64 [batch, sequence]
///   -> y: f32 [batch, sequence, 4], total: f32 [batch], all: f32 [2 * batch]
/// batch is 1 to 8, sequence 1 to 512. A mask that is not 0 or 1 is a fault.
/// Its threads meet in two barriers.
extern const halftone_program toyModel;

/// A language model over 16 tokens, sure that the next one is the last plus 1:
///   input_ids: i64, attention_mask: i64, position_ids: i64 [batch, sequence]
///   -> logits: f32 [batch, sequence, 16]; 2 for that token, 0 for others
/// batch is 1, sequence 1 to 8.
extern const halftone_program toyLanguageModel;

/// Adds what it is given up:
///   x: f32 [3] -> y: f32 [3], the sum of all x of this session
/// Its states are "runs", i64, and "sum", f32 [3].
extern const halftone_program toySum;

#ifdef __cplusplus
}
#endif

#endif
