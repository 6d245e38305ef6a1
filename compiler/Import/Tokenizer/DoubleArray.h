//===- DoubleArray.h - keys as a double array -------------------------------===//

#ifndef HALFTONE_COMPILER_IMPORT_TOKENIZER_DOUBLEARRAY_H
#define HALFTONE_COMPILER_IMPORT_TOKENIZER_DOUBLEARRAY_H

#include "runtime/text/TokenizerFormat.h"

#include <map>
#include <string>
#include <vector>

namespace halftone::tokenizer {

/// The nodes of a trie (rt::TrieNode says how they are laid out). The empty key
/// is left out.
std::vector<rt::TrieNode> buildDoubleArray(const std::map<std::string, uint32_t> &keys);

} // namespace halftone::tokenizer

#endif
