//===- Tokenize.cpp - halftone tokenize -------------------------------------===//

#include "compiler/Driver/Arguments.h"
#include "compiler/Driver/Verbs.h"
#include "compiler/Import/Tokenizer/Tokenizer.h"
#include "runtime/text/Detokenizer.h"
#include "runtime/text/Tokenizer.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

namespace halftone::driver {

namespace {

using llvm::StringRef;

/// A compiled tokenizer at work, with errors as LLVM has them.
class Worker {
public:
  Worker(std::string form, bool whole) : whole(whole) {
    words.resize((form.size() + 7) / 8);
    memcpy(words.data(), form.data(), form.size());
    size = form.size();
  }

  llvm::Error open() {
    rt::Diagnostic diagnostic;
    if (!tokenizer.open({reinterpret_cast<const unsigned char *>(words.data()), size}, diagnostic))
      return llvm::createStringError(diagnostic.text());
    return llvm::Error::success();
  }

  llvm::Expected<std::vector<uint32_t>> encode(StringRef text) {
    rt::Array<uint32_t> ids;
    rt::Diagnostic diagnostic;
    if (!tokenizer.encode({text.data(), text.size()}, whole, ids, diagnostic))
      return llvm::createStringError(diagnostic.text());
    return std::vector<uint32_t>(ids.begin(), ids.end());
  }

  llvm::Expected<std::string> decode(llvm::ArrayRef<uint32_t> ids) {
    rt::Detokenizer detokenizer(tokenizer.getTables(), /*special=*/!whole);
    rt::Array<char> text;
    for (uint32_t id : ids)
      if (!detokenizer.push(id, text))
        return llvm::createStringError("there is no token %u; the vocabulary has %u", id,
                                       tokenizer.getTables().header->numTokens);
    detokenizer.finish(text);
    return std::string(text.data(), text.size());
  }

private:
  std::vector<uint64_t> words; // 8-byte aligned
  size_t size;
  bool whole;
  rt::Tokenizer tokenizer;
};

} // namespace

/// A string becomes ids, a list of ids becomes a string, anything else and what
/// cannot be done {"error": …}.
static llvm::json::Value answer(Worker &worker, StringRef line) {
  auto refuse = [](llvm::Error error) {
    return llvm::json::Object{{"error", llvm::json::fixUTF8(llvm::toString(std::move(error)))}};
  };
  auto request = tokenizer::parseJson(line);
  if (!request)
    return refuse(request.takeError());
  if (auto text = request->getAsString()) {
    auto ids = worker.encode(*text);
    return ids ? llvm::json::Value(llvm::json::Array(*ids)) : refuse(ids.takeError());
  }
  const llvm::json::Array *list = request->getAsArray();
  std::vector<uint32_t> ids;
  for (const llvm::json::Value &item : list ? *list : llvm::json::Array()) {
    auto id = item.getAsUINT64();
    if (!id || *id > UINT32_MAX)
      list = nullptr;
    else
      ids.push_back(static_cast<uint32_t>(*id));
    if (!list)
      break;
  }
  if (!list)
    return refuse(llvm::createStringError("a line is a string or a list of token ids"));
  auto text = worker.decode(ids);
  return text ? llvm::json::Value(std::move(*text)) : refuse(text.takeError());
}

static int answerLines(Worker &worker, StringRef input) {
  while (!input.empty()) {
    auto [line, rest] = input.split('\n');
    input = rest;
    llvm::outs() << answer(worker, line) << "\n";
  }
  return ExitOk;
}

static int encodeText(Worker &worker, StringRef text) {
  auto ids = worker.encode(text);
  if (!ids)
    return fail(ids.takeError(), ExitFailed);
  StringRef separator = "";
  for (uint32_t id : *ids) {
    llvm::outs() << separator << id;
    separator = " ";
  }
  llvm::outs() << "\n";
  return ExitOk;
}

static int decodeIds(Worker &worker, StringRef input) {
  std::vector<uint32_t> ids;
  for (StringRef rest = input; !(rest = rest.ltrim(" \t\r\n,[]")).empty();) {
    uint32_t id;
    if (rest.consumeInteger(10, id)) {
      printError("token ids are whole numbers with spaces between them, not '" + rest.take_front(20).str() +
                 "'");
      return ExitUsage;
    }
    ids.push_back(id);
  }
  auto text = worker.decode(ids);
  if (!text)
    return fail(text.takeError(), ExitFailed);
  llvm::outs() << *text;
  return ExitOk;
}

int runTokenize(llvm::ArrayRef<StringRef> arguments) {
  std::string output;
  bool help = false, decode = false, plain = false, lines = false;
  const OptionSpec specs[] = {
      {"--decode", "", "token ids from the standard input to text", nullptr, &decode},
      {"--plain", "", "without the tokens that begin and end a text; special tokens are decoded too", nullptr,
       &plain},
      {"--json-lines", "",
       "each line of the standard input is a JSON string, or a list of ids;\n"
       "each is answered by a line",
       nullptr, &lines},
      {"-o", "FILE", "write the compiled form that programs carry, and read no text", &output},
      {"--help", "", "this text", nullptr, &help},
  };
  std::vector<std::string> positional;
  if (llvm::Error error = parseArguments(arguments, specs, positional))
    return fail(std::move(error), ExitUsage);
  if (help) {
    llvm::outs() << "halftone tokenize TOKENIZER [options] < text\n\nPrints the token ids of a text, as a "
                    "program with "
                    "this tokenizer makes them.\nTOKENIZER is "
                 << tokenizer::kTokenizerFiles << ".\n\n"
                 << describeOptions(specs)
                 << "\nExamples:\n"
                    "  echo -n \"Once upon a time\" | halftone tokenize tokenizer.json\n"
                    "  echo 460 432 259 | halftone tokenize tokenizer.json --decode\n";
    return ExitOk;
  }
  if (positional.size() != 1) {
    printError("no tokenizer given: halftone tokenize TOKENIZER");
    return ExitUsage;
  }
  auto form = tokenizer::compileTokenizer(positional.front());
  if (!form)
    return fail(form.takeError(), ExitUsage);
  if (!output.empty())
    return writeBytes(output, *form);
  Worker worker(std::move(*form), !plain);
  if (llvm::Error error = worker.open())
    return fail(std::move(error), ExitInternal);
  auto input = llvm::MemoryBuffer::getSTDIN();
  if (!input) {
    printError("cannot read the standard input: " + input.getError().message());
    return ExitUsage;
  }
  StringRef bytes = (*input)->getBuffer();
  return lines ? answerLines(worker, bytes) : decode ? decodeIds(worker, bytes) : encodeText(worker, bytes);
}

} // namespace halftone::driver
