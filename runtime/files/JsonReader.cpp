//===- JsonReader.cpp - named arrays from JSON ----------------------------===//

#include "runtime/files/Json.h"
#include "runtime/files/TextScanner.h"
#include "runtime/session/Program.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>

namespace halftone::rt {

namespace {

/// Elements as they are read; the number is known at the end.
struct Elements {
  const halftone_tensor_info *info;
  Array<unsigned char> bytes;
  size_t count = 0;
};

class Parser : TextScanner {
public:
  Parser(Bytes bytes, const char *path, Diagnostic &diagnostic)
      : TextScanner(bytes), begin(at), path(quoted(path)),
        diagnostic(diagnostic) {}

  bool parseTensors(const halftone_tensor_info *infos, uint32_t numInfos,
                    Array<Tensor> &tensors);
  bool parseAny(unsigned depth);
  bool atEnd() {
    skipSpace();
    return at == end;
  }

private:
  bool fail(const char *what);
  bool parseString(Text &text);
  bool parseEscape(Text &text);
  bool parseHex(unsigned &value);
  bool parseNumber(Text &token);
  bool parseElement(Elements &elements);
  bool parseFloat(uint32_t dtype, double &value);
  bool parseInteger(uint32_t dtype, int64_t &value);
  bool parseArray(Tensor &tensor, Elements &elements, uint32_t depth,
                  bool &shapeKnown);

  const char *begin;
  Text path;
  Diagnostic &diagnostic;
};

} // namespace

/// Says where, as line and column.
bool Parser::fail(const char *what) {
  size_t line = 1, column = 1;
  for (const char *seen = begin; seen < at; ++seen) {
    ++column;
    if (*seen == '\n') {
      ++line;
      column = 1;
    }
  }
  return diagnostic.fail("%s: line %zu, column %zu: %s", path.c_str(), line,
                         column, what);
}

bool Parser::parseHex(unsigned &value) {
  value = 0;
  for (int i = 0; i < 4; ++i, ++at) {
    if (at == end)
      return fail("the text ends inside a string");
    char digit = *at;
    unsigned nibble;
    if (digit >= '0' && digit <= '9')
      nibble = static_cast<unsigned>(digit - '0');
    else if ((digit | 32) >= 'a' && (digit | 32) <= 'f')
      nibble = static_cast<unsigned>((digit | 32) - 'a') + 10;
    else
      return fail("\\u needs four hexadecimal digits");
    value = value * 16 + nibble;
  }
  return true;
}

bool Parser::parseEscape(Text &text) {
  if (at == end)
    return fail("the text ends inside a string");
  char kind = *at++;
  static constexpr char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  for (size_t i = 0; from[i]; ++i)
    if (kind == from[i]) {
      text.append(&to[i], 1);
      return true;
    }
  if (kind != 'u')
    return fail("unknown escape in a string");
  unsigned code, low;
  if (!parseHex(code))
    return false;
  if (code >= 0xd800 && code < 0xdc00) {
    if (!acceptWord("\\u") || !parseHex(low) || low < 0xdc00 || low > 0xdfff)
      return fail("half of a surrogate pair in a string");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  } else if (code >= 0xdc00 && code < 0xe000)
    return fail("half of a surrogate pair in a string");
  if (code == 0)
    return fail("\\u0000 in a string");
  auto put = [&](unsigned byte) {
    char value = static_cast<char>(byte);
    text.append(&value, 1);
  };
  if (code < 0x80)
    put(code);
  else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 63));
  } else {
    if (code < 0x10000)
      put(0xe0 | code >> 12);
    else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 63));
    }
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  }
  return true;
}

bool Parser::parseString(Text &text) {
  if (!accept('"'))
    return fail("a string is expected here");
  while (at < end && *at != '"') {
    if (static_cast<unsigned char>(*at) < 0x20)
      return fail("a control character in a string");
    if (*at == '\\') {
      ++at;
      if (!parseEscape(text))
        return false;
    } else
      text.append(at++, 1);
  }
  return accept('"') || fail("the text ends inside a string");
}

