//===- Decoder.cpp - sequences of tokens in a session ---------------------===//

#include "runtime/language/Decoder.h"
#include "runtime/session/Error.h"
#include "runtime/session/Model.h"

using namespace halftone::rt;

namespace halftone::rt {

halftone_status checkDecoder(const halftone_decoder *decoder) {
  if (!decoder)
    return fail(HALFTONE_INVALID_ARGUMENT, "the decoder is null");
  if (decoder->magic != halftone_decoder::validMagic)
    return fail(HALFTONE_INVALID_ARGUMENT,
                "the decoder was destroyed, or made by another Halftone "
                "runtime in this process");
  return HALFTONE_OK;
}

halftone_status checkSequence(const halftone_decoder &decoder,
                              size_t sequence) {
  if (sequence < decoder.sequences.size())
    return HALFTONE_OK;
  return fail(HALFTONE_INVALID_ARGUMENT,
              "there is no sequence %zu: the program was compiled for %zu, "
              "numbered from 0 (--max batch=N)",
              sequence, decoder.sequences.size());
}

halftone_status busyDecoder() {
  return fail(HALFTONE_BUSY, "the decoder is at work in another thread; "
                             "create one decoder per thread");
}

} // namespace halftone::rt

halftone_status halftone_decoder::run(const int64_t *rows,
                                      const int64_t *starts, size_t numRows,
                                      size_t columns, float *logits) {
  auto dim = [](size_t size) { return static_cast<int64_t>(size); };
  auto vector = [&](const char *name, const int64_t *data, size_t size) {
    return halftone_tensor{name,        HALFTONE_I64,
                           1,           {dim(size)},
                           const_cast<int64_t *>(data),
                           size * sizeof(int64_t)};
  };
  halftone_tensor inputs[] = {
      {"input_ids", HALFTONE_I64, 2, {dim(numRows), dim(columns)}, ids.data(),
       ids.size() * sizeof(int64_t)},
      vector("sequences", rows, numRows),
      vector("start", starts, numRows),
      vector("wanted", wanted.data(), wanted.size()),
  };
  halftone_tensor output = {
      "logits", HALFTONE_F32, 2,
      {},       logits,       wanted.size() * signature.vocabulary * 4};
  return halftone_session_run(session, inputs, 4, &output, 1);
}

halftone_status halftone_decoder::push(size_t sequence, const uint32_t *tokens,
                                       size_t count) {
  if (halftone_status status = checkSequence(*this, sequence))
    return status;
  if (count && !tokens)
    return fail(HALFTONE_INVALID_ARGUMENT, "the list of tokens is null");
  Sequence &s = sequences[sequence];
  if (count > signature.context - s.tokens.size())
    return fail(HALFTONE_INVALID_ARGUMENT,
                "%zu tokens behind %zu others are more than the context of "
                "%zu tokens that the program was compiled for (--max "
                "context=N)",
                count, s.tokens.size(), signature.context);
  for (size_t i = 0; i < count; ++i)
    if (tokens[i] >= signature.vocabulary)
      return fail(HALFTONE_INVALID_ARGUMENT,
                  "token %zu is %u, but the model's vocabulary has %zu tokens",
                  i, tokens[i], signature.vocabulary);
  s.tokens.append(tokens, count);
  return HALFTONE_OK;
}

void halftone_decoder::truncate(size_t sequence, size_t length) {
  Sequence &s = sequences[sequence];
  s.tokens.truncate(length);
  if (s.computed > length)
    s.computed = length;
}

halftone_status halftone_decoder::compute(size_t sequence, float *logits,
                                          size_t numLogits) {
  Sequence &s = sequences[sequence];
  size_t size = s.tokens.size();
  // Logits are not kept: what was computed before is computed once more.
  if (s.computed > size - numLogits)
    s.computed = size - numLogits;
  while (s.computed < size) {
    size_t count = size - s.computed;
    if (count > signature.maxTokens)
      count = signature.maxTokens;
    ids.clear();
    wanted.clear();
    for (size_t i = 0; i < count; ++i) {
      ids.push(s.tokens[s.computed + i]);
      if (s.computed + i >= size - numLogits)
        wanted.push(static_cast<int64_t>(i));
    }
    float *place = logits;
    if (wanted.empty()) {
      wanted.push(-1);
      unwanted.resize(signature.vocabulary);
      place = unwanted.data();
    } else {
      logits += wanted.size() * signature.vocabulary;
    }
    int64_t row = static_cast<int64_t>(sequence);
    int64_t start = static_cast<int64_t>(s.computed);
    if (halftone_status status = run(&row, &start, 1, count, place))
      return status;
    s.computed += count;
  }
  return HALFTONE_OK;
}

//===-- The API -----------------------------------------------------------===//

static halftone_status open(halftone_decoder &decoder, halftone_model *model,
                            const halftone_session_options *options) {
  Diagnostic diagnostic;
  decoder.program = model->program;
  if (!decoder.signature.find(*model->program, diagnostic))
    return fail(HALFTONE_INVALID_ARGUMENT, "%s", diagnostic.text());
  if (const halftone_text *text = model->program->text) {
    Bytes bytes = {static_cast<const unsigned char *>(text->tokenizer),
                   text->tokenizer_bytes};
    if (!decoder.tokenizer.open(bytes, diagnostic))
      return fail(HALFTONE_INVALID_PROGRAM, "%s", diagnostic.text());
    decoder.hasText = true;
  }
  decoder.sequences.resize(decoder.signature.numSequences);
  return halftone_session_create(model, options, &decoder.session);
}

