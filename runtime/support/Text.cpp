//===- Text.cpp - text that grows -----------------------------------------===//

#include "runtime/support/Text.h"
#include "runtime/support/Array.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <unistd.h>
#include <utility>

namespace halftone::rt {

void outOfMemory() {
  static const char message[] = "error: out of memory\n";
  [[maybe_unused]] ssize_t written =
      write(STDERR_FILENO, message, sizeof(message) - 1);
  _exit(3);
}

Text::Text(Text &&other) noexcept
    : bytes(std::exchange(other.bytes, nullptr)),
      length(std::exchange(other.length, 0)),
      room(std::exchange(other.room, 0)) {}

Text &Text::operator=(Text &&other) noexcept {
  std::swap(bytes, other.bytes);
  std::swap(length, other.length);
  std::swap(room, other.room);
  return *this;
}

Text::~Text() { free(bytes); }

bool Text::operator==(const char *other) const {
  return strcmp(c_str(), other) == 0;
}

bool Text::grow(size_t size) {
  size_t wanted;
  if (!(Checked<size_t>(length) + size + 1).get(wanted))
    return false;
  if (wanted <= room)
    return true;
  size_t bigger = wanted < room * 2 ? room * 2 : wanted;
  char *grown = static_cast<char *>(realloc(bytes, bigger));
  if (!grown)
    return false;
  bytes = grown;
  room = bigger;
  return true;
}

Text &Text::append(const char *data, size_t size) {
  if (!grow(size))
    return *this;
  if (size)
    memcpy(bytes + length, data, size);
  length += size;
  bytes[length] = 0;
  return *this;
}

Text &Text::append(const char *text) { return append(text, strlen(text)); }

Text &Text::formatList(const char *pattern, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int size = vsnprintf(nullptr, 0, pattern, arguments);
  if (size > 0 && grow(static_cast<size_t>(size))) {
    vsnprintf(bytes + length, static_cast<size_t>(size) + 1, pattern, again);
    length += static_cast<size_t>(size);
  }
  va_end(again);
  return *this;
}

Text &Text::format(const char *pattern, ...) {
  va_list arguments;
  va_start(arguments, pattern);
  formatList(pattern, arguments);
  va_end(arguments);
  return *this;
}

void Text::clear() {
  length = 0;
  if (bytes)
    bytes[0] = 0;
}

Text formatted(const char *pattern, ...) {
  Text text;
  va_list arguments;
  va_start(arguments, pattern);
  text.formatList(pattern, arguments);
  va_end(arguments);
  return text;
}

/// The length of the UTF-8 sequence at `at`, or 0 where there is none that is
/// safe to print (broken, or one of the C1 control characters).
static size_t printableUtf8(const unsigned char *at, size_t left) {
  if (at[0] < 0x80)
    return at[0] >= 0x20 && at[0] != 0x7f ? 1 : 0;
  size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
  if (at[0] < 0xc2 || at[0] > 0xf4 || size > left)
    return 0;
  for (size_t i = 1; i < size; ++i)
    if ((at[i] & 0xc0) != 0x80)
      return 0;
  return at[0] == 0xc2 && at[1] < 0xa0 ? 0 : size;
}

Text quoted(const char *text, size_t size) {
  constexpr size_t maximum = 200;
  Text result;
  result.append("\"");
  const auto *at = reinterpret_cast<const unsigned char *>(text);
  for (size_t i = 0; i < size;) {
    if (i >= maximum) {
      result.append("...");
      break;
    }
    size_t step = printableUtf8(at + i, size - i);
    if (step == 0)
      result.format("\\x%02x", at[i++]);
    else {
      result.append(text + i, step);
      i += step;
    }
  }
  return std::move(result.append("\""));
}

Text quoted(const char *text) { return quoted(text, strlen(text)); }

Text shapeText(const int64_t *dims, size_t rank) {
  Text result;
  result.append("[");
  for (size_t i = 0; i < rank; ++i)
    result.format(i ? ", %lld" : "%lld", static_cast<long long>(dims[i]));
  return std::move(result.append("]"));
}

Text sizeText(uint64_t bytes) {
  const char *units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double amount = static_cast<double>(bytes);
  size_t unit = 0;
  while (amount >= 1024 && unit < 4) {
    amount /= 1024;
    ++unit;
  }
  return formatted(unit ? "%.1f %s" : "%.0f %s", amount, units[unit]);
}

Text jsonText(const char *text) {
  Text result;
  result.append("\"");
  for (const char *at = text; *at; ++at) {
    unsigned char byte = static_cast<unsigned char>(*at);
    if (byte == '"' || byte == '\\')
      result.format("\\%c", byte);
    else if (byte < 0x20)
      result.format("\\u%04x", byte);
    else
      result.append(at, 1);
  }
  return std::move(result.append("\""));
}

} // namespace halftone::rt
