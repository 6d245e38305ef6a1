//===- Model.cpp - load a program and describe it -------------------------===//

#include "runtime/session/Model.h"
#include "runtime/session/Arena.h"
#include "runtime/session/Binding.h"
#include "runtime/session/Error.h"
#include "runtime/session/Level.h"
#include "runtime/session/Program.h"
#include "runtime/support/DataType.h"

#include <cstdlib>
#include <new>

using namespace halftone::rt;

namespace halftone::rt {

void retain(halftone_model *model) {
  model->references.fetch_add(1, std::memory_order_relaxed);
}

void release(halftone_model *model) {
  if (model->references.fetch_sub(1, std::memory_order_acq_rel) != 1)
    return;
  model->magic = 0;
  model->~halftone_model();
  free(model);
}

halftone_status checkModel(const halftone_model *model) {
  if (!model)
    return fail(HALFTONE_INVALID_ARGUMENT, "the model is null");
  if (model->magic != halftone_model::validMagic)
    return fail(HALFTONE_INVALID_ARGUMENT,
                "the model was destroyed, or made by another Halftone runtime "
                "in this process");
  return HALFTONE_OK;
}

} // namespace halftone::rt

halftone_status halftone_load(const halftone_program *program,
                              halftone_model **model) {
  return halftone_load_level(program, nullptr, model);
}

halftone_status halftone_load_level(const halftone_program *program,
                                    const char *name, halftone_model **model) {
  if (!model)
    return fail(HALFTONE_INVALID_ARGUMENT, "the place for the model is null");
  *model = nullptr;
  if (halftone_status status = checkProgram(program))
    return status;
  const halftone_level *level;
  if (halftone_status status =
          chooseLevel(*program, requestLevel(name), thisComputer(), level))
    return status;
  void *memory = malloc(sizeof(halftone_model));
  if (!memory)
    return fail(HALFTONE_OUT_OF_MEMORY, "out of memory");
  readPayloadAhead(program->payload, program->payload_bytes);
  *model = new (memory) halftone_model;
  (*model)->program = program;
  (*model)->level = level;
  return HALFTONE_OK;
}

void halftone_model_destroy(halftone_model *model) {
  if (model && checkModel(model) == HALFTONE_OK)
    release(model);
}

const char *halftone_model_name(const halftone_model *model) {
  return model->program->name;
}

const char *halftone_model_build_info(const halftone_model *model) {
  return model->program->build_info;
}

const char *halftone_model_level(const halftone_model *model) {
  return model->level->name;
}

size_t halftone_model_num_states(const halftone_model *model) {
  return model->program->num_states;
}

const halftone_tensor_info *halftone_model_state(const halftone_model *model,
                                                 size_t index) {
  const halftone_program &program = *model->program;
  return index < program.num_states ? &program.states[index].tensor : nullptr;
}

uint64_t halftone_model_state_bytes(const halftone_model *model) {
  return model->program->state_bytes;
}

uint64_t halftone_model_arena_bytes(const halftone_model *model) {
  return model->level->arena_bytes;
}

uint64_t halftone_model_weight_bytes(const halftone_model *model) {
  return model->program->payload_bytes;
}

size_t halftone_model_num_inputs(const halftone_model *model) {
  return model->program->num_inputs;
}

size_t halftone_model_num_outputs(const halftone_model *model) {
  return model->program->num_outputs;
}

size_t halftone_model_num_symbols(const halftone_model *model) {
  return model->program->num_symbols;
}

const halftone_tensor_info *halftone_model_input(const halftone_model *model,
                                                 size_t index) {
  const halftone_program &program = *model->program;
  return index < program.num_inputs ? &program.inputs[index] : nullptr;
}

const halftone_tensor_info *halftone_model_output(const halftone_model *model,
                                                  size_t index) {
  const halftone_program &program = *model->program;
  return index < program.num_outputs ? &program.outputs[index] : nullptr;
}

const halftone_symbol *halftone_model_symbol(const halftone_model *model,
                                             size_t index) {
  const halftone_program &program = *model->program;
  return index < program.num_symbols ? &program.symbols[index] : nullptr;
}

/// The scratch memory of one query, freed on every way out.
namespace {
struct Scratch {
  explicit Scratch(const halftone_program &program)
      : symbols(allocate<int64_t>(program.num_symbols)),
        dims(allocate<int64_t>(numEvaluatedDims(program))),
        order(allocate<size_t>(program.num_inputs)) {}
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;
  ~Scratch() {
    free(symbols);
    free(dims);
    free(order);
  }

  template <typename T>
  static T *allocate(size_t count) {
    return static_cast<T *>(calloc(count + 1, sizeof(T)));
  }

  int64_t *symbols;
  int64_t *dims;
  size_t *order;
};
} // namespace

halftone_status halftone_output_shapes(const halftone_model *model,
                                       const halftone_tensor *inputs,
                                       size_t num_inputs,
                                       halftone_tensor *outputs,
                                       size_t num_outputs) {
  if (halftone_status status = checkModel(model))
    return status;
  const halftone_program &program = *model->program;
  if (num_outputs != program.num_outputs || (num_outputs && !outputs))
    return fail(HALFTONE_INVALID_ARGUMENT,
                "room for %zu outputs is given, but this program has %u: %s",
                outputs ? num_outputs : 0, program.num_outputs,
                nameList(program.outputs, program.num_outputs).c_str());
  Scratch scratch(program);
  if (!scratch.symbols || !scratch.dims || !scratch.order)
    return fail(HALFTONE_OUT_OF_MEMORY, "out of memory");
  if (halftone_status status = bindInputs(program, inputs, num_inputs,
                                          scratch.symbols, scratch.order))
    return status;
  if (halftone_status status = evaluateDims(program, inputs, scratch.order,
                                            scratch.symbols, scratch.dims))
    return status;
  const int64_t *dims = scratch.dims;
  for (uint32_t i = 0; i < program.num_outputs; ++i) {
    const halftone_tensor_info &info = program.outputs[i];
    halftone_tensor &output = outputs[i];
    output.name = info.name;
    output.dtype = info.dtype;
    output.rank = info.rank;
    for (uint32_t d = 0; d < info.rank; ++d)
      output.dims[d] = dims[d];
    if (!tensorBytes(info.dtype, dims, info.rank, output.bytes))
      return fail(HALFTONE_INVALID_ARGUMENT,
                  "output %s: shape %s is larger than the address space",
                  quoted(info.name).c_str(),
                  shapeText(dims, info.rank).c_str());
    dims += info.rank;
  }
  return HALFTONE_OK;
}
