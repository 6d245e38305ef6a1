//===- Binding.cpp - a caller's tensors against a program's signature -----===//
//
// Everything here ends up as addresses in generated code, which checks nothing
// but indices: what passes must be right. A message says which input, which
// dimension by name, what it is, what it should be and what to do.
//
//===----------------------------------------------------------------------===//

#include "runtime/session/Binding.h"
#include "runtime/session/Error.h"
#include "runtime/session/Program.h"
#include "runtime/support/DataType.h"

#include <cstring>

namespace halftone::rt {

static long long printable(int64_t value) { return value; }

/// Finds which of the program's tensors each of the caller's is. `order` maps
/// the program's index to the caller's.
static halftone_status matchNames(const halftone_tensor_info *infos,
                                  uint32_t count,
                                  const halftone_tensor *tensors,
                                  size_t numTensors, const char *kind,
                                  size_t *order) {
  if (numTensors && !tensors)
    return fail(HALFTONE_INVALID_ARGUMENT, "the list of %ss is null", kind);
  constexpr size_t missing = SIZE_MAX;
  for (uint32_t i = 0; i < count; ++i)
    order[i] = missing;
  for (size_t t = 0; t < numTensors; ++t) {
    const char *name = tensors[t].name;
    size_t index = 0;
    if (!name)
      index = t;
    else
      while (index < count && strcmp(infos[index].name, name) != 0)
        ++index;
    if (index >= count) {
      Text names = nameList(infos, count);
      if (name)
        return fail(HALFTONE_INVALID_ARGUMENT,
                    "this program has no %s %s; its %ss are: %s", kind,
                    quoted(name).c_str(), kind, names.c_str());
      return fail(HALFTONE_INVALID_ARGUMENT,
                  "%zu %ss are given, but this program has %u: %s", numTensors,
                  kind, count, names.c_str());
    }
    if (order[index] != missing)
      return fail(HALFTONE_INVALID_ARGUMENT, "%s %s is given twice", kind,
                  quoted(infos[index].name).c_str());
    order[index] = t;
  }
  for (uint32_t i = 0; i < count; ++i)
    if (order[i] == missing)
      return fail(HALFTONE_INVALID_ARGUMENT,
                  "%s %s is missing; this program's %ss are: %s", kind,
                  quoted(infos[i].name).c_str(), kind,
                  nameList(infos, count).c_str());
  return HALFTONE_OK;
}

static halftone_status checkType(const halftone_tensor_info &info,
                                 const halftone_tensor &tensor,
                                 const char *kind) {
  if (tensor.dtype == info.dtype)
    return HALFTONE_OK;
  Text name = quoted(info.name);
  if (!typeBytes(tensor.dtype))
    return fail(HALFTONE_INVALID_ARGUMENT,
                "%s %s: dtype %u does not exist; this program expects %s", kind,
                name.c_str(), tensor.dtype, typeName(info.dtype));
  return fail(HALFTONE_INVALID_ARGUMENT,
              "%s %s is %s, but this program expects %s", kind, name.c_str(),
              typeName(tensor.dtype), typeName(info.dtype));
}

/// Dimension `d` of an input that is the symbol `s`. `setBy` is the input that
/// gave the symbol its value, or null.
static halftone_status bindSymbol(const halftone_program &program,
                                  const halftone_tensor_info &info, uint32_t d,
                                  int64_t value, int64_t &bound,
                                  const char *&setBy) {
  const halftone_symbol &symbol = program.symbols[-(info.dims[d] + 1)];
  Text name = quoted(info.name);
  Text symbolName = quoted(symbol.name);
  if (setBy) {
    if (value == bound)
      return HALFTONE_OK;
    return fail(
        HALFTONE_INVALID_ARGUMENT,
        "input %s: dimension %u (%s) is %lld, but %s is %lld in input %s",
        name.c_str(), d, symbolName.c_str(), printable(value),
        symbolName.c_str(), printable(bound), quoted(setBy).c_str());
  }
  if (value > symbol.max)
    return fail(HALFTONE_INVALID_ARGUMENT,
                "input %s: dimension %u (%s) is %lld, but this program was "
                "compiled for at most %lld; recompile with --max %s=%lld",
                name.c_str(), d, symbolName.c_str(), printable(value),
                printable(symbol.max), symbol.name, printable(value));
  if (value < symbol.min)
    return fail(
        HALFTONE_INVALID_ARGUMENT,
        "input %s: dimension %u (%s) is %lld, but this program needs at "
        "least %lld",
        name.c_str(), d, symbolName.c_str(), printable(value),
        printable(symbol.min));
  bound = value;
  setBy = info.name;
  return HALFTONE_OK;
}

halftone_status bindInputs(const halftone_program &program,
                           const halftone_tensor *inputs, size_t numInputs,
                           int64_t *symbols, size_t *order) {
  if (halftone_status status = matchNames(program.inputs, program.num_inputs,
                                          inputs, numInputs, "input", order))
    return status;
  for (uint32_t s = 0; s < program.num_symbols; ++s)
    symbols[s] = -1;
  for (uint32_t i = 0; i < program.num_inputs; ++i) {
    const halftone_tensor_info &info = program.inputs[i];
    const halftone_tensor &tensor = inputs[order[i]];
    if (halftone_status status = checkType(info, tensor, "input"))
      return status;
    if (tensor.rank != info.rank) {
      Text shape;
      if (tensor.rank <= HALFTONE_MAX_RANK)
        shape = formatted(" (shape %s)",
                          shapeText(tensor.dims, tensor.rank).c_str());
      return fail(
          HALFTONE_INVALID_ARGUMENT,
          "input %s has rank %u%s, but this program expects rank %u: %s",
          quoted(info.name).c_str(), tensor.rank, shape.c_str(), info.rank,
          signatureShape(info).c_str());
    }
    for (uint32_t d = 0; d < info.rank; ++d) {
      if (info.dims[d] >= 0) {
        if (tensor.dims[d] == info.dims[d])
          continue;
        return fail(HALFTONE_INVALID_ARGUMENT,
                    "input %s: dimension %u is %lld, but this program was "
                    "compiled for %lld (shape %s)",
                    quoted(info.name).c_str(), d, printable(tensor.dims[d]),
                    printable(info.dims[d]), signatureShape(info).c_str());
      }
      if (info.dims[d] == HALFTONE_EXPRESSION)
        continue; // Checked when all symbols are known.
      int64_t &bound = symbols[-(info.dims[d] + 1)];
      // The value was set by an earlier dimension: find which, for the message.
      const char *setBy = nullptr;
      for (uint32_t e = 0; bound >= 0 && !setBy && e <= i; ++e)
        for (uint32_t f = 0; f < program.inputs[e].rank; ++f)
          if (program.inputs[e].dims[f] == info.dims[d])
            setBy = program.inputs[e].name;
      if (halftone_status status =
              bindSymbol(program, info, d, tensor.dims[d], bound, setBy))
        return status;
    }
  }
  return HALFTONE_OK;
}

/// Null and misaligned pointers. `needed` bytes will be touched.
static halftone_status checkPointer(const halftone_tensor_info &info,
                                    const halftone_tensor &tensor,
                                    size_t needed, const char *kind) {
  if (needed && !tensor.data)
    return fail(HALFTONE_INVALID_ARGUMENT, "%s %s: data is null", kind,
                quoted(info.name).c_str());
  size_t alignment = typeBytes(info.dtype);
  if (reinterpret_cast<uintptr_t>(tensor.data) % alignment != 0)
    return fail(HALFTONE_INVALID_ARGUMENT,
                "%s %s: the address of data is not a multiple of %zu, the size "
                "of one %s",
                kind, quoted(info.name).c_str(), alignment,
                typeName(info.dtype));
  return HALFTONE_OK;
}

halftone_status bindInputData(const halftone_program &program,
                              const halftone_tensor *inputs,
                              const size_t *order, const void **data) {
  for (uint32_t i = 0; i < program.num_inputs; ++i) {
    const halftone_tensor_info &info = program.inputs[i];
    const halftone_tensor &tensor = inputs[order[i]];
    size_t needed;
    if (!tensorBytes(info.dtype, tensor.dims, info.rank, needed))
      return fail(HALFTONE_INVALID_ARGUMENT,
                  "input %s: shape %s is larger than the address space",
                  quoted(info.name).c_str(),
                  shapeText(tensor.dims, info.rank).c_str());
    if (tensor.bytes != needed)
      return fail(HALFTONE_INVALID_ARGUMENT,
                  "input %s: %zu bytes are given, but shape %s of %s takes %zu",
                  quoted(info.name).c_str(), tensor.bytes,
                  shapeText(tensor.dims, info.rank).c_str(),
                  typeName(info.dtype), needed);
    if (halftone_status status = checkPointer(info, tensor, needed, "input"))
      return status;
    data[i] = tensor.data;
  }
  return HALFTONE_OK;
}

size_t numEvaluatedDims(const halftone_program &program) {
  size_t count = 0;
  for (uint32_t i = 0; i < program.num_outputs; ++i)
    count += program.outputs[i].rank;
  for (uint32_t i = 0; i < program.num_inputs; ++i)
    for (uint32_t d = 0; d < program.inputs[i].rank; ++d)
      count += program.inputs[i].dims[d] == HALFTONE_EXPRESSION;
  return count;
}

halftone_status evaluateDims(const halftone_program &program,
                             const halftone_tensor *inputs, const size_t *order,
                             const int64_t *symbols, int64_t *dims) {
  program.output_dims(symbols, dims);
  for (uint32_t i = 0; i < program.num_outputs; ++i) {
    const halftone_tensor_info &info = program.outputs[i];
    for (uint32_t d = 0; d < info.rank; ++d)
      if (dims[d] < 0 || (info.dims[d] >= 0 && dims[d] != info.dims[d]))
        return fail(HALFTONE_INVALID_PROGRAM,
                    "this program is damaged: it says that dimension %u of "
                    "output %s, %s, is %lld",
                    d, quoted(info.name).c_str(), info.dim_text[d],
                    printable(dims[d]));
    dims += info.rank;
  }
  for (uint32_t i = 0; i < program.num_inputs; ++i) {
    const halftone_tensor_info &info = program.inputs[i];
    for (uint32_t d = 0; d < info.rank; ++d) {
      if (info.dims[d] != HALFTONE_EXPRESSION)
        continue;
      int64_t value = inputs[order[i]].dims[d];
      if (value != *dims)
        return fail(HALFTONE_INVALID_ARGUMENT,
                    "input %s: dimension %u (%s) is %lld, but the other inputs "
                    "make it %lld",
                    quoted(info.name).c_str(), d,
                    quoted(info.dim_text[d]).c_str(), printable(value),
                    printable(*dims));
      ++dims;
    }
  }
  return HALFTONE_OK;
}

halftone_status bindOutputs(const halftone_program &program,
                            halftone_tensor *outputs, size_t numOutputs,
                            const int64_t *dims, size_t *order, void **data) {
  if (halftone_status status = matchNames(program.outputs, program.num_outputs,
                                          outputs, numOutputs, "output", order))
    return status;
  for (uint32_t i = 0; i < program.num_outputs; ++i) {
    const halftone_tensor_info &info = program.outputs[i];
    halftone_tensor &tensor = outputs[order[i]];
    if (halftone_status status = checkType(info, tensor, "output"))
      return status;
    size_t needed;
    if (!tensorBytes(info.dtype, dims, info.rank, needed))
      return fail(HALFTONE_INVALID_ARGUMENT,
                  "output %s: shape %s is larger than the address space",
                  quoted(info.name).c_str(),
                  shapeText(dims, info.rank).c_str());
    if (tensor.bytes < needed)
      return fail(HALFTONE_INVALID_ARGUMENT,
                  "output %s: there is room for %zu bytes, but shape %s of %s "
                  "takes %zu",
                  quoted(info.name).c_str(), tensor.bytes,
                  shapeText(dims, info.rank).c_str(), typeName(info.dtype),
                  needed);
    if (halftone_status status = checkPointer(info, tensor, needed, "output"))
      return status;
    tensor.rank = info.rank;
    for (uint32_t d = 0; d < info.rank; ++d)
      tensor.dims[d] = dims[d];
    data[i] = tensor.data;
    dims += info.rank;
  }
  return HALFTONE_OK;
}

static bool overlaps(const halftone_tensor &a, const halftone_tensor &b) {
  auto startA = reinterpret_cast<uintptr_t>(a.data);
  auto startB = reinterpret_cast<uintptr_t>(b.data);
  // Differences, so that a huge `bytes` cannot wrap around.
  return startA <= startB ? startB - startA < a.bytes && b.bytes
                          : startA - startB < b.bytes && a.bytes;
}

halftone_status checkOverlap(const halftone_program &program,
                             const halftone_tensor *inputs,
                             const size_t *inputOrder,
                             const halftone_tensor *outputs,
                             const size_t *outputOrder) {
  for (uint32_t o = 0; o < program.num_outputs; ++o) {
    const halftone_tensor &output = outputs[outputOrder[o]];
    const char *name = program.outputs[o].name;
    for (uint32_t i = 0; i < program.num_inputs; ++i)
      if (overlaps(output, inputs[inputOrder[i]]))
        return fail(
            HALFTONE_INVALID_ARGUMENT, "output %s overlaps input %s in memory",
            quoted(name).c_str(), quoted(program.inputs[i].name).c_str());
    for (uint32_t other = 0; other < o; ++other)
      if (overlaps(output, outputs[outputOrder[other]]))
        return fail(
            HALFTONE_INVALID_ARGUMENT, "output %s overlaps output %s in memory",
            quoted(name).c_str(), quoted(program.outputs[other].name).c_str());
  }
  return HALFTONE_OK;
}

} // namespace halftone::rt
