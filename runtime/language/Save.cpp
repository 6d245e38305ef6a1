//===- Save.cpp - sequences to a file and back ----------------------------===//
//
// All numbers are little-endian:
//
//   magic "halfseq1", u64 what the program is known by, u64 sequences;
//   for each sequence: u64 tokens, u64 of them computed, u32 for each token;
//   for each state and each sequence: what the computed tokens left there.
//
//===----------------------------------------------------------------------===//

#include "runtime/files/InputFile.h"
#include "runtime/files/OutputFile.h"
#include "runtime/language/Decoder.h"
#include "runtime/session/Error.h"
#include "runtime/support/DataType.h"

using namespace halftone::rt;

static constexpr char magic[] = {'h', 'a', 'l', 'f', 's', 'e', 'q', '1'};

namespace {

/// FNV-1a.
class Hash {
public:
  void add(const void *data, size_t size) {
    for (size_t i = 0; i < size; ++i)
      value = (value ^ static_cast<const unsigned char *>(data)[i]) *
              0x100000001b3;
  }
  uint64_t get() const { return value; }

private:
  uint64_t value = 0xcbf29ce484222325;
};

/// What one sequence has in a state: bytes of a token, one after the other.
struct Rows {
  char *data;
  size_t bytes; ///< of one token
};

} // namespace

/// How the program was made, and samples of its weights: another program's
/// states would be taken for this one's.
static uint64_t identify(const halftone_program &program) {
  Hash hash;
  hash.add(program.build_info, strlen(program.build_info));
  hash.add(&program.payload_bytes, sizeof(program.payload_bytes));
  hash.add(&program.state_bytes, sizeof(program.state_bytes));
  constexpr uint64_t samples = 1024, bytes = 64;
  auto payload = static_cast<const char *>(program.payload);
  for (uint64_t i = 0; i < samples; ++i) {
    uint64_t offset = program.payload_bytes / samples * i;
    uint64_t left = program.payload_bytes - offset;
    hash.add(payload + offset, left < bytes ? left : bytes);
  }
  return hash.get();
}

static Rows getRows(halftone_decoder &decoder, size_t state, size_t sequence) {
  const halftone_tensor_info &info = decoder.program->states[state].tensor;
  size_t bytes = typeBytes(info.dtype);
  for (uint32_t d = 2; d < info.rank; ++d)
    bytes *= static_cast<size_t>(info.dims[d]);
  auto data =
      static_cast<char *>(halftone_session_state(decoder.session, state));
  return {data + sequence * decoder.signature.context * bytes, bytes};
}

/// States whose parts belong to tokens of sequences; others cannot be cut.
static halftone_status checkStates(const halftone_decoder &decoder) {
  const halftone_program &program = *decoder.program;
  for (uint32_t i = 0; i < program.num_states; ++i) {
    const halftone_tensor_info &info = program.states[i].tensor;
    if (info.rank < 2 ||
        static_cast<size_t>(info.dims[0]) != decoder.signature.numSequences ||
        static_cast<size_t>(info.dims[1]) != decoder.signature.context)
      return fail(HALFTONE_INVALID_ARGUMENT,
                  "the state %s is not kept by sequence and token, so this "
                  "program's sequences cannot be saved",
                  quoted(info.name).c_str());
  }
  return HALFTONE_OK;
}

