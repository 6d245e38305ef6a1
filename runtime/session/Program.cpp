//===- Program.cpp - checks on a compiled program -------------------------===//

#include "runtime/session/Program.h"
#include "runtime/session/Error.h"
#include "runtime/support/Checked.h"
#include "runtime/support/DataType.h"

#include <cstring>

namespace halftone::rt {

static halftone_status damaged(const char *what) {
  return fail(HALFTONE_INVALID_PROGRAM, "this program is damaged: %s", what);
}

static halftone_status checkTensors(const halftone_program &program,
                                    const halftone_tensor_info *infos,
                                    uint32_t count, const char *kind) {
  if (count && !infos)
    return fail(HALFTONE_INVALID_PROGRAM,
                "this program is damaged: it has no list of its %ss", kind);
  for (uint32_t i = 0; i < count; ++i) {
    const halftone_tensor_info &info = infos[i];
    if (!info.name || (info.rank && (!info.dims || !info.dim_text)))
      return fail(HALFTONE_INVALID_PROGRAM,
                  "this program is damaged: %s %u has no description", kind, i);
    if (!typeBytes(info.dtype))
      return fail(HALFTONE_INVALID_PROGRAM,
                  "this program is damaged: %s %s has an unknown dtype (%u)",
                  kind, quoted(info.name).c_str(), info.dtype);
    if (info.rank > HALFTONE_MAX_RANK)
      return fail(HALFTONE_INVALID_PROGRAM,
                  "%s %s has rank %u; this runtime supports at most %d", kind,
                  quoted(info.name).c_str(), info.rank, HALFTONE_MAX_RANK);
    for (uint32_t d = 0; d < info.rank; ++d) {
      bool isInput = infos == program.inputs;
      if (!info.dim_text[d] ||
          (isInput && info.dims[d] < 0 && info.dims[d] != HALFTONE_EXPRESSION &&
           -(info.dims[d] + 1) >= static_cast<int64_t>(program.num_symbols)))
        return fail(HALFTONE_INVALID_PROGRAM,
                    "this program is damaged: dimension %u of %s %s is invalid",
                    d, kind, quoted(info.name).c_str());
    }
    for (uint32_t other = 0; other < i; ++other)
      if (strcmp(infos[other].name, info.name) == 0)
        return fail(HALFTONE_INVALID_PROGRAM,
                    "this program is damaged: it has two %ss named %s", kind,
                    quoted(info.name).c_str());
  }
  return HALFTONE_OK;
}

/// Every symbol has sane bounds, and some input says its value.
static halftone_status checkSymbols(const halftone_program &program) {
  if (program.num_symbols && !program.symbols)
    return damaged("it has no list of its symbols");
  for (uint32_t s = 0; s < program.num_symbols; ++s) {
    const halftone_symbol &symbol = program.symbols[s];
    if (!symbol.name || symbol.min < 0 || symbol.max < symbol.min)
      return fail(
          HALFTONE_INVALID_PROGRAM,
          "this program is damaged: symbol %u has no name or bad bounds", s);
    bool used = false;
    for (uint32_t i = 0; i < program.num_inputs; ++i)
      for (uint32_t d = 0; d < program.inputs[i].rank; ++d)
        used |= program.inputs[i].dims[d] == -1 - static_cast<int64_t>(s);
    if (!used)
      return fail(HALFTONE_INVALID_PROGRAM,
                  "this program is damaged: no input has dimension %s",
                  quoted(symbol.name).c_str());
  }
  return HALFTONE_OK;
}

/// Every state has a size, inside of the session's memory, and a name of its own.
static halftone_status checkStates(const halftone_program &program) {
  if (program.num_states && !program.states)
    return damaged("it has no list of its states");
  for (uint32_t i = 0; i < program.num_states; ++i) {
    const halftone_state_info &state = program.states[i];
    if (halftone_status status =
            checkTensors(program, &state.tensor, 1, "state"))
      return status;
    Checked<uint64_t> bytes = typeBytes(state.tensor.dtype);
    for (uint32_t d = 0; d < state.tensor.rank; ++d) {
      if (state.tensor.dims[d] < 0)
        return damaged("the size of a state is not constant");
      bytes = bytes * state.tensor.dims[d];
    }
    uint64_t end;
    if (state.offset % 64 != 0 || !(bytes + state.offset).get(end) ||
        end > program.state_bytes)
      return damaged("a state is outside of its memory");
    for (uint32_t other = 0; other < i; ++other)
      if (strcmp(program.states[other].tensor.name, state.tensor.name) == 0)
        return damaged("it has two states of one name");
  }
  return HALFTONE_OK;
}

static halftone_status checkLevels(const halftone_program &program) {
  for (uint32_t i = 0; i < program.num_levels; ++i) {
    const halftone_level &level = program.levels[i];
    if (!level.name || !level.step)
      return fail(HALFTONE_INVALID_PROGRAM,
                  "this program is damaged: level %u has no name or no code",
                  i);
    if (level.num_fault_sites && !level.fault_sites)
      return damaged("it has no list of its fault sites");
    for (uint32_t other = 0; other < i; ++other)
      if (strcmp(program.levels[other].name, level.name) == 0)
        return fail(HALFTONE_INVALID_PROGRAM,
                    "this program is damaged: it has two levels named %s",
                    quoted(level.name).c_str());
  }
  return HALFTONE_OK;
}

/// What the tokenizer's bytes hold is checked where they are opened.
static halftone_status checkText(const halftone_text &text) {
  auto isBlock = [](const void *block, uint64_t bytes) {
    return block && bytes && reinterpret_cast<uintptr_t>(block) % 8 == 0;
  };
  if (!isBlock(text.tokenizer, text.tokenizer_bytes))
    return damaged("it has no tokenizer");
  if ((text.chat || text.chat_bytes) && !isBlock(text.chat, text.chat_bytes))
    return damaged("it has no format of chats");
  if (text.num_ends && !text.ends)
    return damaged("it has no list of the tokens that end a text");
  return HALFTONE_OK;
}

halftone_status checkProgram(const halftone_program *program) {
  if (!program)
    return fail(HALFTONE_INVALID_ARGUMENT, "the program is null");
  if (program->abi_version != HALFTONE_ABI_VERSION)
    return fail(
        HALFTONE_INVALID_PROGRAM,
        "this program was compiled for runtime ABI %u, but this runtime "
        "has ABI %u; compile the model again, or link it with the "
        "runtime that came with its compiler",
        program->abi_version, HALFTONE_ABI_VERSION);
  if (program->struct_size != sizeof(halftone_program))
    return fail(
        HALFTONE_INVALID_PROGRAM,
        "this program's descriptor has %u bytes, but runtime ABI %u has "
        "%zu; compile the model again",
        program->struct_size, HALFTONE_ABI_VERSION, sizeof(halftone_program));
  if (!program->name || !program->build_info)
    return damaged("it has no name or build information");
  if (!program->output_dims || !program->num_levels || !program->levels)
    return damaged("it has no code");
  if (halftone_status status = checkLevels(*program))
    return status;
  if (halftone_status status = checkStates(*program))
    return status;
  if (program->text)
    if (halftone_status status = checkText(*program->text))
      return status;
  if (program->payload_bytes && !program->payload)
    return damaged("it has no weights");
  if (reinterpret_cast<uintptr_t>(program->payload) % 64 != 0)
    return damaged("its weights are not aligned");
  if (halftone_status status =
          checkTensors(*program, program->inputs, program->num_inputs, "input"))
    return status;
  if (halftone_status status = checkTensors(*program, program->outputs,
                                            program->num_outputs, "output"))
    return status;
  return checkSymbols(*program);
}

Text nameList(const halftone_tensor_info *infos, uint32_t count) {
  Text text;
  for (uint32_t i = 0; i < count; ++i)
    text.append(i ? ", " : "").append(quoted(infos[i].name).c_str());
  return text;
}

Text signatureShape(const halftone_tensor_info &info) {
  Text text;
  text.append("[");
  for (uint32_t i = 0; i < info.rank; ++i)
    text.append(i ? ", " : "").append(info.dim_text[i]);
  return static_cast<Text &&>(text.append("]"));
}

} // namespace halftone::rt
