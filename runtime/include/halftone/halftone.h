//===- halftone.h - run compiled models from C and C++ --------------------===//
//
// The API of a model compiled by Halftone. Plain C99, usable from C++.
//
//   halftone_model *model;
//   halftone_session *session;
//   if (halftone_load(&halftone_this_program, &model) != HALFTONE_OK ||
//       halftone_session_create(model, NULL, &session) != HALFTONE_OK)
//     die(halftone_last_error());
//
//   int64_t ids[2 * 7] = {...};
//   float hidden[2 * 7 * 384];
//   halftone_tensor in = {"input_ids", HALFTONE_I64, 2, {2, 7}, ids, sizeof
//   ids}; halftone_tensor out = {"last_hidden_state", HALFTONE_F32, 0, {0},
//   hidden,
//                          sizeof hidden};
//   if (halftone_session_run(session, &in, 1, &out, 1) != HALFTONE_OK)
//     die(halftone_last_error());
//   // out.rank is 3 and out.dims is {2, 7, 384} now.
//
//   halftone_session_destroy(session);
//   halftone_model_destroy(model);
//
// Ownership. The caller owns every buffer that it passes; the library keeps no
// pointer to one after a call returns. Strings and descriptions that the
// library returns belong to the model and live until it is destroyed.
//
// Threads. A model may be used from any number of threads at once. A session
// runs one step at a time (a second call at the same time fails with
// HALFTONE_BUSY and harms nothing); for concurrent runs create several
// sessions, which share the weights and have an arena and threads of their own.
// The thread that calls halftone_session_run computes too: it is thread 0. A
// session does not survive fork(); create it in the process that uses it.
//
// Errors. Functions that can fail return a halftone_status. After a failure
// halftone_last_error() has a sentence for the user, in the calling thread.
// Output buffers have undefined contents after a failed run.
//
// Floating point. The library leaves the rounding mode and the denormal flags
// (MXCSR) of every thread as it found them; denormals are computed, not
// flushed.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_HALFTONE_H
#define HALFTONE_HALFTONE_H

#include "halftone/abi.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HALFTONE_VERSION "0.1.0"

#if defined(__GNUC__)
#define HALFTONE_API __attribute__((visibility("default")))
#define HALFTONE_SYMBOL(name) __asm__(name)
#else
#define HALFTONE_API
#define HALFTONE_SYMBOL(name)
#endif

/// The program linked under the symbol `halftone_program`: the one of this
/// executable, or of the one model library it is linked with. A C identifier
/// cannot be both that type and that object, hence the other name. With several
/// models in one process, use their own symbols or dlsym.
extern const halftone_program
    halftone_this_program HALFTONE_SYMBOL("halftone_program");

/// How a call ended.
typedef enum halftone_status {
  HALFTONE_OK = 0,
  HALFTONE_INVALID_ARGUMENT = 1, ///< a tensor, option or handle does not fit
  HALFTONE_INVALID_PROGRAM = 2,  ///< another ABI version, or damaged
  HALFTONE_UNSUPPORTED_CPU = 3,  ///< this computer lacks what the code needs
  HALFTONE_OUT_OF_MEMORY = 4,
  HALFTONE_SYSTEM_ERROR = 5, ///< threads could not be started
  HALFTONE_BUSY = 6,         ///< the session is running in another thread
  HALFTONE_FAULT = 7,        ///< an operation met invalid data, e.g. a token id
                             ///< beyond the vocabulary
} halftone_status;

/// No tensor has more dimensions than this.
#define HALFTONE_MAX_RANK 8

/// A dense array in row-major order, without padding, owned by the caller.
typedef struct halftone_tensor {
  /// Which input or output this is. NULL: the one at this place in the list.
  const char *name;
  uint32_t dtype; ///< a halftone_dtype
  uint32_t rank;
  int64_t dims[HALFTONE_MAX_RANK];
  /// Aligned at least to the size of one element.
  void *data;
  /// Inputs: the size of the array, exactly. Outputs: the room at `data`.
  size_t bytes;
} halftone_tensor;

/// A loaded model: checked against this computer; shares the program's weights.
typedef struct halftone_model halftone_model;

/// Threads and working memory for one run at a time.
typedef struct halftone_session halftone_session;

/// Zero-initialise, set `struct_size` to sizeof(halftone_session_options), then
/// set what should differ from the default.
typedef struct halftone_session_options {
  uint32_t struct_size;
  /// How many threads compute, the calling one included. 0: one per physical
  /// core that this process may use. At most HALFTONE_MAX_THREADS.
  uint32_t threads;
  /// Not 0: each worker stays on a CPU of its own (the calling thread, which is
  /// yours, is left alone).
  uint32_t pin;
} halftone_session_options;

#define HALFTONE_MAX_THREADS 1024

//===-- Errors and names
//---------------------------------------------------===//

/// The message of the last call that failed in this thread; "" if none did.
/// Valid until the next failing call in this thread.
HALFTONE_API const char *halftone_last_error(void);

/// A constant such as "invalid argument".
HALFTONE_API const char *halftone_status_name(halftone_status status);

/// "f32", "i64", ...; NULL for a number that is no halftone_dtype.
HALFTONE_API const char *halftone_dtype_name(uint32_t dtype);