/// A number as the grammar of JSON has it.
bool Parser::parseNumber(Text &token) {
  skipSpace();
  const char *start = at;
  auto digits = [&] {
    const char *first = at;
    while (at < end && *at >= '0' && *at <= '9')
      ++at;
    return at != first;
  };
  if (at < end && *at == '-')
    ++at;
  const char *first = at;
  bool valid = digits() && !(*first == '0' && at - first > 1);
  if (valid && at < end && *at == '.') {
    ++at;
    valid = digits();
  }
  if (valid && at < end && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at < end && (*at == '+' || *at == '-'))
      ++at;
    valid = digits();
  }
  if (!valid) {
    at = start;
    return fail("a number is expected here");
  }
  token.append(start, static_cast<size_t>(at - start));
  return true;
}

bool Parser::parseFloat(uint32_t dtype, double &value) {
  skipSpace();
  if (acceptWord("NaN")) {
    value = NAN;
    return true;
  }
  if (acceptWord("Infinity")) {
    value = INFINITY;
    return true;
  }
  if (acceptWord("-Infinity")) {
    value = -INFINITY;
    return true;
  }
  Text token;
  if (!parseNumber(token))
    return false;
  // An f32 is rounded once, from the text.
  value = dtype == HALFTONE_F32 ? strtof(token.c_str(), nullptr)
                                : strtod(token.c_str(), nullptr);
  return true;
}

bool Parser::parseInteger(uint32_t dtype, int64_t &value) {
  skipSpace();
  if (dtype == HALFTONE_BOOL && acceptWord("true")) {
    value = 1;
    return true;
  }
  if (dtype == HALFTONE_BOOL && acceptWord("false")) {
    value = 0;
    return true;
  }
  const char *start = at;
  Text token;
  if (!parseNumber(token))
    return false;
  char *stop;
  errno = 0;
  int64_t least, greatest;
  integerBounds(dtype, least, greatest);
  bool fits;
  if (dtype == HALFTONE_U64) {
    value = static_cast<int64_t>(strtoull(token.c_str(), &stop, 10));
    fits = *token.c_str() != '-';
  } else {
    value = strtoll(token.c_str(), &stop, 10);
    fits = value >= least && value <= greatest;
  }
  if (*stop || errno || !fits) {
    at = start;
    return fail(
        formatted("%s is not %s value of %s", quoted(token.c_str()).c_str(),
                  dtype == HALFTONE_BOOL ? "a" : "an integer", typeName(dtype))
            .c_str());
  }
  return true;
}

bool Parser::parseElement(Elements &elements) {
  uint32_t dtype = elements.info->dtype;
  unsigned char stored[8];
  if (isFloat(dtype)) {
    const char *start = at;
    double value;
    if (!parseFloat(dtype, value))
      return false;
    if (!storeFloat(dtype, stored, 0, value)) {
      at = start;
      return fail(
          formatted("%g is no value of %s", value, typeName(dtype)).c_str());
    }
  } else {
    int64_t value;
    if (!parseInteger(dtype, value))
      return false;
    storeInteger(dtype, stored, 0, value);
  }
  for (size_t i = 0; i < typeBytes(dtype); ++i)
    elements.bytes.push(stored[i]);
  ++elements.count;
  return true;
}

