//===- Checkpoint.cpp - the weights of a model's folder ---------------------===//

#include "compiler/Import/HuggingFace/Checkpoint.h"

#include <set>

using namespace mlir;

namespace halftone::huggingface {

static constexpr StringRef kWhole = "model.safetensors", kIndex = "model.safetensors.index.json";

/// Whether a name from the index stays in the folder.
static bool isPlainName(StringRef name) {
  return name.size() < 256 && name.ends_with(".safetensors") &&
         name.find_first_of(StringRef("/\\\0", 3)) == StringRef::npos;
}

LogicalResult Checkpoint::read() {
  if (failed(readFiles()))
    return failure();
  renameOldNorms();
  isWhole = llvm::any_of(tensors.keys(), [&](StringRef name) { return name.starts_with(prefix); });
  return success();
}

/// Files that were made from TensorFlow's have its names for the weights of norms.
void Checkpoint::renameOldNorms() {
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

LogicalResult Checkpoint::readFiles() {
  if (!folder.has(kIndex)) {
    main = kWhole.str();
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

  main = kIndex.str();
  auto index = folder.readJson(kIndex);
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

static std::string toText(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "[";
  llvm::interleaveComma(shape, os);
  os << "]";
  return text;
}

const StoredTensor *Checkpoint::take(StringRef name, ArrayRef<int64_t> shape) {
  name = getStoredName(name);
  auto it = tensors.find(name);
  if (it == tensors.end()) {
    folder.error(main) << "has no tensor " << quote(name) << ": expected floats of shape " << toText(shape);
    return nullptr;
  }
  const StoredTensor &tensor = it->second;
  Type element = tensor.type.getElementType();
  if (tensor.type.getShape() != shape || !(element.isF32() || element.isF16() || element.isBF16())) {
    folder.error(tensor.file) << "tensor " << quote(name) << " is " << element << " of shape "
                              << toText(tensor.type.getShape()) << ": expected f32, f16 or bf16 of shape "
                              << toText(shape);
    return nullptr;
  }
  taken.insert(name);
  return &tensor;
}

unsigned Checkpoint::ignore(StringRef beginning, StringRef ending) {
  unsigned count = 0;
  for (StringRef name : tensors.keys())
    if (name.starts_with(beginning) && name.ends_with(ending) && taken.insert(name).second)
      ++count;
  return count;
}

LogicalResult Checkpoint::checkAllTaken() {
  std::set<std::string> left;
  for (auto &entry : tensors)
    if (!taken.contains(entry.first()))
      left.insert(entry.first().str());
  if (left.empty())
    return success();
  const StoredTensor &first = tensors.find(*left.begin())->second;
  InFlightDiagnostic diagnostic = folder.error(first.file)
                                  << "tensor " << quote(*left.begin()) << " of shape "
                                  << toText(first.type.getShape())
                                  << " has no place in a model with this config.json";
  if (left.size() > 1)
    diagnostic << ", nor have " << left.size() - 1 << " others";
  return diagnostic;
}

} // namespace halftone::huggingface
