//===- NpzWriter.cpp - writes .npz archives -------------------------------===//

#include "runtime/files/Npy.h"
#include "runtime/files/Npz.h"
#include "runtime/files/ZipFormat.h"

#include <cstring>

namespace halftone::rt {

using namespace zip;

namespace {
/// What the central directory repeats about a member.
struct Written {
  Text name;
  uint64_t bytes;
  uint64_t offset;
  uint32_t crc;
};
} // namespace

static constexpr uint16_t version = 45; // The first with zip64.
static constexpr uint16_t utf8Names = 1 << 11;
static constexpr uint16_t firstDay = 1 << 5 | 1; // 1980-01-01: reproducible.

static uint32_t narrow(uint64_t value, uint64_t limit) {
  return value >= limit ? in64 : static_cast<uint32_t>(value);
}

static void appendValue(Text &extra, uint64_t value) {
  extra.append(reinterpret_cast<const char *>(&value), sizeof(value));
}

/// The zip64 extra field with these values; empty without values.
static Text extra64(const Text &values) {
  Text extra;
  if (values.empty())
    return extra;
  uint16_t head[2] = {extra64Id, static_cast<uint16_t>(values.size())};
  extra.append(reinterpret_cast<const char *>(head), sizeof(head));
  extra.append(values.c_str(), values.size());
  return extra;
}

static Written writeMember(OutputFile &file, const halftone_tensor &tensor,
                           uint64_t limit) {
  Text header = npyHeader(tensor);
  Written written;
  written.name.append(tensor.name).append(".npy");
  written.bytes = header.size() + tensor.bytes;
  written.offset = file.position();
  written.crc =
      crc32(crc32(0, header.c_str(), header.size()), tensor.data, tensor.bytes);
  Text values;
  if (written.bytes >= limit) {
    appendValue(values, written.bytes);
    appendValue(values, written.bytes);
  }
  Text extra = extra64(values);
  Local local = {};
  local.magic = localMagic;
  local.versionNeeded = version;
  local.flags = utf8Names;
  local.date = firstDay;
  local.crc = written.crc;
  local.packedBytes = local.bytes = narrow(written.bytes, limit);
  local.nameBytes = static_cast<uint16_t>(written.name.size());
  local.extraBytes = static_cast<uint16_t>(extra.size());
  file.write(&local, sizeof(local));
  file.write(written.name.c_str(), written.name.size());
  file.write(extra.c_str(), extra.size());
  file.write(header.c_str(), header.size());
  file.write(tensor.data, tensor.bytes);
  return written;
}

static void writeCentral(OutputFile &file, const Written &written,
                         uint64_t limit) {
  Text values;
  if (written.bytes >= limit) {
    appendValue(values, written.bytes);
    appendValue(values, written.bytes);
  }
  if (written.offset >= limit)
    appendValue(values, written.offset);
  Text extra = extra64(values);
  Central record = {};
  record.magic = centralMagic;
  record.versionMade = record.versionNeeded = version;
  record.flags = utf8Names;
  record.date = firstDay;
  record.crc = written.crc;
  record.packedBytes = record.bytes = narrow(written.bytes, limit);
  record.nameBytes = static_cast<uint16_t>(written.name.size());
  record.extraBytes = static_cast<uint16_t>(extra.size());
  record.localOffset = narrow(written.offset, limit);
  file.write(&record, sizeof(record));
  file.write(written.name.c_str(), written.name.size());
  file.write(extra.c_str(), extra.size());
}

void writeNpz(OutputFile &file, const halftone_tensor *tensors, size_t count,
              uint64_t limit) {
  Array<Written> members;
  for (size_t i = 0; i < count; ++i)
    members.push(writeMember(file, tensors[i], limit));
  uint64_t start = file.position();
  for (const Written &member : members)
    writeCentral(file, member, limit);
  uint64_t size = file.position() - start;

  bool large = start >= limit || size >= limit || count >= in64Short;
  if (large) {
    End64 end = {};
    end.magic = end64Magic;
    end.recordBytes = sizeof(End64) - 12; // Without itself and the magic.
    end.versionMade = end.versionNeeded = version;
    end.entriesHere = end.entries = count;
    end.centralBytes = size;
    end.centralOffset = start;
    Locator64 locator = {locator64Magic, 0, file.position(), 1};
    file.write(&end, sizeof(end));
    file.write(&locator, sizeof(locator));
  }
  End end = {};
  end.magic = endMagic;
  end.entriesHere = end.entries =
      count >= in64Short ? in64Short : static_cast<uint16_t>(count);
  end.centralBytes = narrow(size, limit);
  end.centralOffset = narrow(start, limit);
  file.write(&end, sizeof(end));
}

} // namespace halftone::rt
