//===- Header.cpp - the C header beside a library or object -----------------===//

#include "compiler/Emit/Header.h"

#include "dialects/HT/Shapes.h"
#include "runtime/include/halftone/abi.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

namespace halftone::emit {

static llvm::StringRef getTypeName(uint32_t dtype) {
  static constexpr const char *names[] = {
      "",         "float",    "double",         "float16",           "bfloat16",   "int8_t",
      "uint8_t",  "int16_t",  "int32_t",        "int64_t",           "bool (1 byte)", "uint16_t",
      "uint32_t", "uint64_t", "int2 (1 byte)",  "int4 (1 byte)",     "uint2 (1 byte)", "uint4 (1 byte)",
      "float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "float8e8m0fnu", "float4e2m1fn (1 byte)"};
  return dtype < std::size(names) ? names[dtype] : "?";
}

/// `text` without anything that could end the comment it stands in.
static std::string escape(llvm::StringRef text) {
  std::string result;
  for (char c : text)
    result += llvm::isPrint(c) && c != '*' && c != '/' ? c : '?';
  return result;
}

llvm::Error writeHeader(llvm::raw_ostream &os, const ProgramDescription &description, llvm::StringRef apiHeaders) {
  llvm::SmallVector<llvm::StringRef> symbols;
  for (const SymbolDescription &symbol : description.symbols)
    symbols.push_back(symbol.name);
  os << "/* " << escape(description.name) << ", compiled by Halftone.\n *\n";
  auto list = [&](const char *kind, llvm::ArrayRef<TensorDescription> tensors) {
    for (auto [i, tensor] : llvm::enumerate(tensors))
      os << " * " << kind << " " << i << ": \"" << escape(tensor.name) << "\" " << getTypeName(tensor.dtype) << " "
         << escape(ht::toString(tensor.dims, symbols)) << "\n";
  };
  list("input", description.inputs);
  list("output", description.outputs);
  for (const SymbolDescription &symbol : description.symbols)
    os << " * " << escape(symbol.name) << ": " << symbol.min << " to " << symbol.max << "\n";
  os << " *\n * Load it with halftone_load(&halftone_this_program, &model), or find the symbol\n"
        " * \"halftone_program\" with dlsym.\n */\n";

  llvm::SmallVector<llvm::StringRef> names = {"abi.h", "halftone.h"};
  if (description.isLanguageModel())
    names.push_back("language.h");
  for (llvm::StringRef name : names) {
    llvm::SmallString<128> path(apiHeaders);
    llvm::sys::path::append(path, "halftone", name);
    auto buffer = llvm::MemoryBuffer::getFile(path);
    if (!buffer)
      return llvm::createStringError("cannot read '%s': %s", path.c_str(), buffer.getError().message().c_str());
    // The includes between them are replaced by the text itself.
    llvm::StringRef rest = (*buffer)->getBuffer();
    while (!rest.empty()) {
      auto [line, next] = rest.split('\n');
      if (!line.starts_with("#include \"halftone/"))
        os << line << "\n";
      rest = next;
    }
  }
  return llvm::Error::success();
}

} // namespace halftone::emit
