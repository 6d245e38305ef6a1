//===- BytePairs.cpp - byte-pair encoding ---------------------------------===//

#include "runtime/text/WordModels.h"

#include <algorithm>

namespace halftone::rt {

/// Words up to this many symbols are joined by looking at all pairs each time.
static constexpr size_t fewSymbols = 24;

void BytePairs::add(uint32_t token, size_t bytes) {
  auto place = static_cast<uint32_t>(symbols.size());
  if (place)
    symbols[place - 1].next = place;
  symbols.push({token, place ? place - 1 : noToken, noToken,
                static_cast<uint32_t>(bytes)});
}

bool BytePairs::addByteTokens(TextView bytes) {
  for (size_t i = 0; i < bytes.size; ++i)
    if (tables.byteIds[static_cast<unsigned char>(bytes.data[i])] == noToken)
      return false;
  for (size_t i = 0; i < bytes.size; ++i)
    add(tables.byteIds[static_cast<unsigned char>(bytes.data[i])], 1);
  return true;
}

/// The symbols that a word begins as: its bytes or code points, or what stands
/// for those that the vocabulary lacks.
void BytePairs::begin(TextView word) {
  symbols.clear();
  bool bytes = tables.has(flagBytes);
  TextView continuing = tables.text(tables.header->continuing),
           wordEnd = tables.text(tables.header->wordEnd);
  bool decorated = continuing.size || wordEnd.size;
  uint32_t unknown = tables.header->unknown;
  size_t unknownBytes = 0; // of code points that wait to be one unknown symbol
  for (size_t at = 0; at < word.size;) {
    size_t next = at;
    if (bytes)
      ++next;
    else
      nextCodePoint(word, next);
    TextView text = word.slice(at, next);
    uint32_t token = noToken;
    bool found;
    if (bytes && !decorated)
      found =
          (token = tables.byteIds[static_cast<unsigned char>(*text.data)]) !=
          noToken;
    else if (!decorated)
      found = tables.pieces.find(text, token);
    else {
      unit.clear();
      if (at)
        unit.append(continuing.data, continuing.size);
      unit.append(text.data, text.size);
      if (next == word.size)
        unit.append(wordEnd.data, wordEnd.size);
      found = tables.pieces.find({unit.data(), unit.size()}, token);
    }
    at = next;
    if (found) {
      if (unknownBytes)
        add(unknown, unknownBytes);
      unknownBytes = 0;
      add(token, text.size);
    } else if (tables.has(flagByteFallback) &&
               addByteTokens(decorated ? TextView{unit.data(), unit.size()}
                                       : text)) {
    } else if (unknown != noToken) {
      if (unknownBytes && !tables.has(flagFuseUnknown)) {
        add(unknown, unknownBytes);
        unknownBytes = 0;
      }
      unknownBytes += text.size;
    }
  }
  if (unknownBytes)
    add(unknown, unknownBytes);
}

const Merge *BytePairs::find(uint32_t left, uint32_t right) const {
  if (left >= tables.header->numTokens)
    return nullptr;
  size_t low = tables.mergeRows[left], high = tables.mergeRows[left + 1];
  if (high > tables.merges.count)
    return nullptr;
  while (low < high) {
    size_t middle = (low + high) / 2;
    uint32_t here = tables.merges[middle].right;
    if (here == right)
      return &tables.merges[middle];
    if (here < right)
      low = middle + 1;
    else
      high = middle;
  }
  return nullptr;
}

void BytePairs::join(uint32_t place, uint32_t result) {
  Symbol &left = symbols[place], &right = symbols[left.next];
  left.token = result;
  left.bytes += right.bytes;
  right.bytes = 0;
  left.next = right.next;
  if (left.next != noToken)
    symbols[left.next].previous = place;
}

/// A heap with the best candidate first: the lowest rank, then the leftmost.
static bool isWorse(uint64_t a, uint64_t b) { return a > b; }

void BytePairs::propose(uint32_t left) {
  uint32_t right = symbols[left].next;
  if (right == noToken)
    return;
  if (const Merge *merge = find(symbols[left].token, symbols[right].token)) {
    heap.push({merge->rank, left, merge->result});
    std::push_heap(heap.begin(), heap.end(),
                   [](const Candidate &a, const Candidate &b) {
                     return isWorse(uint64_t(a.rank) << 32 | a.place,
                                    uint64_t(b.rank) << 32 | b.place);
                   });
  }
}

void BytePairs::joinMany() {
  heap.clear();
  for (uint32_t i = 0; i + 1 < symbols.size(); ++i)
    propose(i);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(),
                  [](const Candidate &a, const Candidate &b) {
                    return isWorse(uint64_t(a.rank) << 32 | a.place,
                                   uint64_t(b.rank) << 32 | b.place);
                  });
    Candidate best = heap.pop();
    const Symbol &left = symbols[best.place];
    if (left.bytes == 0 || left.next == noToken)
      continue;
    // Neighbours that have changed since may still make the same token.
    const Merge *merge = find(left.token, symbols[left.next].token);
    if (!merge || merge->result != best.result)
      continue;
    join(best.place, best.result);
    if (left.previous != noToken)
      propose(left.previous);
    propose(best.place);
  }
}

void BytePairs::joinFew() {
  // Each symbol's merge with the next one, looked up again only where it
  // changed.
  const Merge *merges[fewSymbols];
  size_t count = symbols.size();
  uint32_t tokens[fewSymbols];
  for (size_t i = 0; i < count; ++i)
    tokens[i] = symbols[i].token;
  for (size_t i = 0; i + 1 < count; ++i)
    merges[i] = find(tokens[i], tokens[i + 1]);
  while (count > 1) {
    size_t best = count;
    for (size_t i = 0; i + 1 < count; ++i)
      if (merges[i] && (best == count || merges[i]->rank < merges[best]->rank))
        best = i;
    if (best == count)
      break;
    tokens[best] = merges[best]->result;
    --count;
    for (size_t i = best + 1; i < count; ++i)
      tokens[i] = tokens[i + 1];
    for (size_t i = best + 1; i + 1 < count; ++i)
      merges[i] = merges[i + 1];
    if (best + 1 < count)
      merges[best] = find(tokens[best], tokens[best + 1]);
    if (best)
      merges[best - 1] = find(tokens[best - 1], tokens[best]);
  }
  symbols.truncate(count);
  for (size_t i = 0; i < count; ++i)
    symbols[i].token = tokens[i];
}

void BytePairs::encode(TextView word, Array<uint32_t> &ids) {
  uint32_t whole;
  if (tables.has(flagWholeWords) && tables.pieces.find(word, whole)) {
    ids.push(whole);
    return;
  }
  begin(word);
  if (symbols.size() <= fewSymbols) {
    joinFew();
    for (const Symbol &symbol : symbols)
      ids.push(symbol.token);
    return;
  }
  joinMany();
  for (const Symbol &symbol : symbols)
    if (symbol.bytes)
      ids.push(symbol.token);
}

} // namespace halftone::rt
