//===- Text.h - text that grows, for messages and file headers ------------===//

#ifndef HALFTONE_RUNTIME_SUPPORT_TEXT_H
#define HALFTONE_RUNTIME_SUPPORT_TEXT_H

#include <cstddef>
#include <cstdint>

namespace halftone::rt {

/// Zero-terminated text. When memory runs out it stops growing instead of
/// failing, so that an error message can always be made.
class Text {
public:
  Text() = default;
  Text(Text &&other) noexcept;
  Text &operator=(Text &&other) noexcept;
  Text(const Text &) = delete;
  Text &operator=(const Text &) = delete;
  ~Text();

  const char *c_str() const { return bytes ? bytes : ""; }
  size_t size() const { return length; }
  bool empty() const { return length == 0; }
  bool operator==(const char *other) const;

  Text &append(const char *data, size_t size);
  Text &append(const char *text);
  Text &format(const char *pattern, ...) __attribute__((format(printf, 2, 3)));
  Text &formatList(const char *pattern, __builtin_va_list arguments);
  void clear();

private:
  bool grow(size_t size);

  char *bytes = nullptr;
  size_t length = 0;
  size_t room = 0;
};

Text formatted(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

/// `"name"`, for messages: names come from files, so control characters and
/// invalid UTF-8 are escaped and long names are cut.
Text quoted(const char *text, size_t size);
Text quoted(const char *text);

/// `[2, 7, 384]`.
Text shapeText(const int64_t *dims, size_t rank);

/// `12.3 MiB`.
Text sizeText(uint64_t bytes);

/// `"text"` as JSON.
Text jsonText(const char *text);

} // namespace halftone::rt

#endif
