//===- Checkpoint.cpp - the weights of a model's folder ---------------------===//

#include "compiler/Import/HuggingFace/Checkpoint.h"

#include "compiler/Import/HuggingFace/Json.h"

#include <set>

using namespace mlir;
using halftone::transformer::Checkpoint;
using halftone::transformer::StoredTensor;

namespace halftone::huggingface {

static constexpr StringRef kWhole = "model.safetensors", kIndex = "model.safetensors.index.json";

/// Whether a name from the index stays in the folder.
static bool isPlainName(StringRef name) {
  return name.size() < 256 && name.ends_with(".safetensors") &&
         name.find_first_of(StringRef("/\\\0", 3)) == StringRef::npos;
}

/// Files that were made from TensorFlow's have its names for the weights of norms.
static void renameOldNorms(llvm::StringMap<StoredTensor> &tensors) {
  std::vector<std::pair<std::string, std::string>> renamed;
  for (StringRef name : tensors.keys()) {
    StringRef stem = name;
    if (stem.consume_back("LayerNorm.gamma"))
      renamed.push_back({name.str(), (stem + "LayerNorm.weight").str()});
    else if (stem.consume_back("LayerNorm.beta"))
      renamed.push_back({name.str(), (stem + "LayerNorm.bias").str()});
  }
  for (auto &[from, to] : renamed)
    if (tensors.try_emplace(to, tensors.find(from)->second).second)
      tensors.erase(from);
}

/// Reads the one file, or those that the index names.
static LogicalResult readFiles(Folder &folder, llvm::StringMap<StoredTensor> &tensors) {
  if (!folder.has(kIndex)) {
    if (folder.has(kWhole))
      return readSafetensors(folder, kWhole, tensors);
    bool isPickled = folder.has("pytorch_model.bin") || folder.has("pytorch_model.bin.index.json");
    InFlightDiagnostic diagnostic = folder.error(kWhole) << "no such file, and no " << kIndex;
    if (isPickled)
      diagnostic.attachNote()
          << "pytorch_model.bin is a program in Python's pickle format, which is not run here; "
             "save the model again with safe_serialization=True";
    return diagnostic;
  }

  auto index = readJson(folder, kIndex);
  if (!index)
    return failure();
  const llvm::json::Object *map = index->getObject("weight_map");
  if (!map)
    return folder.error(kIndex) << "has no \"weight_map\" that says which file a tensor is in";
  std::set<std::string> files;
  for (auto &[name, value] : *map) {
    auto file = value.getAsString();
    if (!file || !isPlainName(*file))
      return folder.error(kIndex) << "tensor " << quote(StringRef(name))
                                  << ": expected the name of a .safetensors "
                                  << "file in the same folder" << (file ? ", got " + quote(*file) : "");
    files.insert(file->str());
  }
  for (const std::string &file : files)
    if (!folder.has(file))
      return folder.error(kIndex) << "names the file " << quote(file) << ", which is missing";
  for (const std::string &file : files)
    if (failed(readSafetensors(folder, file, tensors)))
      return failure();
  for (auto &[key, value] : *map) {
    StringRef name(key), file = *value.getAsString();
    auto tensor = tensors.find(name);
    if (tensor == tensors.end() || tensor->second.file != file)
      return folder.error(kIndex) << "says that tensor " << quote(name) << " is in " << quote(file)
                                  << ", which does not have it";
  }
  return success();
}

std::optional<Checkpoint> readCheckpoint(Folder &folder, StringRef prefix) {
  llvm::StringMap<StoredTensor> tensors;
  if (failed(readFiles(folder, tensors)))
    return std::nullopt;
  renameOldNorms(tensors);
  bool isWhole = llvm::any_of(tensors.keys(), [&](StringRef name) { return name.starts_with(prefix); });
  return Checkpoint(folder, folder.has(kIndex) ? kIndex : kWhole, std::move(tensors), isWhole ? "" : prefix);
}

} // namespace halftone::huggingface
