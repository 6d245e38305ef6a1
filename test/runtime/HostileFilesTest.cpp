//===- HostileFilesTest.cpp - damaged files get an error, nothing else ----===//
//
// Run under AddressSanitizer too. Files are copied to exactly sized heap
// blocks, so that one byte read beyond the end is found.
//
//===----------------------------------------------------------------------===//

#include "Helpers.h"
#include "runtime/files/Json.h"
#include "runtime/files/Npy.h"
#include "runtime/files/Npz.h"
#include "runtime/files/OutputFile.h"
#include "runtime/files/ZipFormat.h"

#include <cstring>
#include <memory>

using namespace halftone;
using namespace halftone::test;
using rt::Diagnostic;

namespace {
enum class Format { Npy, Npz, Json };

struct Outcome {
  bool read;
  std::string message;
};
} // namespace

static Outcome readBytes(Format format, const std::string &contents) {
  std::unique_ptr<unsigned char[]> exact(new unsigned char[contents.size()]);
  memcpy(exact.get(), contents.data(), contents.size());
  rt::Bytes bytes = {exact.get(), contents.size()};
  Diagnostic diagnostic;
  rt::Tensor tensor;
  rt::Array<rt::Tensor> tensors;
  bool read = false;
  switch (format) {
  case Format::Npy:
    read = rt::readNpy(bytes, "\"f\"", tensor, diagnostic);
    break;
  case Format::Npz:
    read = rt::readNpz(bytes, "f", tensors, diagnostic);
    break;
  case Format::Json:
    read = rt::readJson(bytes, "f", toyModel.inputs, toyModel.num_inputs,
                        tensors, diagnostic);
    break;
  }
  EXPECT_EQ(read, !diagnostic.failed());
  return {read, diagnostic.text()};
}

static std::string goodNpy() {
  rt::Tensor tensor = makeTensor("t", HALFTONE_I64, {2, 3});
  rt::Text header = rt::npyHeader(tensor.view());
  return std::string(header.c_str(), header.size()) +
         std::string(static_cast<char *>(tensor.buffer.data()),
                     tensor.buffer.size());
}

static std::string goodNpz(uint64_t limit) {
  Folder folder;
  std::string path = folder / "a.npz";
  rt::Tensor a = makeTensor("a", HALFTONE_I64, {2, 3});
  rt::Tensor b = makeTensor("b", HALFTONE_BF16, {5});
  halftone_tensor views[] = {a.view(), b.view()};
  rt::OutputFile file;
  Diagnostic diagnostic;
  EXPECT_TRUE(file.open(path.c_str(), diagnostic));
  rt::writeNpz(file, views, 2, limit);
  EXPECT_TRUE(file.finish(diagnostic) && file.commit(diagnostic));
  return readFile(path);
}

static std::string goodJson() {
  return "{\"x\": [[[1.5, -2e3, 3, NaN]]], \"mask\": [[1]]}";
}

static const struct {
  const char *name;
  Format format;
  std::string (*make)();
} goodFiles[] = {
    {"npy", Format::Npy, goodNpy},
    {"npz", Format::Npz, [] { return goodNpz(rt::zip64Limit); }},
    {"npz64", Format::Npz, [] { return goodNpz(0); }},
    {"json", Format::Json, goodJson},
};

TEST(HostileFiles, TruncatedAtEveryByte) {
  for (const auto &good : goodFiles) {
    std::string contents = good.make();
    ASSERT_TRUE(readBytes(good.format, contents).read) << good.name;
    for (size_t size = 0; size < contents.size(); ++size)
      EXPECT_FALSE(readBytes(good.format, contents.substr(0, size)).read)
          << good.name << " cut to " << size << " bytes";
  }
}

/// Nothing to expect but an orderly end: many changes leave a valid file.
TEST(HostileFiles, EveryByteChanged) {
  for (const auto &good : goodFiles) {
    std::string contents = good.make();
    for (size_t at = 0; at < contents.size(); ++at)
      for (unsigned char byte : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
        std::string changed = contents;
        changed[at] = static_cast<char>(byte);
        readBytes(good.format, changed);
      }
  }
}

TEST(HostileFiles, GarbageAfterTheEnd) {
  for (const auto &good : goodFiles)
    EXPECT_FALSE(readBytes(good.format, good.make() + "x").read) << good.name;
}

static std::string npyWith(const std::string &dictionary, int major = 1) {
  std::string file = "\x93NUMPY";
  file += static_cast<char>(major);
  file += '\0';
  uint32_t size = static_cast<uint32_t>(dictionary.size());
  file.append(reinterpret_cast<const char *>(&size), major == 1 ? 2 : 4);
  return file + dictionary;
}

