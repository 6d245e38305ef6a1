//===- Descriptor.cpp - the program's description of itself -----------------===//

#include "compiler/Emit/Descriptor.h"

#include "compiler/Evaluate/Attributes.h"
#include "dialects/HTK/HTKDialect.h"
#include "dialects/HTK/States.h"
#include "runtime/include/halftone/abi.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/Support/MathExtras.h"

namespace halftone::emit {

namespace {

std::optional<uint32_t> getDType(mlir::Type type) {
  using evaluate::ElementKind;
  auto kind = evaluate::getElementKind(type);
  if (!kind)
    return std::nullopt;
  switch (*kind) {
  case ElementKind::I1:
    return HALFTONE_BOOL;
  case ElementKind::I2:
    return HALFTONE_I2;
  case ElementKind::I4:
    return HALFTONE_I4;
  case ElementKind::I8:
    return HALFTONE_I8;
  case ElementKind::I16:
    return HALFTONE_I16;
  case ElementKind::I32:
    return HALFTONE_I32;
  case ElementKind::I64:
    return HALFTONE_I64;
  case ElementKind::UI2:
    return HALFTONE_U2;
  case ElementKind::UI4:
    return HALFTONE_U4;
  case ElementKind::UI8:
    return HALFTONE_U8;
  case ElementKind::UI16:
    return HALFTONE_U16;
  case ElementKind::UI32:
    return HALFTONE_U32;
  case ElementKind::UI64:
    return HALFTONE_U64;
  case ElementKind::F16:
    return HALFTONE_F16;
  case ElementKind::BF16:
    return HALFTONE_BF16;
  case ElementKind::F32:
    return HALFTONE_F32;
  case ElementKind::F64:
    return HALFTONE_F64;
  case ElementKind::F8E4M3FN:
    return HALFTONE_F8E4M3FN;
  case ElementKind::F8E4M3FNUZ:
    return HALFTONE_F8E4M3FNUZ;
  case ElementKind::F8E5M2:
    return HALFTONE_F8E5M2;
  case ElementKind::F8E5M2FNUZ:
    return HALFTONE_F8E5M2FNUZ;
  case ElementKind::F8E8M0FNU:
    return HALFTONE_F8E8M0FNU;
  case ElementKind::F4E2M1FN:
    return HALFTONE_F4E2M1FN;
  // In weights only.
  case ElementKind::I3:
  case ElementKind::I5:
  case ElementKind::I6:
  case ElementKind::UI3:
  case ElementKind::UI5:
  case ElementKind::UI6:
    return std::nullopt;
  }
  llvm_unreachable("covered switch");
}

/// Writes constants with the layouts of abi.h. Structures are built from C
/// types in declaration order, so LLVM's layout of them is the C compiler's;
/// the static_assert catches fields added on one side only.
class DescriptorBuilder {
public:
  DescriptorBuilder(llvm::Module &module, const ProgramDescription &description)
      : module(module), context(module.getContext()), description(description), i32(llvm::Type::getInt32Ty(context)),
        i64(llvm::Type::getInt64Ty(context)), pointer(llvm::PointerType::get(context, 0)) {}

  void build(llvm::StringRef payloadSymbol) {
    for (const SymbolDescription &symbol : description.symbols)
      symbolNames.push_back(symbol.name);

    std::vector<llvm::Constant *> symbols, inputs, outputs, states, levels;
    for (const SymbolDescription &symbol : description.symbols)
      symbols.push_back(makeStruct({text(symbol.name), number(i64, symbol.min), number(i64, symbol.max)}));
    for (const TensorDescription &input : description.inputs)
      inputs.push_back(makeTensor(input));
    for (const TensorDescription &output : description.outputs)
      outputs.push_back(makeTensor(output));
    uint64_t stateBytes = 0;
    for (const StateDescription &state : description.states) {
      states.push_back(makeStruct({makeTensor(state.tensor), number(i64, state.offset)}));
      stateBytes = std::max(stateBytes, state.offset + state.bytes);
    }
    for (const LevelDescription &level : description.levels)
      levels.push_back(makeLevel(level));

    auto *payload = new llvm::GlobalVariable(module, llvm::Type::getInt8Ty(context), /*isConstant=*/true,
                                             llvm::GlobalValue::ExternalLinkage, nullptr, payloadSymbol);
    payload->setVisibility(llvm::GlobalValue::HiddenVisibility);

    static_assert(sizeof(halftone_program) == 128, "abi.h changed: change this list of fields");
    llvm::Constant *program = makeStruct({
        number(i32, HALFTONE_ABI_VERSION),
        number(i32, sizeof(halftone_program)),
        text(description.name),
        text(description.buildInfo),
        number(i32, symbols.size()),
        number(i32, inputs.size()),
        number(i32, outputs.size()),
        number(i32, levels.size()),
        number(i32, states.size()),
        number(i32, 0),
        array(symbols),
        array(inputs),
        array(outputs),
        array(levels),
        array(states),
        number(i64, stateBytes),
        payload,
        number(i64, description.payloadBytes),
        makeOutputDims(),
        makeText(),
    });
    auto *global = new llvm::GlobalVariable(module, program->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::ExternalLinkage, program, "halftone_program");
    global->setAlignment(llvm::Align(8));
  }

private:
  llvm::Constant *number(llvm::Type *type, uint64_t value) { return llvm::ConstantInt::get(type, value); }

