//===- Npy.cpp - one array in numpy's .npy format -------------------------===//

#include "runtime/files/Npy.h"
#include "runtime/files/TextScanner.h"
#include "runtime/support/Checked.h"

namespace halftone::rt {

static constexpr char npyMagic[] = "\x93NUMPY";

/// numpy itself refuses headers over 10000 bytes unless told otherwise.
static constexpr uint32_t maxHeaderBytes = 1 << 16;

namespace {

struct DescrRow {
  const char *descr;
  uint32_t dtype;
};

/// The header is a Python dictionary literal; this reads the three entries that
/// the format defines and refuses the rest of Python.
class HeaderParser : TextScanner {
public:
  HeaderParser(Bytes header, const char *source, Diagnostic &diagnostic)
      : TextScanner(header), source(source), diagnostic(diagnostic) {}

  bool parse(Tensor &tensor);

private:
  bool malformed() {
    return diagnostic.fail("%s: the .npy header is malformed", source);
  }
  bool parseString(Text &text);
  bool parseDescr(Tensor &tensor);
  bool parseOrder();
  bool parseShape(Tensor &tensor);

  const char *source;
  Diagnostic &diagnostic;
};

} // namespace

/// What an array is unless somebody declares another type of its bits.
static constexpr DescrRow readableTypes[] = {
    {"f4", HALFTONE_F32}, {"f8", HALFTONE_F64}, {"f2", HALFTONE_F16},
    {"i1", HALFTONE_I8},  {"i2", HALFTONE_I16}, {"i4", HALFTONE_I32},
    {"i8", HALFTONE_I64}, {"u1", HALFTONE_U8},  {"u2", HALFTONE_U16},
    {"u4", HALFTONE_U32}, {"u8", HALFTONE_U64}, {"b1", HALFTONE_BOOL},
    {"V1", HALFTONE_U8},  {"f1", HALFTONE_U8},  {"V2", HALFTONE_BF16},
};

static const char *descrFor(uint32_t dtype) {
  for (const DescrRow &row : readableTypes)
    if (row.dtype == dtype)
      return row.descr;
  return "V1";
}

bool HeaderParser::parseString(Text &text) {
  skipSpace();
  if (at == end || (*at != '\'' && *at != '"'))
    return malformed();
  char quote = *at++;
  const char *start = at;
  while (at < end && *at != quote && *at != '\\')
    ++at;
  if (at == end || *at != quote)
    return malformed();
  text.append(start, static_cast<size_t>(at++ - start));
  return true;
}

bool HeaderParser::parseDescr(Tensor &tensor) {
  skipSpace();
  if (at < end && *at == '[')
    return diagnostic.fail("%s: arrays with fields are not supported", source);
  Text text;
  if (!parseString(text))
    return false;
  const char *type = text.c_str();
  bool big = *type == '>';
  if (*type == '<' || *type == '|' || *type == '=' || big)
    ++type;
  for (const DescrRow &row : readableTypes) {
    if (strcmp(row.descr, type) != 0)
      continue;
    if (big && typeBytes(row.dtype) > 1)
      return diagnostic.fail("%s: the array is big-endian (%s); save it with "
                             "array.astype(array.dtype.newbyteorder('<'))",
                             source, quoted(text.c_str()).c_str());
    tensor.dtype = row.dtype;
    tensor.isBits = *type == 'V' || *type == 'u' || strcmp(type, "f1") == 0;
    return true;
  }
  return diagnostic.fail(
      "%s: dtype %s is not supported; use a float, an integer or bool (what "
      "numpy lacks, such as bfloat16: its bits, as ml_dtypes writes them)",
      source, quoted(text.c_str()).c_str());
}

bool HeaderParser::parseOrder() {
  skipSpace();
  if (acceptWord("False"))
    return true;
  if (acceptWord("True"))
    return diagnostic.fail("%s: the array is in Fortran order; save it with "
                           "numpy.ascontiguousarray(array)",
                           source);
  return malformed();
}

bool HeaderParser::parseShape(Tensor &tensor) {
  if (!accept('('))
    return malformed();
  tensor.rank = 0;
  while (!accept(')')) {
    Checked<int64_t> digits = 0;
    int64_t dim;
    const char *start = at;
    for (; at < end && *at >= '0' && *at <= '9'; ++at)
      digits = digits * 10 + (*at - '0');
    if (at == start)
      return malformed();
    if (!digits.get(dim))
      return diagnostic.fail("%s: dimension %u of the array does not fit in 64 "
                             "bits",
                             source, tensor.rank);
    if (tensor.rank == HALFTONE_MAX_RANK)
      return diagnostic.fail("%s: the array has more than %d dimensions",
                             source, HALFTONE_MAX_RANK);
    tensor.dims[tensor.rank++] = dim;
    bool comma = accept(',');
    skipSpace();
    if (!comma && (at == end || *at != ')'))
      return malformed();
  }
  return true;
}

bool HeaderParser::parse(Tensor &tensor) {
  if (!accept('{'))
    return malformed();
  unsigned seen = 0;
  while (!accept('}')) {
    Text key;
    if (!parseString(key))
      return false;
    if (!accept(':'))
      return malformed();
    unsigned which;
    bool parsed;
    if (key == "descr") {
      which = 1;
      parsed = parseDescr(tensor);
    } else if (key == "fortran_order") {
      which = 2;
      parsed = parseOrder();
    } else if (key == "shape") {
      which = 4;
      parsed = parseShape(tensor);
    } else
      return malformed();
    if (!parsed)
      return false;
    if (seen & which)
      return malformed();
    seen |= which;
    bool comma = accept(',');
    skipSpace();
    if (!comma && (at == end || *at != '}'))
      return malformed();
  }
  skipSpace();
  return (seen == 7 && at == end) || malformed();
}

bool readNpy(Bytes bytes, const char *source, Tensor &tensor,
             Diagnostic &diagnostic) {
  constexpr size_t magicBytes = sizeof(npyMagic) - 1;
  ByteReader reader(bytes);
  auto truncated = [&] {
    return diagnostic.fail("%s: the .npy file is truncated", source);
  };
  Bytes magic;
  size_t present = bytes.size < magicBytes ? bytes.size : magicBytes;
  if (memcmp(bytes.data, npyMagic, present) != 0)
    return diagnostic.fail("%s: not a .npy file (it does not begin with "
                           "\\x93NUMPY)",
                           source);
  uint8_t major, minor;
  if (!reader.take(magicBytes, magic) || !reader.read(major) ||
      !reader.read(minor))
    return truncated();
  if (major < 1 || major > 3)
    return diagnostic.fail("%s: .npy version %u.%u is not supported", source,
                           major, minor);
  uint32_t headerBytes = 0;
  uint16_t shortBytes = 0;
  if (major == 1 ? !reader.read(shortBytes) : !reader.read(headerBytes))
    return truncated();
  if (major == 1)
    headerBytes = shortBytes;
  if (headerBytes > maxHeaderBytes)
    return diagnostic.fail(
        "%s: the .npy header claims %u bytes; at most %u are "
        "accepted",
        source, headerBytes, maxHeaderBytes);
  Bytes header;
  if (!reader.take(headerBytes, header))
    return truncated();
  if (!HeaderParser(header, source, diagnostic).parse(tensor))
    return false;
  size_t needed;
  if (!tensorBytes(tensor.dtype, tensor.dims, tensor.rank, needed))
    return diagnostic.fail("%s: shape %s is larger than the address space",
                           source, shapeText(tensor.dims, tensor.rank).c_str());
  if (needed != reader.remaining())
    return diagnostic.fail(
        "%s: shape %s of %s takes %zu bytes, but %zu follow the header%s",
        source, shapeText(tensor.dims, tensor.rank).c_str(),
        typeName(tensor.dtype), needed, reader.remaining(),
        needed > reader.remaining() ? ": the file is truncated" : "");
  // Copied, since arrays in an archive lie at any address.
  if (!tensor.allocate(source, diagnostic))
    return false;
  Bytes elements;
  if (!reader.take(needed, elements))
    return truncated();
  if (needed)
    memcpy(tensor.buffer.data(), elements.data, needed);
  return true;
}

Text npyHeader(const halftone_tensor &tensor) {
  Text dictionary;
  dictionary.format("{'descr': '%s%s', 'fortran_order': False, 'shape': (",
                    typeBytes(tensor.dtype) > 1 ? "<" : "|",
                    descrFor(tensor.dtype));
  for (uint32_t i = 0; i < tensor.rank; ++i)
    dictionary.format(i ? " %lld," : "%lld,",
                      static_cast<long long>(tensor.dims[i]));
  dictionary.append("), }");
  // Magic, version, 2 bytes of size; spaces and a newline up to 64 bytes.
  constexpr size_t prefix = 10;
  while ((prefix + dictionary.size() + 1) % 64 != 0)
    dictionary.append(" ");
  dictionary.append("\n");
  Text header;
  header.append(npyMagic, sizeof(npyMagic) - 1).append("\x01\x00", 2);
  uint16_t size = static_cast<uint16_t>(dictionary.size());
  header.append(reinterpret_cast<const char *>(&size), 2);
  header.append(dictionary.c_str(), dictionary.size());
  return header;
}

} // namespace halftone::rt
