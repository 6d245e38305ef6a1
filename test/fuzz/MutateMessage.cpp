//===- MutateMessage.cpp - changes of a protobuf message that keep it one -===//

#include "MutateMessage.h"

#include <cstring>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace halftone::fuzz {

namespace {

struct Field {
  uint64_t key;        ///< number << 3 | wire type
  uint64_t number = 0; ///< of a varint
  std::string bytes;   ///< of anything else
};

std::optional<uint64_t> readVarint(std::string_view &text) {
  uint64_t value = 0;
  for (unsigned i = 0; i < 10 && i < text.size(); ++i) {
    auto byte = static_cast<uint8_t>(text[i]);
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (!(byte & 0x80)) {
      text.remove_prefix(i + 1);
      return value;
    }
  }
  return std::nullopt;
}

void writeVarint(std::string &text, uint64_t value) {
  for (; value >= 128; value >>= 7)
    text += static_cast<char>(value | 128);
  text += static_cast<char>(value);
}

/// The fields of a message; nullopt where the text is none.
std::optional<std::vector<Field>> parse(std::string_view text) {
  std::vector<Field> fields;
  while (!text.empty()) {
    auto key = readVarint(text);
    if (!key || *key >> 3 == 0)
      return std::nullopt;
    Field &field = fields.emplace_back(Field{*key});
    uint64_t size = 0;
    switch (*key & 7) {
    case 0: {
      auto number = readVarint(text);
      if (!number)
        return std::nullopt;
      field.number = *number;
      continue;
    }
    case 1:
      size = 8;
      break;
    case 2: {
      auto length = readVarint(text);
      if (!length)
        return std::nullopt;
      size = *length;
      break;
    }
    case 5:
      size = 4;
      break;
    default:
      return std::nullopt;
    }
    if (size > text.size())
      return std::nullopt;
    field.bytes = text.substr(0, size);
    text.remove_prefix(size);
  }
  return fields;
}

std::string print(const std::vector<Field> &fields) {
  std::string text;
  for (const Field &field : fields) {
    writeVarint(text, field.key);
    if ((field.key & 7) == 0)
      writeVarint(text, field.number);
    else if ((field.key & 7) == 2)
      writeVarint(text, field.bytes.size());
    text += field.bytes;
  }
  return text;
}

class Mutator {
public:
  Mutator(unsigned seed, size_t (*mutateBytes)(uint8_t *, size_t, size_t)) : random(seed), mutateBytes(mutateBytes) {}

  std::string mutate(std::string_view text, size_t maxSize, unsigned depth) {
    auto fields = depth < 12 ? parse(text) : std::nullopt;
    if (!fields || fields->empty())
      return mutatePlain(text, maxSize);
    size_t i = pick(fields->size());
    Field &field = (*fields)[i];
    // Deeper, most of the time: the outermost fields are few.
    if ((field.key & 7) == 2 && field.bytes.size() > 1 && pick(8) != 0) {
      field.bytes = mutate(field.bytes, maxSize, depth + 1);
      return print(*fields);
    }
    switch (pick(6)) {
    case 0:
      fields->erase(fields->begin() + i);
      break;
    case 1:
      fields->insert(fields->begin() + pick(fields->size()), Field(field));
      break;
    case 2:
      std::swap(field, (*fields)[pick(fields->size())]);
      break;
    case 3: // what another field of the message holds
      field.bytes = (*fields)[pick(fields->size())].bytes;
      break;
    default:
      if ((field.key & 7) == 0)
        field.number = number(field.number);
      else
        field.bytes = mutatePlain(field.bytes, (field.key & 7) == 2 ? maxSize : field.bytes.size());
    }
    for (Field &each : *fields) // bytes of a fixed width keep it
      if (size_t width = (each.key & 7) == 1 ? 8 : (each.key & 7) == 5 ? 4 : 0)
        each.bytes.resize(width);
    return print(*fields);
  }

private:
  size_t pick(size_t count) { return random() % count; }

  uint64_t number(uint64_t old) {
    static constexpr int64_t interesting[] = {0,  1,  2,  3,        4,         7,         8,        13,        16,
                                              18, 23, -1, -2,       64,        255,       1024,     INT32_MAX, INT32_MIN,
                                              INT64_MAX, INT64_MIN, int64_t(1) << 32, int64_t(1) << 40, int64_t(1) << 48};
    switch (pick(3)) {
    case 0:
      return old + pick(5) - 2;
    case 1:
      return random() % 32;
    default:
      return static_cast<uint64_t>(interesting[pick(std::size(interesting))]);
    }
  }

  std::string mutatePlain(std::string_view text, size_t maxSize) {
    std::string copy(text);
    size_t room = std::min(maxSize, text.size() + 64);
    copy.resize(std::max(room, text.size()));
    copy.resize(mutateBytes(reinterpret_cast<uint8_t *>(copy.data()), text.size(), std::max<size_t>(copy.size(), 1)));
    return copy;
  }

  std::minstd_rand random;
  size_t (*mutateBytes)(uint8_t *, size_t, size_t);
};

} // namespace

size_t mutateMessage(uint8_t *data, size_t size, size_t maxSize, unsigned seed,
                     size_t (*mutateBytes)(uint8_t *, size_t, size_t)) {
  std::string changed = Mutator(seed, mutateBytes).mutate({reinterpret_cast<char *>(data), size}, maxSize, 0);
  if (changed.size() > maxSize)
    return mutateBytes(data, size, maxSize);
  memcpy(data, changed.data(), changed.size());
  return changed.size();
}

} // namespace halftone::fuzz
