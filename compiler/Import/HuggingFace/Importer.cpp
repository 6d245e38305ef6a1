//===- Importer.cpp - a Hugging Face folder as a graph of the ht dialect ----===//

#include "compiler/Import/HuggingFace/Importer.h"

#include "compiler/Import/HuggingFace/Checkpoint.h"
#include "compiler/Import/HuggingFace/Families.h"
#include "compiler/Import/Transformer/Graphs.h"
#include "dialects/HT/HTDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace halftone::huggingface {

static constexpr StringRef kConfig = "config.json";

/// Some files have a copy of the table that is the head as well.
static void ignoreCopies(Decoder &decoder) {
  if (decoder.head.name.empty())
    decoder.ignored.push_back("lm_head.weight");
}
static void ignoreCopies(Encoder &) {}

template <typename Model>
static OwningOpRef<ModuleOp> build(Folder &folder, Config &config, StringRef prefix,
                                   Model (*describe)(Config &), const ImportOptions &options) {
  Model model = describe(config);
  if (!config.isValid())
    return {};
  ignoreCopies(model);
  auto checkpoint = readCheckpoint(folder, prefix);
  return checkpoint ? buildGraph(folder, *checkpoint, model, options) : nullptr;
}

/// What the files of a folder describe; null after an error.
static OwningOpRef<ModuleOp> import(Folder &folder, const ImportOptions &options) {
  if (!folder.has(kConfig)) {
    folder.error() << "no such file: a model's folder has config.json and model.safetensors";
    return {};
  }
  auto object = readJson(folder, kConfig);
  if (!object)
    return {};
  Config config(folder, *object);
  std::string type = config.getString("model_type");
  if (!config.isValid())
    return {};
  const Family *family = llvm::find_if(getFamilies(), [&](const Family &f) { return f.modelType == type; });
  if (family == getFamilies().end()) {
    InFlightDiagnostic diagnostic = folder.error(ImportFailure::Unsupported);
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
  Folder folder(path, huggingface::kConfig, context);
  return transformer::finishImport(folder, huggingface::import(folder, options), failure);
}
