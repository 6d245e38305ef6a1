//===- Config.h - what config.json says -------------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_HUGGINGFACE_CONFIG_H
#define HALFTONE_COMPILER_IMPORT_HUGGINGFACE_CONFIG_H

#include "compiler/Import/HuggingFace/Json.h"

namespace halftone::huggingface {

/// Typed reading of a JSON object. Readers have no error paths: the first value that is
/// missing or wrong is reported, and from then on `isValid` is false and values are some.
class Config {
public:
  /// `folder` and the object must outlive it. `path` is how messages call the object, such as
  /// "rope_scaling."; an empty one is the whole file.
  Config(Folder &folder, const llvm::json::Object &object, llvm::StringRef path = "",
         Config *parent = nullptr)
      : folder(folder), object(object), path(path.str()), parent(parent) {}

  /// Whether there is a value that is not null.
  bool has(llvm::StringRef key) const;

  /// A count of something, at least 1. Products of two of them and a dtype's size fit 64 bits.
  int64_t getSize(llvm::StringRef key, std::optional<int64_t> otherwise = std::nullopt);
  double getNumber(llvm::StringRef key, std::optional<double> otherwise = std::nullopt);
  bool getBool(llvm::StringRef key, bool otherwise);
  std::string getString(llvm::StringRef key, std::optional<llvm::StringRef> otherwise = std::nullopt);
  std::vector<double> getNumbers(llvm::StringRef key);
  std::vector<std::string> getStrings(llvm::StringRef key);
  /// An object inside of this one; null where there is none.
  std::unique_ptr<Config> getObject(llvm::StringRef key);

  /// Reports a value that Halftone does not support; `what` says what is.
  void refuse(llvm::StringRef key, llvm::StringRef what);
  /// Reports values that do not fit together.
  void fail(const llvm::Twine &message);

  bool isValid() const { return parent ? parent->isValid() : valid; }

private:
  const llvm::json::Value *get(llvm::StringRef key) const;
  void report(llvm::StringRef key, const char *expected);
  /// Reports the first mistake only.
  void error(const llvm::Twine &message, ImportFailure kind = ImportFailure::Unreadable);

  Folder &folder;
  const llvm::json::Object &object;
  std::string path;
  Config *parent;
  bool valid = true;
};

} // namespace halftone::huggingface

#endif
