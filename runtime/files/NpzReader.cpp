//===- NpzReader.cpp - reads .npz archives --------------------------------===//
//
// The central directory at the end of the file is the truth; local headers only
// say where the data begins. Every offset and size is checked against the file.
//
//===----------------------------------------------------------------------===//

#include "runtime/files/Npy.h"
#include "runtime/files/Npz.h"
#include "runtime/files/ZipFormat.h"
#include "runtime/support/Checked.h"

namespace halftone::rt {

using namespace zip;

namespace {

/// Where the central directory is.
struct Directory {
  uint64_t entries = 0;
  uint64_t bytes = 0;
  uint64_t offset = 0;
};

struct Member {
  Bytes name;
  uint64_t packedBytes = 0;
  uint64_t bytes = 0;
  uint64_t localOffset = 0;
  uint32_t crc = 0;
  uint16_t flags = 0;
  uint16_t method = 0;
};

class Reader {
public:
  Reader(Bytes file, const char *path, Diagnostic &diagnostic)
      : file(file), path(quoted(path)), diagnostic(diagnostic) {}

  bool read(Array<Tensor> &tensors);

private:
  bool fail(const char *why) {
    return diagnostic.fail("%s: %s", path.c_str(), why);
  }
  bool damaged() { return fail("the archive is damaged or truncated"); }
  bool findDirectory(Directory &directory);
  bool readDirectory64(uint64_t endOffset, Directory &directory);
  bool readCentral(ByteReader &reader, Member &member);
  bool readSizes64(Bytes extra, const Central &record, Member &member);
  bool readMember(const Member &member, Array<Tensor> &tensors);
  bool findData(const Member &member, Bytes &data);
  bool haveNamesOfTheirOwn(const Array<Tensor> &tensors);

  template <typename T>
  bool readAt(uint64_t offset, T &record) {
    Bytes part;
    if (!file.slice(offset, sizeof(T), part))
      return false;
    memcpy(&record, part.data, sizeof(T));
    return true;
  }