static std::string npyShaped(const std::string &shape,
                             const std::string &descr = "<f4") {
  return npyWith("{'descr': '" + descr +
                 "', 'fortran_order': False, 'shape': " + shape + ", }\n");
}

TEST(HostileFiles, Npy) {
  std::string longHeader = npyWith("", 2);
  longHeader.replace(8, 4, "\xff\xff\xff\x7f");
  const struct {
    std::string contents;
    const char *message;
  } table[] = {
      {"PK\x03\x04 not it", "not a .npy file"},
      {npyWith("{}", 4), ".npy version 4.0 is not supported"},
      {npyWith(""), "the .npy header is malformed"},
      {npyWith("{}"), "the .npy header is malformed"},
      {npyWith("{'descr': '<f4', 'shape': (1,)}"), "malformed"},
      {npyWith("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, "
               "'shape': ()}"),
       "malformed"},
      {npyWith("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2)}"),
       "Fortran order"},
      {npyWith("{'descr': [('a', '<f4')], 'fortran_order': False}"),
       "arrays with fields are not supported"},
      {npyWith("{'descr': __import__('os'), 'shape': ()}"), "malformed"},
      {longHeader, "claims 2147483647 bytes"},
      {npyShaped("(1,)", ">f4"), "big-endian"},
      {npyShaped("(1,)", "<c8"), "dtype \"<c8\" is not supported"},
      {npyShaped("(1,)", "<f16"), "is not supported"},
      {npyShaped("(1,)", "|O"), "is not supported"},
      {npyShaped("(-1,)"), "malformed"},
      {npyShaped("(1 2)"), "malformed"},
      {npyShaped("(1,"), "malformed"},
      {npyShaped("(99999999999999999999,)"), "does not fit in 64 bits"},
      {npyShaped("(9223372036854775807,)"), "larger than the address space"},
      {npyShaped("(4294967296, 4294967296)"), "larger than the address space"},
      {npyShaped("(9223372036854775807, 9223372036854775807, 0)"),
       "larger than the address space"},
      {npyShaped("(2305843009213693951,)"), "the file is truncated"},
      {npyShaped("(1,1,1,1,1,1,1,1,1)"), "more than 8 dimensions"},
      {npyShaped("(2,)") + "12345678" + "9", "but 9 follow the header"},
  };
  for (const auto &row : table) {
    Outcome outcome = readBytes(Format::Npy, row.contents);
    EXPECT_FALSE(outcome.read) << row.message;
    EXPECT_EQ(outcome.message.find("\"f\": "), 0u) << outcome.message;
    EXPECT_NE(outcome.message.find(row.message), std::string::npos)
        << outcome.message << "\nshould say: " << row.message;
  }
}

/// A valid archive whose records were changed.
template <typename Record, typename Change>
static std::string changed(uint32_t magic, int which, Change change,
                           uint64_t limit = rt::zip64Limit) {
  std::string contents = goodNpz(limit);
  std::string key(reinterpret_cast<const char *>(&magic), 4);
  size_t at = contents.find(key);
  while (which--)
    at = contents.find(key, at + 1);
  EXPECT_NE(at, std::string::npos);
  Record record;
  memcpy(&record, contents.data() + at, sizeof record);
  change(record);
  memcpy(contents.data() + at, &record, sizeof record);
  return contents;
}

