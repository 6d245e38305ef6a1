//===- Header.cpp - the header of a llama2.c checkpoint ---------------------===//

#include "compiler/Import/Llama2c/Header.h"

#include "runtime/files/ByteReader.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"

namespace halftone::llama2c {

static constexpr uint32_t kMagic = 0x616b3432;

static llvm::Error fail(const llvm::Twine &message) { return llvm::createStringError(message); }

/// Sizes that no model exceeds; products of two of them and a float's size fit 64 bits.
static llvm::Error check(const Header &header) {
  constexpr int64_t kMost = 1 << 28, kMostLayers = 4096, kLongest = 4096;
  struct {
    const char *name;
    int64_t value, most;
  } sizes[] = {{"dim", header.dim, kMost},
               {"hidden_dim", header.hidden, kMost},
               {"n_layers", header.layers, kMostLayers},
               {"n_heads", header.heads, kMost},
               {"n_kv_heads", header.kvHeads, kMost},
               {"vocab_size", header.vocabulary, kMost},
               {"max_seq_len", header.context, kMost}};
  for (auto &[name, value, most] : sizes)
    if (value < 1 || value > most)
      return fail(llvm::Twine("its ") + name + " is " + llvm::Twine(value) + ": expected 1 to " +
                  llvm::Twine(most));
  if (header.dim % header.heads != 0 || header.getHeadSize() % 2 != 0 || header.getHeadSize() > kLongest)
    return fail("its dim " + llvm::Twine(header.dim) + " is no " + llvm::Twine(header.heads) +
                " heads of an even size up to 4096");
  if (header.heads % header.kvHeads != 0)
    return fail("its " + llvm::Twine(header.heads) + " heads are no multiple of " +
                llvm::Twine(header.kvHeads) + " heads of keys");
  if (header.version == 2 && (header.group < 1 || header.group > kMost))
    return fail("its group_size is " + llvm::Twine(header.group));
  return llvm::Error::success();
}

llvm::Expected<Header> readHeader(llvm::StringRef bytes) {
  rt::ByteReader reader({reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size()});
  Header header;
  int32_t first = 0;
  if (!reader.read(first))
    return fail("it ends in its header");
  if (static_cast<uint32_t>(first) == kMagic) {
    if (!reader.read(header.version))
      return fail("it ends in its header");
    if (header.version != 1 && header.version != 2)
      return fail("it is of version " + llvm::Twine(header.version) + "; 0, 1 and 2 are supported");
    if (!reader.read(first))
      return fail("it ends in its header");
  }
  int32_t sizes[6] = {};
  for (int32_t &size : sizes)
    if (!reader.read(size))
      return fail("it ends in its header");
  header.dim = first;
  header.hidden = sizes[0];
  header.layers = sizes[1];
  header.heads = sizes[2];
  header.kvHeads = sizes[3];
  header.vocabulary = sizes[4];
  header.context = sizes[5];
  if (header.version == 0) {
    header.tied = header.vocabulary > 0;
    header.vocabulary = std::abs(header.vocabulary);
  } else {
    uint8_t tied = 0;
    int32_t group = 0;
    if (!reader.read(tied) || (header.version == 2 && !reader.read(group)))
      return fail("it ends in its header");
    header.tied = tied;
    header.group = group;
  }
  if (llvm::Error error = check(header))
    return std::move(error);
  return header;
}

} // namespace halftone::llama2c
