//===- Model.h - an ONNX file as plain structures ---------------------------===//
//
// What the reader finds, with every string and every payload a view into the
// mapped file. Nothing here has been interpreted: names may be empty, dimensions
// negative and types unknown; the importer checks what it uses.
//
//===----------------------------------------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_MODEL_H
#define HALFTONE_COMPILER_IMPORT_ONNX_MODEL_H

#include "llvm/ADT/StringRef.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace halftone {
class MappedFile;
}

namespace halftone::onnx {

/// TensorProto.DataType of onnx.proto.
enum class DataType : int32_t {
  Undefined = 0,
  Float = 1,
  UInt8 = 2,
  Int8 = 3,
  UInt16 = 4,
  Int16 = 5,
  Int32 = 6,
  Int64 = 7,
  String = 8,
  Bool = 9,
  Float16 = 10,
  Double = 11,
  UInt32 = 12,
  UInt64 = 13,
  Complex64 = 14,
  Complex128 = 15,
  BFloat16 = 16,
  Float8E4M3FN = 17,
  Float8E4M3FNUZ = 18,
  Float8E5M2 = 19,
  Float8E5M2FNUZ = 20,
  UInt4 = 21,
  Int4 = 22,
  Float4E2M1 = 23,
  Float8E8M0 = 24,
  UInt2 = 25,
  Int2 = 26,
};

/// One dimension of a declared shape.
struct Dimension {
  std::optional<int64_t> value;
  llvm::StringRef parameter; ///< dim_param; empty where none is given.
};

/// A graph input, output or intermediate value with its declared type.
struct ValueInfo {
  llvm::StringRef name;
  bool isTensor = false; ///< else a sequence, map, optional or nothing.
  /// A sequence of tensors, or an optional tensor or sequence of them, whose
  /// type and dimensions follow.
  bool isSequence = false, isOptional = false;
  DataType type = DataType::Undefined;
  bool hasShape = false;
  std::vector<Dimension> dims;
  llvm::StringRef bytes; ///< The whole ValueInfoProto.
};

/// Where a tensor's elements are written. Given: in no file of the model, as
/// they are in memory.
enum class Storage { None, Raw, Floats, Int32s, Int64s, Doubles, UInt64s, External, Given };

struct Tensor {
  llvm::StringRef name;
  DataType type = DataType::Undefined;
  std::vector<int64_t> dims;
  Storage storage = Storage::None;
  /// Raw: the bytes. Typed: the packed field's payload. External: empty.
  llvm::StringRef data;
  std::vector<llvm::StringRef> strings; ///< The elements of a tensor of strings.
  llvm::StringRef location; ///< External: the file.
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  llvm::StringRef bytes; ///< The whole TensorProto; empty where it is Given.
};

struct Graph;

/// AttributeProto.AttributeType of onnx.proto.
enum class AttributeType : int32_t {
  Undefined = 0,
  Float = 1,
  Int = 2,
  String = 3,
  Tensor = 4,
  Graph = 5,
  Floats = 6,
  Ints = 7,
  Strings = 8,
  Tensors = 9,
  Graphs = 10,
  SparseTensor = 11,
  SparseTensors = 12,
  TypeProto = 13,
  TypeProtos = 14,
};

struct Attribute {
  llvm::StringRef name;
  llvm::StringRef reference; ///< ref_attr_name: the attribute of the enclosing function.
  AttributeType type = AttributeType::Undefined;
  float f = 0;
  int64_t i = 0;
  llvm::StringRef s;
  std::vector<float> floats;
  std::vector<int64_t> ints;
  std::vector<llvm::StringRef> strings;
  std::unique_ptr<Tensor> tensor;
  std::unique_ptr<Graph> graph;
  llvm::StringRef bytes; ///< The whole AttributeProto.
};

struct Node {
  llvm::StringRef name;
  llvm::StringRef opType;
  llvm::StringRef domain;
  llvm::StringRef overload;
  std::vector<llvm::StringRef> inputs;
  std::vector<llvm::StringRef> outputs;
  std::vector<Attribute> attributes;
  llvm::StringRef bytes; ///< The whole NodeProto.
};

struct Graph {
  llvm::StringRef name;
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  std::vector<ValueInfo> inputs;
  std::vector<ValueInfo> outputs;
  bool hasSparseInitializers = false;
  llvm::StringRef bytes; ///< The whole GraphProto.
};

/// A domain and the version of its operator set.
struct OperatorSet {
  llvm::StringRef domain;
  int64_t version = 0;
};

struct Function {
  llvm::StringRef name;
  llvm::StringRef domain;
  llvm::StringRef overload;
  std::vector<llvm::StringRef> inputs;
  std::vector<llvm::StringRef> outputs;
  std::vector<Node> nodes;
  std::vector<Attribute> defaults; ///< attributes with default values.
  std::vector<OperatorSet> operatorSets;
  llvm::StringRef bytes; ///< The whole FunctionProto.
};

struct Model {
  std::unique_ptr<MappedFile> file; ///< what all views point into.
  int64_t irVersion = 0;
  llvm::StringRef producer;
  llvm::StringRef producerVersion;
  std::vector<OperatorSet> operatorSets;
  std::unique_ptr<Graph> graph;
  std::vector<Function> functions;
};

} // namespace halftone::onnx

#endif
