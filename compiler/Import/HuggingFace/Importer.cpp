//===- Importer.cpp - a Hugging Face folder as a graph of the ht dialect ----===//

#include "compiler/Import/HuggingFace/Importer.h"

#include "compiler/Import/HuggingFace/Families.h"
#include "compiler/Import/HuggingFace/Graphs.h"
#include "dialects/HT/HTDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace halftone::huggingface {

std::optional<Maxima> Maxima::create(Folder &folder, const ImportOptions &options,
                                     ArrayRef<StringRef> names) {
  Maxima maxima;
  for (auto &[key, value] : options.maxima) {
    SmallVector<StringRef> matches;
    llvm::copy_if(names, std::back_inserter(matches), [&](StringRef name) { return name.starts_with(key); });
    if (matches.size() == 1) {
      maxima.values[matches.front()] = value;
      continue;
    }
    InFlightDiagnostic diagnostic = folder.error("config.json", ImportFailure::Options);
    diagnostic << "--max: " << quote(key) << " names no dimension of this model; it has ";
    llvm::interleaveComma(names, diagnostic, [&](StringRef name) { diagnostic << name; });
    return std::nullopt;
  }
  return maxima;
}

template <typename Model>
static OwningOpRef<ModuleOp> build(Folder &folder, Config &config, StringRef prefix, Model (*describe)(Config &),
                                   const ImportOptions &options) {
  Model model = describe(config);
  if (!config.isValid())
    return {};
  Checkpoint checkpoint(folder, prefix);
  return succeeded(checkpoint.read()) ? buildGraph(folder, checkpoint, model, options) : nullptr;
}

/// What the files of a folder describe; null after an error.
static OwningOpRef<ModuleOp> import(Folder &folder, const ImportOptions &options) {
  if (!folder.has("config.json")) {
    folder.error("config.json") << "no such file: a model's folder has config.json and model.safetensors";
    return {};
  }
  for (auto *given : {&options.constants, &options.elements})
    if (!given->empty()) {
      folder.error("config.json", ImportFailure::Options)
          << "--constant and --elements are for ONNX models; '" << given->begin()->first
          << "' is no input of this one";
      return {};
    }
  auto object = folder.readJson("config.json");
  if (!object)
    return {};
  Config config(folder, *object);
  std::string type = config.getString("model_type");
  if (!config.isValid())
    return {};
  const Family *family = llvm::find_if(getFamilies(), [&](const Family &f) { return f.modelType == type; });
  if (family == getFamilies().end()) {
    InFlightDiagnostic diagnostic = folder.error("config.json", ImportFailure::Unsupported);
    diagnostic << "the model_type " << quote(type) << " is not supported; known are ";
    llvm::interleaveComma(getFamilies(), diagnostic, [&](const Family &f) { diagnostic << f.modelType; });
    return {};
  }
  if (config.has("quantization_config")) {
    config.refuse("quantization_config",
                  "the weights are read as floats; take the model that this one was made of");
    return {};
  }
  return std::visit([&](auto describe) { return build(folder, config, family->prefix, describe, options); },
                    family->describe);
}

} // namespace halftone::huggingface

OwningOpRef<ModuleOp> halftone::importHuggingFace(StringRef path, MLIRContext &context,
                                                  const ImportOptions &options, ImportFailure *failure) {
  context.loadDialect<func::FuncDialect, ht::HTDialect>();
  huggingface::Folder folder(path, context);
  OwningOpRef<ModuleOp> module = huggingface::import(folder, options);
  if (module && failed(verify(*module)))
    module = {};
  if (failure)
    *failure = module                                       ? ImportFailure::None
               : folder.getFailure() == ImportFailure::None ? ImportFailure::Unreadable
                                                            : folder.getFailure();
  return module;
}