TEST(HostileFiles, Npz) {
  using namespace rt::zip;
  constexpr char damaged[] = "the archive is damaged";
  std::string renamed = goodNpz(rt::zip64Limit);
  for (size_t at; (at = renamed.find("b.npy")) != std::string::npos;)
    renamed.replace(at, 5, "b.txt");
  std::string twice = goodNpz(rt::zip64Limit);
  for (size_t at; (at = twice.find("b.npy")) != std::string::npos;)
    twice.replace(at, 5, "a.npy");
  const struct {
    std::string contents;
    const char *message;
  } table[] = {
      {"hello world, this is not it", "not a .npz file"},
      {renamed, "member \"b.txt\" is not an array (.npy)"},
      {twice, "member \"a.npy\" is there twice"},
      {changed<Central>(centralMagic, 0, [](auto &r) { r.method = 8; }),
       "member \"a.npy\" is compressed; use numpy.savez, not "
       "numpy.savez_compressed"},
      {changed<Central>(centralMagic, 0, [](auto &r) { r.method = 99; }),
       "unknown method"},
      {changed<Central>(centralMagic, 1, [](auto &r) { r.flags |= 1; }),
       "member \"b.npy\" is encrypted"},
      {changed<Central>(centralMagic, 0, [](auto &r) { r.crc ^= 1; }),
       "member \"a.npy\" has a wrong checksum"},
      {changed<Central>(centralMagic, 0, [](auto &r) { r.bytes += 1; }),
       "has two different sizes"},
      {changed<Central>(centralMagic, 0,
                        [](auto &r) { r.bytes = r.packedBytes = 0x7fffffff; }),
       damaged},
      {changed<Central>(centralMagic, 0,
                        [](auto &r) { r.bytes = r.packedBytes = 0; }),
       "wrong checksum"},
      {changed<Central>(centralMagic, 0,
                        [](auto &r) { r.localOffset = 0xfffffff0; }),
       damaged},
      {changed<Central>(centralMagic, 0, [](auto &r) { r.nameBytes = 0xffff; }),
       damaged},
      {changed<Central>(centralMagic, 0, [](auto &r) { r.bytes = in64; }),
       damaged},
      {changed<Local>(localMagic, 0, [](auto &r) { r.extraBytes = 0xffff; }),
       damaged},
      {changed<Local>(localMagic, 0, [](auto &r) { r.magic = 0; }),
       "not a .npz file"},
      {changed<Local>(localMagic, 1, [](auto &r) { r.magic = 0; }), damaged},
      {changed<End>(endMagic, 0, [](auto &r) { r.entries = 1000; }), damaged},
      {changed<End>(endMagic, 0, [](auto &r) { r.entries = 1; }), damaged},
      {changed<End>(endMagic, 0, [](auto &r) { r.centralOffset = 0x7fffffff; }),
       damaged},
      {changed<End>(endMagic, 0, [](auto &r) { r.commentBytes = 5; }),
       "has no end record"},
      {changed<End64>(
           end64Magic, 0, [](auto &r) { r.entries = UINT64_MAX; }, 0),
       damaged},
      {changed<End64>(
           end64Magic, 0, [](auto &r) { r.centralOffset = UINT64_MAX - 3; }, 0),
       damaged},
      {changed<End64>(
           end64Magic, 0, [](auto &r) { r.centralBytes = UINT64_MAX; }, 0),
       damaged},
      {changed<Locator64>(
           locator64Magic, 0, [](auto &r) { r.endOffset = UINT64_MAX - 1; }, 0),
       damaged},
  };
  for (const auto &row : table) {
    Outcome outcome = readBytes(Format::Npz, row.contents);
    EXPECT_FALSE(outcome.read) << row.message;
    EXPECT_EQ(outcome.message.find("\"f\": "), 0u) << outcome.message;
    EXPECT_NE(outcome.message.find(row.message), std::string::npos)
        << outcome.message << "\nshould say: " << row.message;
  }
}

/// Entries that all name the same bytes would make a small file huge.
TEST(HostileFiles, NpzMembersThatShareBytes) {
  using namespace rt::zip;
  rt::Tensor tensor = makeTensor("a", HALFTONE_I8, {1000});
  Folder folder;
  std::string path = folder / "a.npz";
  halftone_tensor view = tensor.view();
  rt::OutputFile file;
  Diagnostic diagnostic;
  ASSERT_TRUE(file.open(path.c_str(), diagnostic));
  rt::writeNpz(file, &view, 1);
  ASSERT_TRUE(file.finish(diagnostic) && file.commit(diagnostic));
  std::string contents = readFile(path);
  std::string magic(reinterpret_cast<const char *>(&centralMagic), 4);
  std::string endKey(reinterpret_cast<const char *>(&endMagic), 4);
  size_t central = contents.find(magic), end = contents.find(endKey);
  std::string entry = contents.substr(central, end - central);
  std::string many = contents.substr(0, central);
  for (char name = 'a'; name < 'z'; ++name) {
    entry[sizeof(Central)] = name;
    many += entry;
  }
  End record;
  memcpy(&record, contents.data() + end, sizeof record);
  record.entries = record.entriesHere = 25;
  record.centralBytes = static_cast<uint32_t>(25 * entry.size());
  many.append(reinterpret_cast<char *>(&record), sizeof record);
  Outcome outcome = readBytes(Format::Npz, many);
  EXPECT_FALSE(outcome.read);
  EXPECT_NE(outcome.message.find("damaged"), std::string::npos)
      << outcome.message;
}
