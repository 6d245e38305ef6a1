//===- Options.cpp - what a caller asks of an import ------------------------===//

#include "compiler/Import/Support/Options.h"

#include <limits>

using llvm::SmallVector;
using llvm::StringRef;

namespace halftone {

bool parseMaxima(StringRef text, ImportOptions &options, std::string &error) {
  SmallVector<StringRef> entries;
  text.split(entries, ',', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef entry : entries) {
    auto [name, number] = entry.rsplit('=');
    int64_t value = 0;
    // Indices into a dimension stay far from overflow.
    if (name.empty() || number.getAsInteger(10, value) || value < 1 ||
        value > std::numeric_limits<int32_t>::max()) {
      error = "expected NAME=NUMBER[,NAME=NUMBER...] with numbers from 1 to 2147483647, got '" + entry.str() +
              "'";
      return false;
    }
    options.maxima[name.str()] = value;
  }
  return true;
}

/// Adds NAME=VALUE to `entries`.
static bool parseEntry(StringRef text, const char *expected, std::map<std::string, std::string> &entries,
                       std::string &error) {
  auto [name, value] = text.split('=');
  if (name.empty() || name.size() == text.size()) {
    error = std::string("expected ") + expected + ", got '" + text.str() + "'";
    return false;
  }
  if (entries.try_emplace(name.str(), value.str()).second)
    return true;
  error = "'" + name.str() + "' is given twice";
  return false;
}

bool parseConstant(StringRef text, ImportOptions &options, std::string &error) {
  return parseEntry(text, "NAME=NUMBER[,NUMBER...] or NAME=FILE.npy", options.constants, error);
}

bool parseElements(StringRef text, ImportOptions &options, std::string &error) {
  return parseEntry(text, "NAME=SHAPE[,SHAPE...] with shapes such as 3x4 or scalar, NAME=empty or NAME=none",
                    options.elements, error);
}

} // namespace halftone
