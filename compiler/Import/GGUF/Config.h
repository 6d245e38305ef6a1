//===- Config.h - what a GGUF file says of its model ------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_GGUF_CONFIG_H
#define HALFTONE_COMPILER_IMPORT_GGUF_CONFIG_H

#include "compiler/Import/GGUF/Reader.h"
#include "compiler/Import/Support/Folder.h"

#include "llvm/ADT/StringSet.h"

namespace halftone::gguf {

/// Typed reading of the keys of an architecture, such as llama.block_count, which are named here
/// without it. Readers have no error paths: the first value that is missing or wrong is reported,
/// and from then on `isValid` is false and values are some.
class Config {
public:
  /// `bytes` is the whole file.
  Config(Folder &folder, const File &file, llvm::StringRef bytes, llvm::StringRef architecture)
      : folder(folder), file(file), bytes(bytes), prefix(architecture.str() + ".") {
    for (const Tensor &tensor : file.tensors)
      tensors[tensor.name] = &tensor;
  }

  bool has(llvm::StringRef key) const { return file.metadata.get(prefix + key.str()); }

  /// A count of something, at least 1. Products of two of them and an element's size fit 64 bits.
  int64_t getSize(llvm::StringRef key, std::optional<int64_t> otherwise = std::nullopt);
  double getNumber(llvm::StringRef key, std::optional<double> otherwise = std::nullopt);
  bool getBool(llvm::StringRef key, bool otherwise);
  std::string getText(llvm::StringRef key, llvm::StringRef otherwise);

  bool hasTensor(llvm::StringRef name) const { return tensors.contains(name); }
  /// How many rows a matrix has.
  int64_t getRows(llvm::StringRef tensor);
  /// The numbers of a vector of f32.
  std::vector<float> getFloats(llvm::StringRef tensor, int64_t count);

  /// Reports a value that Halftone does not support; `what` says what is.
  void refuse(llvm::StringRef key, llvm::StringRef what);
  /// Reports values that do not fit together.
  void fail(const llvm::Twine &message) { error(message, ImportFailure::Unreadable); }

  /// Warns of keys of the architecture that nothing asked for.
  void reportUnread() const;

  bool isValid() const { return valid; }

private:
  std::string getKey(llvm::StringRef key);
  void report(llvm::StringRef key, const char *expected);
  void error(const llvm::Twine &message, ImportFailure kind);

  Folder &folder;
  const File &file;
  llvm::StringRef bytes;
  std::string prefix;
  llvm::StringMap<const Tensor *> tensors;
  llvm::StringSet<> read;
  bool valid = true;
};

} // namespace halftone::gguf

#endif
