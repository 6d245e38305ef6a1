//===- Fields.h - fields of protobuf messages, checked ----------------------===//
//
// protozero only asserts (that is, checks nothing) that a field has the wire type
// it is read as, so every read goes through a function below that tests it first.
// They throw: for Reader.cpp alone.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_FIELDS_H
#define HALFTONE_COMPILER_IMPORT_ONNX_FIELDS_H

#include "llvm/ADT/StringRef.h"

#include <protozero/pbf_reader.hpp>

#include <stdexcept>
#include <string>

namespace halftone::onnx {

/// The longest name that a file may hold.
constexpr size_t kMaxNameBytes = size_t(1) << 20;

struct ReadError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Reader = protozero::pbf_reader;

[[noreturn]] inline void fail(const std::string &message) { throw ReadError(message); }

inline void expect(const Reader &reader, protozero::pbf_wire_type type, const char *what) {
  if (!reader.has_wire_type(type))
    fail(std::string("field ") + std::to_string(reader.tag()) + " of a " + what + " has a wrong wire type");
}

inline llvm::StringRef getBytes(Reader &reader, const char *what) {
  expect(reader, protozero::pbf_wire_type::length_delimited, what);
  protozero::data_view view = reader.get_view();
  return {view.data(), view.size()};
}

inline llvm::StringRef getName(Reader &reader, const char *what) {
  llvm::StringRef name = getBytes(reader, what);
  if (name.size() > kMaxNameBytes)
    fail(std::string("a name in a ") + what + " has " + std::to_string(name.size()) + " bytes");
  return name;
}

inline Reader getMessage(Reader &reader, const char *what) {
  llvm::StringRef bytes = getBytes(reader, what);
  return Reader(bytes.data(), bytes.size());
}

/// All of a message that nothing has been read of.
inline llvm::StringRef getRest(const Reader &reader) { return {reader.data().data(), reader.data().size()}; }

inline int64_t getInt(Reader &reader, const char *what) {
  expect(reader, protozero::pbf_wire_type::varint, what);
  return reader.get_int64();
}

inline int32_t getEnum(Reader &reader, const char *what) {
  int64_t value = getInt(reader, what);
  return value < 0 || value > INT32_MAX ? -1 : static_cast<int32_t>(value);
}

inline float getFloat(Reader &reader, const char *what) {
  expect(reader, protozero::pbf_wire_type::fixed32, what);
  return reader.get_float();
}

} // namespace halftone::onnx

#endif