  llvm::Constant *makeStruct(llvm::ArrayRef<llvm::Constant *> fields) {
    return llvm::ConstantStruct::getAnon(context, fields);
  }

  llvm::Constant *makeGlobal(llvm::Constant *value) {
    auto *global = new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::PrivateLinkage, value);
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return global;
  }

  llvm::Constant *text(llvm::StringRef value) { return makeGlobal(llvm::ConstantDataArray::getString(context, value)); }

  llvm::Constant *array(llvm::ArrayRef<llvm::Constant *> elements) {
    if (elements.empty())
      return llvm::ConstantPointerNull::get(pointer);
    auto *type = llvm::ArrayType::get(elements.front()->getType(), elements.size());
    return makeGlobal(llvm::ConstantArray::get(type, elements));
  }

  llvm::Constant *makeTensor(const TensorDescription &tensor) {
    std::vector<llvm::Constant *> dims, texts;
    for (mlir::AffineExpr dim : tensor.dims) {
      int64_t encoded = HALFTONE_EXPRESSION;
      if (auto constant = ht::getConstant(dim))
        encoded = *constant;
      else if (auto symbol = llvm::dyn_cast<mlir::AffineSymbolExpr>(dim))
        encoded = -1 - static_cast<int64_t>(symbol.getPosition());
      dims.push_back(number(i64, encoded));
      texts.push_back(text(ht::toString(dim, symbolNames)));
    }
    return makeStruct({text(tensor.name), number(i32, tensor.dtype), number(i32, tensor.dims.size()), array(dims),
                       array(texts)});
  }

  llvm::Constant *makeLevel(const LevelDescription &level) {
    std::vector<llvm::Constant *> sites;
    for (const std::string &site : level.faultSites)
      sites.push_back(text(site));
    auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, i64}, false);
    auto *step = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, level.step, module);
    step->setVisibility(llvm::GlobalValue::HiddenVisibility);
    static_assert(sizeof(halftone_level) == 48, "abi.h changed: change this list of fields");
    return makeStruct({text(level.name), number(i64, level.cpuFeatures), number(i64, level.arenaBytes),
                       number(i64, sites.size()), array(sites), step});
  }

  /// Bytes that are read where they lie.
  llvm::Constant *block(llvm::StringRef bytes) {
    if (bytes.empty())
      return llvm::ConstantPointerNull::get(pointer);
    auto *data = llvm::ConstantDataArray::getString(context, bytes, /*AddNull=*/false);
    auto *global = llvm::cast<llvm::GlobalVariable>(makeGlobal(data));
    global->setAlignment(llvm::Align(8));
    return global;
  }

  llvm::Constant *makeText() {
    const TextDescription &text = description.text;
    if (text.tokenizer.empty())
      return llvm::ConstantPointerNull::get(pointer);
    std::vector<llvm::Constant *> ends;
    for (uint32_t end : text.ends)
      ends.push_back(number(i32, end));
    static_assert(sizeof(halftone_text) == 48, "abi.h changed: change this list of fields");
    return makeGlobal(makeStruct({block(text.tokenizer), number(i64, text.tokenizer.size()), block(text.chat),
                                  number(i64, text.chat.size()), array(ends), number(i64, ends.size())}));
  }

  /// void output_dims(const int64_t *symbols, int64_t *dims)
  llvm::Function *makeOutputDims() {
    auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, pointer}, false);
    auto *function = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, "output_dims", module);
    llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "entry", function));
    unsigned next = 0;
    auto store = [&](mlir::AffineExpr dim) {
      llvm::Value *value = evaluate(b, dim, function->getArg(0));
      b.CreateStore(value, b.CreateConstGEP1_64(i64, function->getArg(1), next++));
    };
    for (const TensorDescription &output : description.outputs)
      llvm::for_each(output.dims, store);
    for (const TensorDescription &input : description.inputs)
      for (mlir::AffineExpr dim : input.dims)
        if (!ht::getConstant(dim) && !llvm::isa<mlir::AffineSymbolExpr>(dim))
          store(dim);
    b.CreateRetVoid();
    return function;
  }

  llvm::Value *evaluate(llvm::IRBuilder<> &b, mlir::AffineExpr expr, llvm::Value *symbols) {
    if (auto constant = ht::getConstant(expr))
      return number(i64, *constant);
    if (auto symbol = llvm::dyn_cast<mlir::AffineSymbolExpr>(expr))
      return b.CreateLoad(i64, b.CreateConstGEP1_64(i64, symbols, symbol.getPosition()));
    auto binary = llvm::cast<mlir::AffineBinaryOpExpr>(expr);
    llvm::Value *lhs = evaluate(b, binary.getLHS(), symbols), *rhs = evaluate(b, binary.getRHS(), symbols);
    switch (expr.getKind()) {
    case mlir::AffineExprKind::Add:
      return b.CreateAdd(lhs, rhs);
    case mlir::AffineExprKind::Mul:
      return b.CreateMul(lhs, rhs);
    case mlir::AffineExprKind::CeilDiv: // Dimensions are not negative.
      return b.CreateUDiv(b.CreateAdd(lhs, b.CreateSub(rhs, number(i64, 1))), rhs);
    case mlir::AffineExprKind::Mod:
      return b.CreateURem(lhs, rhs);
    default:
      return b.CreateUDiv(lhs, rhs);
    }
  }

  llvm::Module &module;
  llvm::LLVMContext &context;
  const ProgramDescription &description;
  llvm::Type *i32, *i64;
  llvm::PointerType *pointer;
  llvm::SmallVector<llvm::StringRef> symbolNames;
};

} // namespace

