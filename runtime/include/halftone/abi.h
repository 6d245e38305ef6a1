//===- abi.h - the contract between generated code and the runtime ----------===//
//
// Plain C, no dependency but <stdint.h>. The compiler writes constants with
// these layouts (compiler/Emit/Descriptor.cpp mirrors every field); the
// runtime reads them. Change a layout: raise HALFTONE_ABI_VERSION.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_ABI_H
#define HALFTONE_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HALFTONE_ABI_VERSION 4u

/// Element types. Numbers are part of the ABI. Each element takes whole bytes: a
/// 2- or 4-bit integer the int8_t or uint8_t of that value, f4e2m1fn the low half
/// of a byte whose other half is zero.
typedef enum halftone_dtype {
  HALFTONE_F32 = 1,
  HALFTONE_F64 = 2,
  HALFTONE_F16 = 3,
  HALFTONE_BF16 = 4,
  HALFTONE_I8 = 5,
  HALFTONE_U8 = 6,
  HALFTONE_I16 = 7,
  HALFTONE_I32 = 8,
  HALFTONE_I64 = 9,
  HALFTONE_BOOL = 10, ///< one byte, 0 or 1
  HALFTONE_U16 = 11,
  HALFTONE_U32 = 12,
  HALFTONE_U64 = 13,
  HALFTONE_I2 = 14,
  HALFTONE_I4 = 15,
  HALFTONE_U2 = 16,
  HALFTONE_U4 = 17,
  HALFTONE_F8E4M3FN = 18,
  HALFTONE_F8E4M3FNUZ = 19,
  HALFTONE_F8E5M2 = 20,
  HALFTONE_F8E5M2FNUZ = 21,
  HALFTONE_F8E8M0FNU = 22,
  HALFTONE_F4E2M1FN = 23,
} halftone_dtype;

/// A named dynamic dimension of the model.
typedef struct halftone_symbol {
  const char *name;
  int64_t min; ///< least value a run may have
  int64_t max; ///< the arena is planned for this value
} halftone_symbol;

#define HALFTONE_EXPRESSION INT64_MIN

/// An input or output. `dims[i] >= 0` is a constant. In an input `-1 - s` is
/// symbol number s. HALFTONE_EXPRESSION is what only
/// `halftone_program::output_dims` knows. `dim_text[i]` is what to print.
typedef struct halftone_tensor_info {
  const char *name;
  uint32_t dtype;
  uint32_t rank;
  const int64_t *dims;
  const char *const *dim_text;
} halftone_tensor_info;

/// What a session keeps from one run to the next, such as the keys and values of
/// earlier tokens: zeros at first. Its dimensions are constants.
typedef struct halftone_state_info {
  halftone_tensor_info tensor;
  uint64_t offset; ///< in the session's states, 64-byte aligned
} halftone_state_info;

/// What one run hands to every thread of the generated step function. All
/// threads see the same object; only `fault` is written while they run.
typedef struct halftone_step {
  const void *const *inputs;
  void *const *outputs;
  const int64_t *symbols;
  void *arena;         ///< `arena_bytes`, 64-byte aligned
  void *states;        ///< `state_bytes`, 64-byte aligned, read and changed
  const void *payload; ///< packed weights, 4096-byte aligned
  int64_t num_threads;
  void *barrier; ///< for halftone_barrier only
  /// 0, or 1 + the index in the level's `fault_sites` of an operation that met
  /// an index out of range. Written with any value that a thread saw first.
  uint32_t fault;
} halftone_step;

/// Called by generated code only: returns when all threads of the step called it.
void halftone_barrier(const halftone_step *step, int64_t thread);

/// What code may need beyond x86-64; bits of `cpu_features`.
enum halftone_cpu_feature {
  HALFTONE_CPU_AVX2_FMA = 1u << 0,    ///< AVX2, FMA, F16C, BMI2: x86-64-v3
  HALFTONE_CPU_AVX512 = 1u << 1,      ///< F, BW, CD, DQ, VL: x86-64-v4
  HALFTONE_CPU_AVX512_VNNI = 1u << 2,
  HALFTONE_CPU_AVX512_BF16 = 1u << 3,
  HALFTONE_CPU_AMX_INT8 = 1u << 4, ///< with AMX-TILE and the kernel's permission
  HALFTONE_CPU_AMX_BF16 = 1u << 5,
  HALFTONE_CPU_AVX_VNNI = 1u << 6, ///< vpdpbusd of 256 bits, without AVX-512
};

/// The model's code for CPUs with certain features. All levels compute the same
/// model from the same payload; a session runs one of them.
typedef struct halftone_level {
  const char *name;      ///< what --cpu called it, such as "x86-64-v4"
  uint64_t cpu_features; ///< what the code needs
  uint64_t arena_bytes;  ///< for one run at the symbols' maxima
  uint64_t num_fault_sites;
  const char *const *fault_sites; ///< "Gather /words: index out of range"
  /// The SPMD step: every thread 0 .. num_threads-1 calls it once.
  void (*step)(halftone_step *step, int64_t thread);
} halftone_level;

/// What makes tokens of texts, and texts of tokens.
typedef struct halftone_text {
  const void *tokenizer; ///< runtime/text/TokenizerFormat.h, 8-byte aligned
  uint64_t tokenizer_bytes;
  const void *chat; ///< runtime/text/ChatFormat.h, 8-byte aligned, or NULL
  uint64_t chat_bytes;
  const uint32_t *ends; ///< tokens that end what a model writes
  uint64_t num_ends;
} halftone_text;

/// One compiled model. Generated as a constant; the symbol `halftone_program`
/// of a shared library or executable is it. All but the levels' steps runs on
/// any x86-64 CPU.
typedef struct halftone_program {
  uint32_t abi_version;
  uint32_t struct_size; ///< sizeof(halftone_program) the compiler knew
  const char *name;
  const char *build_info; ///< JSON: compiler version, options, source, target
  uint32_t num_symbols;
  uint32_t num_inputs;
  uint32_t num_outputs;
  uint32_t num_levels;
  uint32_t num_states;
  uint32_t reserved; ///< 0
  const halftone_symbol *symbols;
  const halftone_tensor_info *inputs;
  const halftone_tensor_info *outputs;
  const halftone_level *levels; ///< the one to prefer first
  const halftone_state_info *states;
  uint64_t state_bytes;
  const void *payload;
  uint64_t payload_bytes;
  /// Writes, for these symbol values, all outputs' dimensions one after the other,
  /// and then those dimensions of inputs that are expressions.
  void (*output_dims)(const int64_t *symbols, int64_t *dims);
  const halftone_text *text; ///< NULL: the program knows no texts
} halftone_program;

#ifdef __cplusplus
}
#endif

#endif
