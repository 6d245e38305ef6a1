//===- Trie.h - keys found byte by byte -----------------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_TRIE_H
#define HALFTONE_RUNTIME_TEXT_TRIE_H

#include "runtime/text/TokenizerFormat.h"
#include "runtime/text/Utf8.h"

namespace halftone::rt {

/// A double array (TokenizerFormat.h), whose nodes may be damaged.
class Trie {
public:
  Trie() = default;
  Trie(const TrieNode *nodes, size_t count) : nodes(nodes), count(count) {}

  static constexpr uint32_t root = 0;

  bool empty() const { return count == 0; }

  /// Goes to the child for a byte.
  bool step(uint32_t &node, char byte) const {
    return go(node, static_cast<unsigned char>(byte) + 1u);
  }

  /// The value of the key that ends here.
  bool value(uint32_t node, uint32_t &result) const {
    if (!go(node, 0))
      return false;
    result = nodes[node].base;
    return true;
  }

  bool walk(uint32_t &node, TextView text) const {
    for (size_t i = 0; i < text.size; ++i)
      if (!step(node, text.data[i]))
        return false;
    return true;
  }

  bool find(TextView key, uint32_t &result) const {
    uint32_t node = root;
    return walk(node, key) && value(node, result);
  }

private:
  bool go(uint32_t &node, uint32_t label) const {
    if (node >= count)
      return false;
    uint64_t child = uint64_t(nodes[node].base) + label;
    // Nothing leads back to the root.
    if (child >= count || child == 0 || nodes[child].check != node)
      return false;
    node = static_cast<uint32_t>(child);
    return true;
  }

  const TrieNode *nodes = nullptr;
  size_t count = 0;
};

} // namespace halftone::rt

#endif
