//===- Arguments.cpp - the command line of a verb ---------------------------===//

#include "compiler/Driver/Arguments.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Locale.h"
#include "llvm/Support/raw_ostream.h"

namespace halftone::driver {

/// The option whose name is closest to what was typed, for "did you mean".
static llvm::StringRef findClosest(llvm::StringRef typed, llvm::ArrayRef<OptionSpec> options) {
  llvm::StringRef best;
  unsigned distance = 4;
  for (const OptionSpec &option : options)
    if (unsigned d = typed.edit_distance(option.name); d < distance) {
      distance = d;
      best = option.name;
    }
  return best;
}

llvm::Error parseArguments(llvm::ArrayRef<llvm::StringRef> arguments, llvm::ArrayRef<OptionSpec> options,
                           std::vector<std::string> &positional, std::vector<std::string> *rest) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    llvm::StringRef argument = arguments[i];
    if (!argument.starts_with("-") || argument == "-") {
      if (rest && !positional.empty())
        rest->push_back(argument.str());
      else
        positional.push_back(argument.str());
      continue;
    }
    auto [name, value] = argument.split('=');
    bool hasValue = name.size() != argument.size();
    const OptionSpec *option = llvm::find_if(options, [&](const OptionSpec &spec) { return spec.name == name; });
    if (option == options.end()) {
      if (rest) {
        rest->push_back(argument.str());
        continue;
      }
      llvm::StringRef closest = findClosest(name, options);
      return llvm::createStringError("unknown option '%s'%s%s%s; --help lists the options", name.str().c_str(),
                                     closest.empty() ? "" : ", did you mean '", closest.str().c_str(),
                                     closest.empty() ? "" : "'?");
    }
    if (option->value.empty()) {
      if (hasValue)
        return llvm::createStringError("option '%s' takes no value", name.str().c_str());
      *option->flag = true;
      continue;
    }
    if (!hasValue) {
      if (++i == arguments.size())
        return llvm::createStringError("option '%s' needs a value: %s", name.str().c_str(),
                                       option->value.str().c_str());
      value = arguments[i];
    }
    if (option->list)
      option->list->push_back(value.str());
    else
      *option->target = value.str();
  }
  return llvm::Error::success();
}

llvm::Expected<uint64_t> parseBytes(llvm::StringRef text) {
  llvm::StringRef number = text;
  unsigned shift = number.consume_back("KiB")   ? 10
                   : number.consume_back("MiB") ? 20
                   : number.consume_back("GiB") ? 30
                                                : 0;
  uint64_t value;
  if (number.empty() || !llvm::all_of(number, llvm::isDigit) || number.getAsInteger(10, value) ||
      value == 0 || value > UINT64_MAX >> shift)
    return llvm::createStringError("'" + text + "' is no number of bytes, such as 4GiB, 512MiB or 1048576");
  return value << shift;
}

std::string describeOptions(llvm::ArrayRef<OptionSpec> options) {
  std::string text;
  for (const OptionSpec &option : options) {
    std::string left = "  " + option.name.str();
    if (!option.value.empty())
      left += " " + option.value.str();
    // An ellipsis has three bytes and one column.
    int columns = llvm::sys::locale::columnWidth(left), indent = std::max(columns + 2, 30);
    left.append(indent - columns, ' ');
    // Help continues on lines of its own, under its first word.
    auto [line, more] = option.help.split('\n');
    text += left + line.str() + "\n";
    while (!more.empty()) {
      std::tie(line, more) = more.split('\n');
      text += std::string(indent, ' ') + line.str() + "\n";
    }
  }
  return text;
}

} // namespace halftone::driver
