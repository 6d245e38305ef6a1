//===- Description.cpp - a tokenizer as it was read -------------------------===//

#include "compiler/Import/Tokenizer/Description.h"

namespace halftone::tokenizer {

rt::PoolSpan Pool::add(llvm::StringRef text) {
  auto [entry, isNew] = offsets.try_emplace(text, static_cast<uint32_t>(data.size()));
  if (isNew)
    data += text;
  return {entry->second, static_cast<uint32_t>(text.size())};
}

llvm::Error Description::addToken(uint64_t id, llvm::StringRef content) {
  if (id >= kMaxTokens)
    return llvm::createStringError("token \"%s\" has the id %llu; at most %u are supported",
                                   content.str().c_str(), static_cast<unsigned long long>(id), kMaxTokens);
  if (id >= tokens.size())
    tokens.resize(id + 1);
  if (tokens[id] && *tokens[id] != content)
    return llvm::createStringError("tokens \"%s\" and \"%s\" have the same id %llu", tokens[id]->c_str(),
                                   content.str().c_str(), static_cast<unsigned long long>(id));
  tokens[id] = content.str();
  return llvm::Error::success();
}

void Description::addReplace(uint32_t pattern, bool keep, llvm::StringRef before, llvm::StringRef after) {
  rt::PoolSpan first = pool.add(before), last = pool.add(after);
  normalizer.insert(normalizer.end(), {static_cast<uint32_t>(rt::NormalizerStep::Replace), pattern, keep,
                                       first.offset, first.size, last.offset, last.size});
}

void Description::addLower() {
  needsLower = true;
  normalizer.push_back(static_cast<uint32_t>(rt::NormalizerStep::Lower));
}

void Description::addForm(bool compatible, bool compose) {
  needsForms = true;
  normalizer.insert(normalizer.end(), {static_cast<uint32_t>(rt::NormalizerStep::Decompose), compatible});
  if (compose)
    normalizer.push_back(static_cast<uint32_t>(rt::NormalizerStep::Compose));
}

void Description::addPrepend(llvm::StringRef text, bool unlessContinued) {
  rt::PoolSpan span = pool.add(text);
  normalizer.insert(normalizer.end(), {static_cast<uint32_t>(rt::NormalizerStep::Prepend), span.offset,
                                       span.size, unlessContinued});
}

void Description::addStrip(bool left, bool right) {
  normalizer.insert(normalizer.end(),
                    {static_cast<uint32_t>(rt::NormalizerStep::Strip), rt::classSpace, left, right});
}

/// What a grapheme cluster is, as far as clusters of less than six bytes go: a
/// code point with the marks behind it, or CR LF. (Longer ones, such as flags or
/// Hangul of several letters, are mapped code point by code point anyway.)
static constexpr const char *kClusters =
    "\\r\\n|[\\p{Cc}\\p{Zl}\\p{Zp}]|[\\x{600}-\\x{605}\\x{6dd}\\x{70f}]*[^\\p{Cc}\\p{Zl}\\p{Zp}]"
    "[\\p{M}\\x{200c}\\x{200d}\\x{ff9e}\\x{ff9f}\\x{e33}\\x{eb3}\\x{1f3fb}-\\x{1f3ff}\\x{e0020}-\\x{e007f}]*";

llvm::Error Description::addCharsmap(llvm::StringRef map, bool byClusters) {
  uint32_t trieBytes = 0;
  if (map.size() >= 4)
    memcpy(&trieBytes, map.data(), 4);
  if (map.size() < 8 || trieBytes == 0 || trieBytes % 4 || trieBytes > map.size() - 4)
    return llvm::createStringError("the precompiled map has %zu bytes and says that %u of them are its trie",
                                   map.size(), trieBytes);
  if (!charsmap.empty())
    return llvm::createStringError("the normalizer has two precompiled maps; one is supported");
  charsmap = map.take_front(4).str() + std::string(4, '\0') + map.drop_front(4).str();
  uint32_t number = rt::noPattern;
  if (byClusters) {
    auto pattern = patterns.addRegex(kClusters);
    if (!pattern)
      return pattern.takeError();
    number = *pattern;
  }
  normalizer.insert(normalizer.end(), {static_cast<uint32_t>(rt::NormalizerStep::Charsmap), number});
  return llvm::Error::success();
}

void Description::addSplit(uint32_t pattern, rt::SplitBehavior behavior, bool inverted) {
  preTokens.insert(preTokens.end(), {static_cast<uint32_t>(rt::PreTokenStep::Split), pattern,
                                     static_cast<uint32_t>(behavior), inverted});
}

void Description::addMetaspace(llvm::StringRef replacement, rt::PrependScheme scheme, bool split) {
  rt::PoolSpan span = pool.add(replacement);
  preTokens.insert(preTokens.end(), {static_cast<uint32_t>(rt::PreTokenStep::Metaspace), span.offset,
                                     span.size, static_cast<uint32_t>(scheme), split});
}

void Description::addPrefixSpace() {
  preTokens.push_back(static_cast<uint32_t>(rt::PreTokenStep::PrefixSpace));
}

} // namespace halftone::tokenizer
