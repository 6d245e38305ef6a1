//===- Main.cpp - verbs of the halftone command -----------------------------===//

#include "compiler/Driver/Verbs.h"

#include "llvm/Support/raw_ostream.h"

namespace halftone::driver {

namespace {
struct Verb {
  llvm::StringRef name, help;
  int (*run)(llvm::ArrayRef<llvm::StringRef>);
};
} // namespace

static llvm::ArrayRef<Verb> getVerbs() {
  static const Verb verbs[] = {
      {"compile", "model file to native program, library or object", runCompile},
      {"run", "compile and run, or interpret exactly (--reference)", runRun},
      {"check", "whether a model can be compiled, and what to do if not", runCheck},
      {"inspect", "what is in a model, without reading its weights", runInspect},
      {"tokenize", "text to token ids and back, as programs do it", runTokenize},
      {"chat-template", "what a chat template was compiled to, conversations as text", runChatTemplate},
  };
  return verbs;
}

static void printHelp(llvm::raw_ostream &os) {
  os << "halftone VERB …: compiles transformers to native programs\n\n";
  for (const Verb &verb : getVerbs())
    os << "  " << verb.name << std::string(15 - verb.name.size(), ' ') << verb.help << "\n";
  os << "\nhalftone VERB --help says more. For example:\n"
        "  halftone compile model.onnx -o model && ./model --describe\n";
}

int main(llvm::ArrayRef<llvm::StringRef> arguments) {
  if (arguments.empty()) {
    printHelp(llvm::errs());
    return ExitUsage;
  }
  llvm::StringRef name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") {
    printHelp(llvm::outs());
    return ExitOk;
  }
  if (name == "--version") {
    llvm::outs() << "halftone " HALFTONE_VERSION "\n";
    return ExitOk;
  }
  for (const Verb &verb : getVerbs())
    if (verb.name == name)
      return verb.run(arguments.drop_front());
  printError("unknown verb '" + name.str() + "'; halftone --help lists them");
  return ExitUsage;
}

} // namespace halftone::driver
