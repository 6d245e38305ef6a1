//===- Arguments.h - the command line of a verb -----------------------------===//

#ifndef HALFTONE_COMPILER_DRIVER_ARGUMENTS_H
#define HALFTONE_COMPILER_DRIVER_ARGUMENTS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace halftone::driver {

/// One option: `--name VALUE`, `--name=VALUE`, or a flag.
struct OptionSpec {
  llvm::StringRef name;  ///< with dashes; "-o" has one
  llvm::StringRef value; ///< what to call its value in help; empty: a flag
  llvm::StringRef help;
  std::string *target = nullptr;
  bool *flag = nullptr;
  std::vector<std::string> *list = nullptr; ///< of an option that may come several times
};

/// Sets the options' targets and collects positional arguments. `rest`, when
/// given, takes everything that is not an option of ours instead of refusing it.
llvm::Error parseArguments(llvm::ArrayRef<llvm::StringRef> arguments, llvm::ArrayRef<OptionSpec> options,
                           std::vector<std::string> &positional, std::vector<std::string> *rest = nullptr);

/// A number of bytes, as in 4GiB, 512MiB, 64KiB or 1048576.
llvm::Expected<uint64_t> parseBytes(llvm::StringRef text);

/// The options as help text, one line each, aligned.
std::string describeOptions(llvm::ArrayRef<OptionSpec> options);

} // namespace halftone::driver

#endif