static void destroy(halftone_decoder *decoder) {
  decoder->magic = 0;
  decoder->~halftone_decoder();
  free(decoder);
}

halftone_status
halftone_decoder_create(halftone_model *model,
                        const halftone_session_options *options,
                        halftone_decoder **decoder) {
  if (!decoder)
    return fail(HALFTONE_INVALID_ARGUMENT, "the place for the decoder is null");
  *decoder = nullptr;
  if (halftone_status status = checkModel(model))
    return status;
  void *memory = malloc(sizeof(halftone_decoder));
  if (!memory)
    return fail(HALFTONE_OUT_OF_MEMORY, "out of memory");
  auto *created = new (memory) halftone_decoder;
  halftone_status status = open(*created, model, options);
  if (status == HALFTONE_OK)
    *decoder = created;
  else
    destroy(created);
  return status;
}

void halftone_decoder_destroy(halftone_decoder *decoder) {
  if (decoder && checkDecoder(decoder) == HALFTONE_OK)
    destroy(decoder);
}

halftone_session *halftone_decoder_session(const halftone_decoder *decoder) {
  return checkDecoder(decoder) ? nullptr : decoder->session;
}

size_t halftone_decoder_vocabulary(const halftone_decoder *decoder) {
  return checkDecoder(decoder) ? 0 : decoder->signature.vocabulary;
}

size_t halftone_decoder_context(const halftone_decoder *decoder) {
  return checkDecoder(decoder) ? 0 : decoder->signature.context;
}

size_t halftone_decoder_sequences(const halftone_decoder *decoder) {
  return checkDecoder(decoder) ? 0 : decoder->signature.numSequences;
}

size_t halftone_sequence_length(const halftone_decoder *decoder,
                                size_t sequence) {
  return checkDecoder(decoder) || checkSequence(*decoder, sequence)
             ? 0
             : decoder->sequences[sequence].tokens.size();
}

const uint32_t *halftone_sequence_tokens(const halftone_decoder *decoder,
                                         size_t sequence) {
  return halftone_sequence_length(decoder, sequence)
             ? decoder->sequences[sequence].tokens.data()
             : nullptr;
}

halftone_status halftone_sequence_truncate(halftone_decoder *decoder,
                                           size_t sequence, size_t length) {
  return alone(decoder, [&](halftone_decoder &d) {
    if (halftone_status status = checkSequence(d, sequence))
      return status;
    d.truncate(sequence, length);
    return HALFTONE_OK;
  });
}

halftone_status halftone_sequence_append(halftone_decoder *decoder,
                                         size_t sequence,
                                         const uint32_t *tokens, size_t count,
                                         float *logits, size_t num_logits) {
  return alone(decoder, [&](halftone_decoder &d) {
    if (num_logits > count || (num_logits && !logits))
      return fail(HALFTONE_INVALID_ARGUMENT,
                  "logits of %zu tokens are asked for, and %zu are appended; "
                  "they need a place",
                  num_logits, count);
    size_t before = halftone_sequence_length(&d, sequence);
    halftone_status status = d.push(sequence, tokens, count);
    if (status == HALFTONE_OK)
      status = d.compute(sequence, logits, num_logits);
    if (status != HALFTONE_OK && sequence < d.sequences.size())
      d.truncate(sequence, before);
    return status;
  });
}

/// All of them are computed but for one new token each.
static halftone_status beginStep(halftone_decoder &decoder,
                                 const size_t *rows, const uint32_t *tokens,
                                 size_t count) {
  for (size_t i = 0; i < count; ++i) {
    for (size_t other = 0; other < i; ++other)
      if (rows[other] == rows[i])
        return fail(HALFTONE_INVALID_ARGUMENT,
                    "sequence %zu is in the step twice", rows[i]);
    if (halftone_status status = checkSequence(decoder, rows[i]))
      return status;
    if (halftone_status status = decoder.compute(rows[i], nullptr, 0))
      return status;
  }
  for (size_t i = 0; i < count; ++i)
    if (halftone_status status = decoder.push(rows[i], tokens + i, 1)) {
      while (i--)
        decoder.truncate(rows[i], decoder.sequences[rows[i]].computed);
      return status;
    }
  return HALFTONE_OK;
}

halftone_status halftone_sequences_step(halftone_decoder *decoder,
                                        const size_t *rows,
                                        const uint32_t *tokens, size_t count,
                                        float *logits) {
  return alone(decoder, [&](halftone_decoder &d) {
    if (count == 0)
      return HALFTONE_OK;
    if (!rows || !tokens)
      return fail(HALFTONE_INVALID_ARGUMENT,
                  "the list of sequences or of tokens is null");
    if (halftone_status status = beginStep(d, rows, tokens, count))
      return status;
    Array<int64_t> numbers, starts;
    d.ids.clear();
    d.wanted.clear();
    for (size_t i = 0; i < count; ++i) {
      numbers.push(static_cast<int64_t>(rows[i]));
      starts.push(static_cast<int64_t>(d.sequences[rows[i]].computed));
      d.ids.push(tokens[i]);
      if (logits)
        d.wanted.push(static_cast<int64_t>(i));
    }
    if (!logits) {
      d.wanted.push(-1);
      d.unwanted.resize(d.signature.vocabulary);
    }
    halftone_status status =
        d.run(numbers.data(), starts.data(), count, 1,
              logits ? logits : d.unwanted.data());
    for (size_t i = 0; i < count; ++i) {
      auto &sequence = d.sequences[rows[i]];
      if (status == HALFTONE_OK)
        sequence.computed = sequence.tokens.size();
      else
        sequence.tokens.truncate(sequence.computed);
    }
    return status;
  });
}