static halftone_status save(halftone_decoder &decoder, const char *path) {
  if (halftone_status status = checkStates(decoder))
    return status;
  OutputFile file;
  Diagnostic diagnostic;
  if (!file.open(path, diagnostic))
    return fail(HALFTONE_SYSTEM_ERROR, "%s", diagnostic.text());
  auto number = [&](uint64_t value) { file.write(&value, sizeof(value)); };
  file.write(magic, sizeof(magic));
  number(identify(*decoder.program));
  number(decoder.sequences.size());
  for (const auto &sequence : decoder.sequences) {
    number(sequence.tokens.size());
    number(sequence.computed);
    file.write(sequence.tokens.data(),
               sequence.tokens.size() * sizeof(uint32_t));
  }
  for (uint32_t state = 0; state < decoder.program->num_states; ++state)
    for (size_t s = 0; s < decoder.sequences.size(); ++s) {
      Rows rows = getRows(decoder, state, s);
      file.write(rows.data, decoder.sequences[s].computed * rows.bytes);
    }
  if (!file.finish(diagnostic) || !file.commit(diagnostic))
    return fail(HALFTONE_SYSTEM_ERROR, "%s", diagnostic.text());
  return HALFTONE_OK;
}

static halftone_status refuse(const char *path, const char *why) {
  return fail(HALFTONE_INVALID_ARGUMENT, "%s %s", quoted(path).c_str(), why);
}

static halftone_status restore(halftone_decoder &decoder, const char *path) {
  if (halftone_status status = checkStates(decoder))
    return status;
  InputFile file;
  Diagnostic diagnostic;
  if (!file.open(path, diagnostic))
    return fail(HALFTONE_INVALID_ARGUMENT, "%s", diagnostic.text());
  ByteReader reader(file.bytes());
  Bytes begin;
  uint64_t program, count;
  if (!reader.take(sizeof(magic), begin) ||
      memcmp(begin.data, magic, sizeof(magic)) != 0 || !reader.read(program) ||
      !reader.read(count))
    return refuse(path, "holds no saved sequences");
  if (program != identify(*decoder.program))
    return refuse(path, "was saved by another program");
  constexpr const char *damaged = "is damaged, or was cut off";
  if (count != decoder.sequences.size())
    return refuse(path, damaged);
  Array<halftone_decoder::Sequence> sequences;
  for (uint64_t s = 0; s < count; ++s) {
    uint64_t size, computed;
    Bytes tokens;
    if (!reader.read(size) || !reader.read(computed) ||
        size > decoder.signature.context || computed > size ||
        !reader.take(size * sizeof(uint32_t), tokens))
      return refuse(path, damaged);
    halftone_decoder::Sequence &sequence = sequences.push({});
    sequence.computed = computed;
    sequence.tokens.resize(size);
    if (size)
      memcpy(sequence.tokens.data(), tokens.data, tokens.size);
    for (uint32_t token : sequence.tokens)
      if (token >= decoder.signature.vocabulary)
        return refuse(path, damaged);
  }
  // Its size is right, or nothing is taken of it.
  halftone::Checked<uint64_t> bytes = uint64_t(0);
  for (uint32_t state = 0; state < decoder.program->num_states; ++state)
    for (size_t s = 0; s < count; ++s)
      bytes += halftone::Checked<uint64_t>(sequences[s].computed) *
               uint64_t(getRows(decoder, state, s).bytes);
  uint64_t expected;
  if (!bytes.get(expected) || expected != reader.remaining())
    return refuse(path, damaged);
  for (uint32_t state = 0; state < decoder.program->num_states; ++state)
    for (size_t s = 0; s < count; ++s) {
      Rows rows = getRows(decoder, state, s);
      Bytes part;
      if (reader.take(sequences[s].computed * rows.bytes, part) && part.size)
        memcpy(rows.data, part.data, part.size);
    }
  decoder.sequences = std::move(sequences);
  return HALFTONE_OK;
}

halftone_status halftone_decoder_save(halftone_decoder *decoder,
                                      const char *path) {
  return alone(decoder, [&](halftone_decoder &d) {
    if (!path)
      return fail(HALFTONE_INVALID_ARGUMENT, "the path is null");
    return save(d, path);
  });
}

halftone_status halftone_decoder_restore(halftone_decoder *decoder,
                                         const char *path) {
  return alone(decoder, [&](halftone_decoder &d) {
    if (!path)
      return fail(HALFTONE_INVALID_ARGUMENT, "the path is null");
    return restore(d, path);
  });
}
