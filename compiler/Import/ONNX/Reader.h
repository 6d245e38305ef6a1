//===- Reader.h - ONNX's protobuf encoding, over a mapped file --------------===//

#ifndef HALFTONE_COMPILER_IMPORT_ONNX_READER_H
#define HALFTONE_COMPILER_IMPORT_ONNX_READER_H

#include "compiler/Import/Support/MappedFile.h"
#include "compiler/Import/ONNX/Model.h"

namespace halftone::onnx {

/// Reads the file at `path`. On failure returns null and sets `error` to one
/// sentence without the path. Never throws, whatever the file holds.
std::unique_ptr<Model> readModel(llvm::StringRef path, std::string &error);

/// The same for bytes in memory, which must outlive the model. For fuzzing.
std::unique_ptr<Model> parseModel(llvm::StringRef bytes, std::string &error);

/// The types that `graph` declares for its outputs and the values inside it.
/// The import does not need them, so they are read when asked for; none where
/// they are damaged.
std::vector<ValueInfo> readDeclarations(const Graph &graph);

/// What the metadata of `node` has for `key`; empty where it has nothing.
llvm::StringRef readMetadata(const Node &node, llvm::StringRef key);

} // namespace halftone::onnx

#endif