  Bytes file;
  Text path;
  Diagnostic &diagnostic;
  uint64_t bytesLeft = 0; ///< how much member data the file can hold
};

} // namespace

bool Reader::findDirectory(Directory &directory) {
  uint32_t first = 0;
  if (!readAt(0, first) || (first != localMagic && first != endMagic))
    return fail("not a .npz file (it does not begin as a zip archive does)");
  // The record is the last thing in the file but for a comment of its own.
  constexpr uint64_t maxComment = 0xffff;
  for (uint64_t comment = 0; comment <= maxComment; ++comment) {
    End end;
    if (sizeof(End) + comment > file.size)
      break;
    uint64_t offset = file.size - sizeof(End) - comment;
    if (!readAt(offset, end) || end.magic != endMagic ||
        end.commentBytes != comment)
      continue;
    directory = {end.entries, end.centralBytes, end.centralOffset};
    if (end.entries == in64Short || end.centralBytes == in64 ||
        end.centralOffset == in64)
      return readDirectory64(offset, directory);
    return true;
  }
  return fail("the archive is truncated (it has no end record)");
}

bool Reader::readDirectory64(uint64_t endOffset, Directory &directory) {
  Locator64 locator;
  End64 end;
  if (endOffset < sizeof(Locator64) ||
      !readAt(endOffset - sizeof(Locator64), locator) ||
      locator.magic != locator64Magic || !readAt(locator.endOffset, end) ||
      end.magic != end64Magic)
    return damaged();
  directory = {end.entries, end.centralBytes, end.centralOffset};
  return true;
}

/// A zip64 extra field has the values that did not fit, in a fixed order.
bool Reader::readSizes64(Bytes extra, const Central &record, Member &member) {
  ByteReader fields(extra);
  while (fields.remaining() >= 4) {
    uint16_t id, size;
    Bytes part;
    if (!fields.read(id) || !fields.read(size) || !fields.take(size, part))
      return damaged();
    if (id != extra64Id)
      continue;
    ByteReader values(part);
    if ((record.bytes == in64 && !values.read(member.bytes)) ||
        (record.packedBytes == in64 && !values.read(member.packedBytes)) ||
        (record.localOffset == in64 && !values.read(member.localOffset)))
      return damaged();
    return true;
  }
  return damaged();
}

bool Reader::readCentral(ByteReader &reader, Member &member) {
  Central record;
  Bytes extra;
  if (!reader.read(record) || record.magic != centralMagic ||
      !reader.take(record.nameBytes, member.name) ||
      !reader.take(record.extraBytes, extra) ||
      !reader.skip(record.commentBytes))
    return damaged();
  member.bytes = record.bytes;
  member.packedBytes = record.packedBytes;
  member.localOffset = record.localOffset;
  member.crc = record.crc;
  member.flags = record.flags;
  member.method = record.method;
  bool large = record.bytes == in64 || record.packedBytes == in64 ||
               record.localOffset == in64;
  return !large || readSizes64(extra, record, member);
}

bool Reader::findData(const Member &member, Bytes &data) {
  Local local;
  uint64_t start;
  if (!readAt(member.localOffset, local) || local.magic != localMagic ||
      !(Checked<uint64_t>(member.localOffset) + sizeof(Local) +
        local.nameBytes + local.extraBytes)
           .get(start) ||
      !file.slice(start, member.bytes, data))
    return damaged();
  // Members that share bytes would make a small file large in memory.
  if (member.bytes > bytesLeft)
    return damaged();
  bytesLeft -= member.bytes;
  return true;
}

bool Reader::readMember(const Member &member, Array<Tensor> &tensors) {
  constexpr char suffix[] = ".npy";
  constexpr size_t suffixBytes = sizeof(suffix) - 1;
  const char *name = reinterpret_cast<const char *>(member.name.data);
  Text printed = quoted(name, member.name.size);
  auto refuse = [&](const char *why) {
    return diagnostic.fail("%s: member %s %s", path.c_str(), printed.c_str(),
                           why);
  };
  if (member.name.size <= suffixBytes ||
      memcmp(name + member.name.size - suffixBytes, suffix, suffixBytes) != 0)
    return refuse("is not an array (.npy)");
  size_t nameBytes = member.name.size - suffixBytes;
  if (memchr(name, 0, nameBytes))
    return refuse("has a zero byte in its name");
  constexpr uint16_t encrypted = 1, stored = 0, deflated = 8;
  if (member.flags & encrypted)
    return refuse("is encrypted");
  if (member.method == deflated)
    return refuse("is compressed; use numpy.savez, not numpy.savez_compressed");
  if (member.method != stored)
    return refuse("is compressed by an unknown method; use numpy.savez");
  if (member.bytes != member.packedBytes)
    return refuse("has two different sizes: the archive is damaged");
  Tensor tensor;
  tensor.name.append(name, nameBytes);
  Bytes data;
  if (!findData(member, data))
    return false;
  if (crc32(0, data.data, data.size) != member.crc)
    return refuse("has a wrong checksum: the archive is damaged");
  if (data.size == 0)
    return refuse("is empty");
  Text source = formatted("%s: member %s", path.c_str(), printed.c_str());
  if (!readNpy(data, source.c_str(), tensor, diagnostic))
    return false;
  tensors.push(std::move(tensor));
  return true;
}

/// Sorted, equal names are neighbours.
bool Reader::haveNamesOfTheirOwn(const Array<Tensor> &tensors) {
  Array<const char *> names;
  for (const Tensor &tensor : tensors)
    names.push(tensor.name.c_str());
  if (names.empty())
    return true;
  qsort(names.begin(), names.size(), sizeof(const char *),
        [](const void *x, const void *y) {
          return strcmp(*static_cast<const char *const *>(x),
                        *static_cast<const char *const *>(y));
        });
  for (size_t i = 1; i < names.size(); ++i)
    if (strcmp(names[i - 1], names[i]) == 0)
      return diagnostic.fail(
          "%s: member %s is there twice", path.c_str(),
          quoted(formatted("%s.npy", names[i]).c_str()).c_str());
  return true;
}

bool Reader::read(Array<Tensor> &tensors) {
  Directory directory;
  Bytes records;
  if (!findDirectory(directory))
    return false;
  if (!file.slice(directory.offset, directory.bytes, records))
    return damaged();
  if (directory.entries > records.size / sizeof(Central))
    return damaged();
  bytesLeft = file.size;
  ByteReader reader(records);
  for (uint64_t i = 0; i < directory.entries; ++i) {
    Member member;
    if (!readCentral(reader, member) || !readMember(member, tensors))
      return false;
  }
  if (reader.remaining() != 0)
    return damaged();
  return haveNamesOfTheirOwn(tensors);
}

bool readNpz(Bytes bytes, const char *path, Array<Tensor> &tensors,
             Diagnostic &diagnostic) {
  return Reader(bytes, path, diagnostic).read(tensors);
}

} // namespace halftone::rt