/// Parses `depth` levels down. The first way down to a number (or an empty
/// list) fixes the rank, the first end of a list fixes its dimension.
bool Parser::parseArray(Tensor &tensor, Elements &elements, uint32_t depth,
                        bool &shapeKnown) {
  skipSpace();
  if (at < end && *at == '[') {
    if (shapeKnown && depth >= tensor.rank)
      return fail("a list where other rows have a number");
    if (depth == HALFTONE_MAX_RANK)
      return fail(
          formatted("lists are nested deeper than %d", HALFTONE_MAX_RANK)
              .c_str());
    ++at;
    constexpr int64_t unknown = -1;
    if (!shapeKnown)
      tensor.dims[depth] = unknown;
    int64_t count = 0;
    if (!accept(']')) {
      do {
        if (!parseArray(tensor, elements, depth + 1, shapeKnown))
          return false;
        ++count;
      } while (accept(','));
      if (!accept(']'))
        return fail("\",\" or \"]\" is expected here");
    } else if (!shapeKnown) {
      shapeKnown = true;
      tensor.rank = depth + 1;
    }
    if (tensor.dims[depth] == unknown)
      tensor.dims[depth] = count;
    if (tensor.dims[depth] != count)
      return fail(formatted("a row of %s has %lld elements, but the first has "
                            "%lld",
                            quoted(elements.info->name).c_str(),
                            static_cast<long long>(count),
                            static_cast<long long>(tensor.dims[depth]))
                      .c_str());
    return true;
  }
  if (shapeKnown && depth < tensor.rank)
    return fail("a number where other rows have a list");
  if (!shapeKnown) {
    shapeKnown = true;
    tensor.rank = depth;
  }
  return parseElement(elements);
}

bool Parser::parseTensors(const halftone_tensor_info *infos, uint32_t numInfos,
                          Array<Tensor> &tensors) {
  if (!accept('{'))
    return fail("an object {\"name\": [...]} is expected");
  if (accept('}'))
    return atEnd() || fail("the text goes on after its end");
  do {
    Tensor tensor;
    if (!parseString(tensor.name))
      return false;
    const halftone_tensor_info *info = nullptr;
    for (uint32_t i = 0; i < numInfos; ++i)
      if (tensor.name == infos[i].name)
        info = &infos[i];
    Text name = quoted(tensor.name.c_str(), tensor.name.size());
    if (!info)
      return fail(formatted("this program has no input %s; its inputs are: %s",
                            name.c_str(), nameList(infos, numInfos).c_str())
                      .c_str());
    for (const Tensor &other : tensors)
      if (other.name == info->name)
        return fail(formatted("%s is there twice", name.c_str()).c_str());
    if (!accept(':'))
      return fail("\":\" is expected here");
    Elements elements;
    elements.info = info;
    bool shapeKnown = false;
    if (!parseArray(tensor, elements, 0, shapeKnown))
      return false;
    tensor.dtype = info->dtype;
    if (!tensor.allocate(name.c_str(), diagnostic))
      return false;
    if (elements.bytes.size() != tensor.buffer.size())
      return fail("the lists are not a rectangular array");
    if (!elements.bytes.empty())
      memcpy(tensor.buffer.data(), elements.bytes.data(),
             elements.bytes.size());
    tensors.push(std::move(tensor));
  } while (accept(','));
  if (!accept('}'))
    return fail("\",\" or \"}\" is expected here");
  return atEnd() || fail("the text goes on after its end");
}

/// Any value, thrown away.
bool Parser::parseAny(unsigned depth) {
  constexpr unsigned maxDepth = 64;
  if (depth > maxDepth)
    return fail("nested too deeply");
  skipSpace();
  Text text;
  bool object = accept('{');
  if (object || accept('[')) {
    char close = object ? '}' : ']';
    if (accept(close))
      return true;
    do {
      if (object) {
        Text key;
        if (!parseString(key))
          return false;
        if (!accept(':'))
          return fail("\":\" is expected here");
      }
      if (!parseAny(depth + 1))
        return false;
    } while (accept(','));
    return accept(close) || fail("a list or an object does not end");
  }
  if (at < end && *at == '"')
    return parseString(text);
  return acceptWord("true") || acceptWord("false") || acceptWord("null") ||
         parseNumber(text);
}

bool readJson(Bytes bytes, const char *path, const halftone_tensor_info *infos,
              uint32_t numInfos, Array<Tensor> &tensors,
              Diagnostic &diagnostic) {
  return Parser(bytes, path, diagnostic).parseTensors(infos, numInfos, tensors);
}

bool isJson(const char *text) {
  Diagnostic ignored;
  Bytes bytes = {reinterpret_cast<const unsigned char *>(text), strlen(text)};
  Parser parser(bytes, "", ignored);
  return parser.parseAny(0) && parser.atEnd();
}

} // namespace halftone::rt