/// Bytes of one element; 0 for a number that is no halftone_dtype.
HALFTONE_API size_t halftone_dtype_bytes(uint32_t dtype);

//===-- Models
//-------------------------------------------------------------===//

/// Checks the program's ABI version, chooses among its levels the best that this
/// computer can run, and makes a model of it. The program must stay mapped as
/// long as the model lives. The environment variable HALFTONE_CPU names the
/// level instead, if it is set and not empty.
HALFTONE_API halftone_status halftone_load(const halftone_program *program,
                                           halftone_model **model);

/// The same with the level of that name, whatever HALFTONE_CPU says: an invalid
/// argument if the program has no such level, an unsupported CPU if this
/// computer cannot run it. NULL: as halftone_load.
HALFTONE_API halftone_status halftone_load_level(
    const halftone_program *program, const char *level, halftone_model **model);

/// Gives the model back. Its memory goes when its last session is destroyed.
/// NULL is allowed.
HALFTONE_API void halftone_model_destroy(halftone_model *model);

HALFTONE_API const char *halftone_model_name(const halftone_model *model);

/// JSON: compiler version, options, source and target.
HALFTONE_API const char *halftone_model_build_info(const halftone_model *model);

/// The level that runs, such as "x86-64-v4".
HALFTONE_API const char *halftone_model_level(const halftone_model *model);

/// Bytes of working memory that each session allocates.
HALFTONE_API uint64_t halftone_model_arena_bytes(const halftone_model *model);

/// Bytes of packed weights, mapped from the file that holds the program.
HALFTONE_API uint64_t halftone_model_weight_bytes(const halftone_model *model);

HALFTONE_API size_t halftone_model_num_inputs(const halftone_model *model);
HALFTONE_API size_t halftone_model_num_outputs(const halftone_model *model);
HALFTONE_API size_t halftone_model_num_symbols(const halftone_model *model);

/// Name, dtype, rank and dimensions; NULL when `index` is out of range. A
/// dimension >= 0 is a constant. In an input, -1 - s is symbol number s. In an
/// output a negative one depends on the symbols. `dim_text` says each in words:
/// "384", "batch", "2 * sequence".
HALFTONE_API const halftone_tensor_info *
halftone_model_input(const halftone_model *model, size_t index);
HALFTONE_API const halftone_tensor_info *
halftone_model_output(const halftone_model *model, size_t index);

/// A dynamic dimension and its bounds; NULL when `index` is out of range.
HALFTONE_API const halftone_symbol *
halftone_model_symbol(const halftone_model *model, size_t index);

/// What the outputs of a run with these inputs will be. Inputs are checked as
/// in halftone_session_run, but their `data` and `bytes` are not looked at.
/// Fills all fields of outputs[0 .. number of outputs - 1] but `data`, in the
/// program's order; `bytes` becomes the room needed.
HALFTONE_API halftone_status halftone_output_shapes(
    const halftone_model *model, const halftone_tensor *inputs,
    size_t num_inputs, halftone_tensor *outputs, size_t num_outputs);

//===-- Sessions
//-----------------------------------------------------------===//

/// Allocates the arena and starts the threads. `options` may be NULL.
HALFTONE_API halftone_status halftone_session_create(
    halftone_model *model, const halftone_session_options *options,
    halftone_session **session);

/// Stops the threads and frees the arena. Not during a run. NULL is allowed.
HALFTONE_API void halftone_session_destroy(halftone_session *session);

/// How many threads compute.
HALFTONE_API size_t halftone_session_threads(const halftone_session *session);

/// Runs the model once. Every input and every output must be given exactly
/// once, in any order when named. Checked before anything runs: names, dtypes,
/// ranks, dimensions against constants and bounds, symbols equal wherever they
/// occur, sizes, null and misaligned pointers, and outputs that overlap another
/// buffer. In each output `dtype`, `data` and `bytes` are read, `rank` and
/// `dims` are written. A BOOL element must be 0 or 1.
HALFTONE_API halftone_status halftone_session_run(halftone_session *session,
                                                  const halftone_tensor *inputs,
                                                  size_t num_inputs,
                                                  halftone_tensor *outputs,
                                                  size_t num_outputs);

//===-- States
//-------------------------------------------------------------===//

/// What a session keeps from one run to the next, such as the keys and values of
/// earlier tokens (`halftone_model_state`). A new session's are zeros. A run that
/// failed may have changed them.

/// How many there are, and the name, dtype and constant dimensions of each; NULL
/// when `index` is out of range.
HALFTONE_API size_t halftone_model_num_states(const halftone_model *model);
HALFTONE_API const halftone_tensor_info *
halftone_model_state(const halftone_model *model, size_t index);

/// Bytes of states that each session has. Pages that no run wrote take no memory.
HALFTONE_API uint64_t halftone_model_state_bytes(const halftone_model *model);

/// All states become zeros.
HALFTONE_API halftone_status halftone_session_reset(halftone_session *session);

/// The memory of a state, to read or to write between runs; NULL when `index` is out of
/// range. What runs since then changed is there.
HALFTONE_API void *halftone_session_state(halftone_session *session,
                                          size_t index);

#ifdef __cplusplus
}
#endif

#endif
