//===- DoubleArray.cpp - keys as a double array -----------------------------===//

#include "compiler/Import/Tokenizer/DoubleArray.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace halftone::tokenizer {

namespace {

struct Key {
  llvm::StringRef text;
  uint32_t value;
};

/// Keys begin .. end - 1 share their first `depth` bytes, which lead to `node`.
struct Range {
  size_t begin, end, depth;
  uint32_t node;
};

/// Children by label: 0 where a key ends, else 1 + byte.
struct Child {
  uint32_t label;
  size_t begin, end;
};

constexpr uint32_t kFree = ~uint32_t(0);

class Builder {
public:
  explicit Builder(const std::map<std::string, uint32_t> &map) {
    for (auto &[text, value] : map)
      if (!text.empty())
        keys.push_back({text, value});
  }

  std::vector<rt::TrieNode> build() {
    if (keys.empty())
      return {};
    grow(1);
    nodes[0].check = 0;
    // Level by level would scatter neighbours: depth first.
    std::vector<Range> work{{0, keys.size(), 0, 0}};
    llvm::SmallVector<Child> children;
    while (!work.empty()) {
      Range range = work.back();
      work.pop_back();
      collect(range, children);
      uint32_t base = place(children);
      nodes[range.node].base = base;
      for (const Child &child : children)
        nodes[base + child.label].check = range.node;
      for (const Child &child : llvm::reverse(children))
        if (child.label == 0)
          nodes[base].base = keys[child.begin].value;
        else
          work.push_back({child.begin, child.end, range.depth + 1, base + child.label});
    }
    while (nodes.back().check == kFree)
      nodes.pop_back();
    return std::move(nodes);
  }

private:
  void collect(const Range &range, llvm::SmallVectorImpl<Child> &children) {
    children.clear();
    for (size_t i = range.begin; i < range.end; ++i) {
      llvm::StringRef text = keys[i].text;
      uint32_t label = text.size() == range.depth ? 0 : 1 + static_cast<unsigned char>(text[range.depth]);
      if (children.empty() || children.back().label != label)
        children.push_back({label, i, i});
      children.back().end = i + 1;
    }
  }

  /// The first base where all children find a free place. Places before
  /// `firstFree` are taken; a dense stretch is not searched again.
  uint32_t place(llvm::ArrayRef<Child> children) {
    uint32_t first = children.front().label, tried = 0;
    for (size_t at = std::max<size_t>(firstFree, first + 1);; ++at) {
      grow(at + 258);
      if (nodes[at].check != kFree)
        continue;
      ++tried;
      auto base = static_cast<uint32_t>(at - first);
      bool fits = true;
      for (const Child &child : children.drop_front())
        fits = fits && nodes[base + child.label].check == kFree;
      if (!fits)
        continue;
      // Few free places were tried in vain for long: look behind them next time.
      if (tried > 64)
        firstFree = at - std::min<size_t>(at - firstFree, 256);
      while (firstFree < nodes.size() && nodes[firstFree].check != kFree)
        ++firstFree;
      return base;
    }
  }

  void grow(size_t size) {
    if (size > nodes.size())
      nodes.resize(std::max(size, nodes.size() * 2), {0, kFree});
  }

  std::vector<Key> keys;
  std::vector<rt::TrieNode> nodes;
  size_t firstFree = 1;
};

} // namespace

std::vector<rt::TrieNode> buildDoubleArray(const std::map<std::string, uint32_t> &keys) {
  return Builder(keys).build();
}

} // namespace halftone::tokenizer