llvm::Expected<ProgramDescription> describeGraph(mlir::ModuleOp module) {
  auto graph = module.lookupSymbol<mlir::func::FuncOp>("main");
  if (!graph)
    return llvm::createStringError("the module has no graph function @main");

  ProgramDescription description;
  for (ht::SymbolAttr symbol : ht::getSymbols(graph))
    description.symbols.push_back({symbol.getName().str(), symbol.getMin(), symbol.getMax()});
  auto describe = [&](mlir::Type type, std::string name) -> llvm::Expected<TensorDescription> {
    auto tensor = llvm::cast<mlir::RankedTensorType>(type);
    auto dtype = getDType(tensor.getElementType());
    if (!dtype)
      return llvm::createStringError("\"%s\" has an element type that programs cannot exchange", name.c_str());
    return TensorDescription{std::move(name), *dtype, ht::getDims(tensor)};
  };
  auto states = htk::getStates(graph);
  llvm::SmallDenseSet<unsigned> stateArguments, stateResults;
  for (const htk::State &state : states) {
    auto tensor = describe(graph.getArgumentTypes()[state.argument], ht::getInputName(graph, state.argument));
    if (!tensor)
      return tensor.takeError();
    description.states.push_back(
        {std::move(*tensor), static_cast<uint64_t>(state.offset), static_cast<uint64_t>(state.bytes)});
    stateArguments.insert(state.argument);
    stateResults.insert(state.result);
  }
  for (auto [i, type] : llvm::enumerate(graph.getArgumentTypes())) {
    if (stateArguments.contains(i))
      continue;
    auto input = describe(type, ht::getInputName(graph, i));
    if (!input)
      return input.takeError();
    description.inputs.push_back(std::move(*input));
  }
  for (auto [i, type] : llvm::enumerate(graph.getResultTypes())) {
    if (stateResults.contains(i))
      continue;
    auto output = describe(type, ht::getOutputName(graph, i));
    if (!output)
      return output.takeError();
    description.outputs.push_back(std::move(*output));
  }
  return description;
}

uint64_t getPayloadBytes(mlir::ModuleOp level) {
  uint64_t payloadBytes = 0;
  for (auto weight : level.getOps<ht::WeightOp>())
    if (auto offset = weight->getAttrOfType<mlir::IntegerAttr>(htk::HTKDialect::kPayloadOffsetAttr)) {
      auto type = weight.getWeightType();
      uint64_t bytes = type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
      payloadBytes = std::max<uint64_t>(payloadBytes, offset.getInt() + bytes);
    }
  return payloadBytes;
}

llvm::Expected<LevelDescription> describeLevel(mlir::ModuleOp level) {
  mlir::Operation *step = level.lookupSymbol("step");
  if (!step || !level.getSymName())
    return llvm::createStringError("the module has no @step: it has not been lowered");
  LevelDescription description;
  description.name = level.getSymName()->str();
  description.step = "step." + description.name;
  if (auto sites = level->getAttrOfType<mlir::ArrayAttr>(htk::HTKDialect::kFaultSitesAttr))
    for (mlir::Attribute site : sites)
      description.faultSites.push_back(llvm::cast<mlir::StringAttr>(site).str());
  if (auto bytes = step->getAttrOfType<mlir::IntegerAttr>(htk::HTKDialect::kArenaBytesAttr))
    description.arenaBytes = bytes.getInt();
  return description;
}

void addDescriptor(llvm::Module &module, const ProgramDescription &description, llvm::StringRef payloadSymbol) {
  DescriptorBuilder(module, description).build(payloadSymbol);
}

} // namespace halftone::emit
