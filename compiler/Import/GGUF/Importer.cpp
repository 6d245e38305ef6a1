//===- Importer.cpp - a GGUF file as a graph of the ht dialect --------------===//

#include "compiler/Import/GGUF/Importer.h"

#include "compiler/Import/GGUF/Encodings.h"
#include "compiler/Import/GGUF/Families.h"
#include "compiler/Import/Transformer/Graphs.h"
#include "dialects/HT/HTDialect.h"
#include "dialects/HTQ/HTQDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using halftone::transformer::Checkpoint;
using halftone::transformer::StoredTensor;

namespace halftone::gguf {

/// The matrices of a tensor [experts, rows, columns], each for itself.
static void splitExperts(const Tensor &tensor, StoredTensor whole, llvm::StringMap<StoredTensor> &tensors) {
  StringRef name = tensor.name;
  name.consume_back(kExpertsEnding);
  auto [prefix, matrix] = name.rsplit('.');
  ArrayRef<int64_t> shape = tensor.dims;
  whole.type = RankedTensorType::get(shape.drop_front(), whole.type.getElementType());
  uint64_t bytes = shape[1] * (shape[2] / tensor.type->elements) * tensor.type->bytes;
  for (int64_t i = 0; i < shape[0]; ++i) {
    tensors.try_emplace((prefix + "." + kExperts + Twine(i) + "." + matrix + ".weight").str(), whole);
    whole.offset += bytes;
  }
}

/// The tensors of a file by name; nullopt after an error.
static std::optional<Checkpoint> readTensors(Folder &folder, const File &file) {
  constexpr int64_t kMostExperts = 1024;
  llvm::StringMap<StoredTensor> tensors;
  std::map<StringRef, unsigned> decoded; // how many of a type
  for (const Tensor &tensor : file.tensors) {
    auto refuse = [&](const Twine &type) {
      folder.error(ImportFailure::Unsupported)
          << "tensor " << quote(tensor.name) << " is of type " << type.str() << ", which is not supported; "
          << getSupportedTypes() << " are";
      return std::nullopt;
    };
    if (!tensor.type)
      return refuse("number " + Twine(tensor.typeNumber));
    Type element = getElementType(*tensor.type, folder.getContext());
    auto encoding = getEncoding(*tensor.type);
    if (!element && !encoding)
      return refuse(tensor.type->name);
    if (encoding && !isTerm(*tensor.type))
      ++decoded[tensor.type->name];
    auto type =
        RankedTensorType::get(tensor.dims, element ? element : Float32Type::get(&folder.getContext()));
    StoredTensor stored{folder.getMain().str(), tensor.offset, type, encoding};
    if (tensor.dims.size() == 3 && tensor.name.ends_with(kExpertsEnding) && tensor.dims[0] <= kMostExperts)
      splitExperts(tensor, stored, tensors);
    else
      tensors.try_emplace(tensor.name, stored);
  }
  for (auto [type, count] : decoded)
    emitWarning(folder.getLocation())
        << count << " tensors of type " << type
        << " become f32, as their blocks are no multiples of a scale: --weights can "
           "choose a format for them";
  return Checkpoint(folder, folder.getMain(), std::move(tensors));
}

/// What a file describes; null after an error.
static OwningOpRef<ModuleOp> import(Folder &folder, const ImportOptions &options) {
  auto bytes = folder.open(folder.getMain());
  if (!bytes)
    return {};
  auto file = readFile(*bytes);
  if (!file) {
    folder.error() << llvm::toString(file.takeError());
    return {};
  }
  auto architecture = file->metadata.getText("general.architecture");
  if (!architecture) {
    folder.error() << "it has no key 'general.architecture' that says what model it is";
    return {};
  }
  if (file->metadata.getInteger("split.count").value_or(1) > 1) {
    folder.error(ImportFailure::Unsupported)
        << "it is a part of a model in several files, which is not supported: merge them to one";
    return {};
  }
  const Family *family =
      llvm::find_if(getFamilies(), [&](const Family &f) { return f.architecture == *architecture; });
  if (family == getFamilies().end()) {
    InFlightDiagnostic diagnostic = folder.error(ImportFailure::Unsupported);
    diagnostic << "the architecture " << quote(*architecture) << " is not supported; known are ";
    llvm::interleaveComma(getFamilies(), diagnostic, [&](const Family &f) { diagnostic << f.architecture; });
    return {};
  }
  if (file->tensors.empty()) {
    folder.error() << "it has no tensors: it is a vocabulary, and no model";
    return {};
  }
  Config config(folder, *file, *bytes, *architecture);
  transformer::Decoder decoder = family->describe(config);
  if (!config.isValid())
    return {};
  config.reportUnread();
  auto checkpoint = readTensors(folder, *file);
  return checkpoint ? transformer::buildGraph(folder, *checkpoint, decoder, options) : nullptr;
}

} // namespace halftone::gguf

OwningOpRef<ModuleOp> halftone::importGGUF(StringRef path, MLIRContext &context, const ImportOptions &options,
                                           ImportFailure *failure) {
  context.loadDialect<func::FuncDialect, ht::HTDialect, htq::HTQDialect>();
  Folder folder(llvm::sys::path::parent_path(path), llvm::sys::path::filename(path), context);
  return transformer::finishImport(folder, gguf::import(folder, options), failure);
}

bool halftone::isGGUF(StringRef path) {
  auto file = llvm::sys::fs::openNativeFileForRead(path);
  if (!file) {
    llvm::consumeError(file.takeError());
    return false;
  }
  char magic[4] = {};
  auto read = llvm::sys::fs::readNativeFile(*file, magic);
  (void)llvm::sys::fs::closeFile(*file);
  if (!read)
    llvm::consumeError(read.takeError());
  return read && *read == 4 && StringRef(magic, 4) == "GGUF";
}
