//===- Object.cpp - LLVM IR to machine code ---------------------------------===//

#include "compiler/Emit/Object.h"

#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

namespace halftone::emit {

static void setAttributes(llvm::Module &module, const target::Cpu &cpu) {
  std::string bits = std::to_string(cpu.vectorBits), features;
  for (const std::string &feature : cpu.features)
    features += (features.empty() ? "+" : ",+") + feature;
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", cpu.level);
    function.addFnAttr("tune-cpu", cpu.tune);
    if (!features.empty())
      function.addFnAttr("target-features", features);
    // Some 512-bit processors are tuned to split vectors in two; ours are meant.
    function.addFnAttr("prefer-vector-width", bits);
    function.addFnAttr("min-legal-vector-width", bits);
    function.addFnAttr(llvm::Attribute::NoUnwind);
    if (function.hasLocalLinkage() || function.hasHiddenVisibility())
      continue;
    function.addFnAttr(llvm::Attribute::NoInline); // One copy, however many layers call it.
    // A kernel "exp" is not what the code generator calls where it needs libm's.
    function.setName("kernel." + function.getName());
    function.setLinkage(llvm::GlobalValue::InternalLinkage);
  }
}

llvm::Error emitObject(llvm::Module &module, const target::Cpu &cpu, llvm::raw_pwrite_stream &os) {
  static const bool initialized = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    return true;
  }();
  (void)initialized;

  llvm::Triple triple("x86_64-unknown-linux-gnu");
  std::string error;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return llvm::createStringError("LLVM cannot generate x86-64 code: %s", error.c_str());
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, cpu.level, "", llvm::TargetOptions(), llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Default));
  if (!machine)
    return llvm::createStringError("LLVM has no code generator for %s", cpu.level.c_str());

  module.setTargetTriple(triple);
  module.setDataLayout(machine->createDataLayout());
  setAttributes(module, cpu);
  std::string broken;
  llvm::raw_string_ostream brokenStream(broken);
  if (llvm::verifyModule(module, &brokenStream))
    return llvm::createStringError("internal error: the generated LLVM IR is invalid: %s", broken.c_str());

  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopInterleaving = false;
  llvm::PassBuilder builder(machine.get(), tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager cgscc;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(cgscc);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, cgscc, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);

  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, os, nullptr, llvm::CodeGenFileType::ObjectFile))
    return llvm::createStringError("LLVM cannot write objects for %s", cpu.level.c_str());
  passes.run(module);
  return llvm::Error::success();
}

} // namespace halftone::emit
