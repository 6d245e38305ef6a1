//===- Reader.h - what a GGUF file holds ------------------------------------===//
//
// Everything here points into the file's bytes, which outlive it. All that the file says is
// checked: texts, lists and tensors lie inside of it.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_GGUF_READER_H
#define HALFTONE_COMPILER_IMPORT_GGUF_READER_H

#include "runtime/files/ByteReader.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <vector>

namespace halftone::gguf {

/// Types of values by number.
enum class ValueType : uint32_t { U8, I8, U16, I16, U32, I32, F32, Bool, Text, List, U64, I64, F64 };

struct Entry {
  ValueType type = ValueType::U8;
  uint64_t count = 1;
  bool isList = false;
  rt::Bytes bytes; ///< of all elements
};

/// The keys and values. What has another type than is asked for is not there.
class Metadata {
public:
  const Entry *get(llvm::StringRef key) const;
  std::optional<llvm::StringRef> getText(llvm::StringRef key) const;
  std::optional<int64_t> getInteger(llvm::StringRef key) const; ///< booleans too
  std::optional<double> getNumber(llvm::StringRef key) const;
  std::optional<std::vector<llvm::StringRef>> getTexts(llvm::StringRef key) const;
  std::optional<std::vector<double>> getNumbers(llvm::StringRef key) const;

  /// All of them, in no order.
  auto getKeys() const { return values.keys(); }

private:
  friend class Reader;
  llvm::StringMap<Entry> values;
};

/// A format of tensors: the name and the bytes that a block of elements takes.
struct TensorType {
  uint32_t number;
  llvm::StringRef name;
  uint32_t elements, bytes;
};

struct Tensor {
  llvm::StringRef name;
  const TensorType *type;             ///< null: one that is not known, whose bytes nobody can count
  uint32_t typeNumber;                ///< as the file has it
  llvm::SmallVector<int64_t, 4> dims; ///< the file's turned around: the last is contiguous
  uint64_t offset;                    ///< in the file
};

struct File {
  Metadata metadata;
  std::vector<Tensor> tensors;
};

/// A whole file. An error says what is wrong, and with which key or tensor.
llvm::Expected<File> readFile(llvm::StringRef bytes);

/// The keys and values at a file's beginning; tensors are not looked at.
llvm::Expected<Metadata> readMetadata(llvm::StringRef bytes);

} // namespace halftone::gguf

#endif
