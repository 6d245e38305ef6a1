//===- Options.cpp - the command line of a compiled model -----------------===//

#include "runtime/command/Options.h"
#include "halftone/halftone.h"

#include <cerrno>
#include <cstring>

namespace halftone::rt {

namespace {

enum class Kind {
  Inputs,
  Outputs,
  Input,
  Output,
  Threads,
  Pin,
  Cpu,
  Bench,
  Warmup,
  Shape,
  Json,
  Describe,
  Perplexity,
  Window,
  Next,
  Top,
  Prompt,
  PromptFile,
  Chat,
  System,
  MaxTokens,
  Greedy,
  Temperature,
  TopK,
  TopP,
  MinP,
  Penalty,
  PenaltyLast,
  Seed,
  Stop,
  IgnoreEnd,
  Shift,
  Keep,
  NoEcho,
  Save,
  Restore,
  Tokens,
  Logits,
  Help,
  Version,
};

struct Row {
  const char *name;
  Kind kind;
  bool takesValue;
  unsigned actions; ///< where it may stand
  unsigned asksFor = 0; ///< the actions of which it begins one
};

class Parser {
public:
  Parser(Options &options, Diagnostic &diagnostic)
      : options(options), diagnostic(diagnostic) {}

  bool parse(int count, const char *const *arguments);

private:
  bool apply(const Row &row, const char *value);
  bool setAction(Action action, const char *name);
  bool setOnce(const char *&place, const char *value, const char *name);
  bool addNamed(Array<NamedPath> &list, const char *value, const char *name);
  bool addShape(const char *value);
  bool setBench(const char *value, const char *name);
  bool parseNumber(const char *text, const char *name, uint64_t least,
                   uint64_t greatest, uint64_t &number);
  bool parseNumber(const char *text, const char *name, double greatest,
                   double &number);
  bool unknown(const char *argument, size_t nameBytes);
  bool checkActions();

  Options &options;
  Diagnostic &diagnostic;
  const char *actionName = nullptr;
  Array<const Row *> used;
};

} // namespace

static constexpr unsigned actionsWithFiles = actionRun | actionBench;
static constexpr unsigned actionsThatWrite = actionGenerate | actionChat;
static constexpr unsigned actionsThatCompute =
    actionRun | actionBench | actionPerplexity | actionNext |
    actionsThatWrite | actionLogits | actionLanguageBench;
static constexpr unsigned actionsOfBench = actionBench | actionLanguageBench;

static constexpr Row rows[] = {
    {"--inputs", Kind::Inputs, true, actionsWithFiles},
    {"--outputs", Kind::Outputs, true, actionsWithFiles},
    {"--input", Kind::Input, true, actionsWithFiles},
    {"--output", Kind::Output, true, actionsWithFiles},
    {"--threads", Kind::Threads, true, actionsThatCompute},
    {"--pin", Kind::Pin, false, actionsThatCompute},
    {"--cpu", Kind::Cpu, true, actionsThatCompute | actionDescribe},
    {"--bench", Kind::Bench, true, actionAny, actionsOfBench},
    {"--warmup", Kind::Warmup, true, actionBench},
    {"--shape", Kind::Shape, true, actionBench},
    {"--json", Kind::Json, false,
     actionsOfBench | actionDescribe | actionPerplexity | actionNext |
         actionGenerate},
    {"--describe", Kind::Describe, false, actionAny, actionDescribe},
    {"--perplexity", Kind::Perplexity, true, actionAny, actionPerplexity},
    {"--window", Kind::Window, true, actionPerplexity},
    {"--next", Kind::Next, true, actionAny, actionNext},
    {"--top", Kind::Top, true, actionNext},
    {"-p", Kind::Prompt, true, actionAny, actionGenerate},
    {"--prompt", Kind::Prompt, true, actionAny, actionGenerate},
    {"--prompt-file", Kind::PromptFile, true, actionAny, actionGenerate},
    {"--chat", Kind::Chat, false, actionAny, actionChat},
    {"--system", Kind::System, true, actionChat},
    {"-n", Kind::MaxTokens, true, actionsThatWrite},
    {"--max-tokens", Kind::MaxTokens, true, actionsThatWrite},
    {"--greedy", Kind::Greedy, false, actionsThatWrite},
    {"--temperature", Kind::Temperature, true, actionsThatWrite},
    {"--top-k", Kind::TopK, true, actionsThatWrite},
    {"--top-p", Kind::TopP, true, actionsThatWrite},
    {"--min-p", Kind::MinP, true, actionsThatWrite},
    {"--penalty", Kind::Penalty, true, actionsThatWrite},
    {"--penalty-last", Kind::PenaltyLast, true, actionsThatWrite},
    {"--seed", Kind::Seed, true, actionsThatWrite},
    {"--stop", Kind::Stop, true, actionsThatWrite},
    {"--ignore-end", Kind::IgnoreEnd, false, actionGenerate},
    {"--shift", Kind::Shift, false, actionsThatWrite},
    {"--keep", Kind::Keep, true, actionsThatWrite},
    {"--no-echo", Kind::NoEcho, false, actionGenerate},
    {"--save", Kind::Save, true, actionGenerate},
    {"--restore", Kind::Restore, true, actionGenerate},
    {"--tokens", Kind::Tokens, true, actionAny, actionLogits},
    {"--logits", Kind::Logits, true, actionLogits},
    {"--help", Kind::Help, false, actionAny, actionHelp},
    {"-h", Kind::Help, false, actionAny, actionHelp},
    {"--version", Kind::Version, false, actionAny, actionVersion},
};

/// How many letters differ, for "did you mean".
static size_t editDistance(const char *a, size_t sizeA, const char *b) {
  constexpr size_t maximum = 32;
  size_t sizeB = strlen(b);
  if (sizeA > maximum || sizeB > maximum)
    return maximum;
  size_t row[maximum + 1];
  for (size_t j = 0; j <= sizeB; ++j)
    row[j] = j;
  for (size_t i = 1; i <= sizeA; ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= sizeB; ++j) {
      size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      size_t shorter = row[j - 1] < row[j] ? row[j - 1] : row[j];
      row[j] = replaced < shorter + 1 ? replaced : shorter + 1;
    }
  }
  return row[sizeB];
}

bool Parser::unknown(const char *argument, size_t nameBytes) {
  Text name = quoted(argument, nameBytes);
  if (argument[0] != '-')
    return diagnostic.fail("unexpected argument %s; inputs are given with "
                           "--inputs FILE or --input NAME=FILE; see --help",
                           name.c_str());
  const Row *nearest = nullptr;
  size_t best = 3;
  for (const Row &row : rows) {
    size_t distance = editDistance(argument, nameBytes, row.name);
    if (distance < best) {
      best = distance;
      nearest = &row;
    }
  }
  if (nearest)
    return diagnostic.fail("unknown option %s; did you mean %s? See --help",
                           name.c_str(), nearest->name);
  return diagnostic.fail("unknown option %s; see --help", name.c_str());
}

bool Parser::parseNumber(const char *text, const char *name, uint64_t least,
                         uint64_t greatest, uint64_t &number) {
  char *stop;
  errno = 0;
  bool isDigit = *text >= '0' && *text <= '9';
  number = isDigit ? strtoull(text, &stop, 10) : 0;
  if (isDigit && !*stop && !errno && number >= least && number <= greatest)
    return true;
  return diagnostic.fail("%s needs a whole number from %llu to %llu, not %s",
                         name, static_cast<unsigned long long>(least),
                         static_cast<unsigned long long>(greatest),
                         quoted(text).c_str());
}

bool Parser::parseNumber(const char *text, const char *name, double greatest,
                         double &number) {
  char *stop;
  number = strtod(text, &stop);
  bool isNumber = (*text >= '0' && *text <= '9') || *text == '.';
  if (isNumber && !*stop && number >= 0 && number <= greatest)
    return true;
  return diagnostic.fail("%s needs a number from 0 to %g, not %s", name,
                         greatest, quoted(text).c_str());
}

/// `100`, or `prefill=512,decode=128` of a language model.
bool Parser::setBench(const char *value, const char *name) {
  constexpr uint64_t many = 1000000000;
  if (!strchr(value, '='))
    return parseNumber(value, name, 1, many, options.benchRuns) &&
           setAction(actionBench, name);
  while (true) {
    size_t size = strcspn(value, ",");
    Text part;
    part.append(value, size);
    const char *digits = strchr(part.c_str(), '=');
    bool isPrefill = strncmp(part.c_str(), "prefill=", 8) == 0;
    if (!isPrefill && strncmp(part.c_str(), "decode=", 7) != 0)
      return diagnostic.fail("%s needs a number of runs, or of a language "
                             "model prefill=TOKENS,decode=TOKENS, not %s",
                             name, quoted(part.c_str()).c_str());
    uint64_t &number = isPrefill ? options.languageBench.prefill
                                 : options.languageBench.decode;
    if (!parseNumber(digits + 1, name, 1, many, number))
      return false;
    if (!value[size])
      return setAction(actionLanguageBench, name);
    value += size + 1;
  }
}

bool Parser::setAction(Action action, const char *name) {
  if (actionName && action != options.action)
    return diagnostic.fail("%s and %s cannot be combined", actionName, name);
  options.action = action;
  actionName = name;
  return true;
}

bool Parser::setOnce(const char *&place, const char *value, const char *name) {
  if (place)
    return diagnostic.fail("%s is given twice", name);
  place = value;
  return true;
}

bool Parser::addNamed(Array<NamedPath> &list, const char *value,
                      const char *name) {
  const char *equals = strchr(value, '=');
  if (!equals || equals == value || !equals[1])
    return diagnostic.fail("%s needs NAME=FILE, not %s", name,
                           quoted(value).c_str());
  NamedPath item;
  item.name.append(value, static_cast<size_t>(equals - value));
  item.path = equals + 1;
  list.push(std::move(item));
  return true;
}

/// `batch=8,sequence=128`
bool Parser::addShape(const char *value) {
  while (true) {
    const char *equals = strchr(value, '=');
    size_t size = strcspn(value, ",");
    if (!equals || equals == value ||
        static_cast<size_t>(equals - value) > size)
      return diagnostic.fail("--shape needs NAME=NUMBER,..., not %s",
                             quoted(value).c_str());
    SymbolValue item;
    item.name.append(value, static_cast<size_t>(equals - value));
    Text digits;
    digits.append(equals + 1, size - static_cast<size_t>(equals + 1 - value));
    uint64_t number;
    if (!parseNumber(digits.c_str(), "--shape", 0, INT64_MAX, number))
      return false;
    item.value = static_cast<int64_t>(number);
    options.shape.push(std::move(item));
    if (!value[size])
      return true;
    value += size + 1;
  }
}

bool Parser::apply(const Row &row, const char *value) {
  constexpr uint64_t many = 1000000000;
  uint64_t number;
  switch (row.kind) {
  case Kind::Inputs:
    return setOnce(options.inputsFile, value, row.name);
  case Kind::Outputs:
    return setOnce(options.outputsFile, value, row.name);
  case Kind::Input:
    return addNamed(options.inputs, value, row.name);
  case Kind::Output:
    return addNamed(options.outputs, value, row.name);
  case Kind::Threads:
    return parseNumber(value, row.name, 1, HALFTONE_MAX_THREADS,
                       options.threads);
  case Kind::Pin:
    options.pin = true;
    return true;
  case Kind::Cpu:
    return setOnce(options.level, value, row.name);
  case Kind::Bench:
    return setBench(value, row.name);
  case Kind::Warmup:
    return parseNumber(value, row.name, 0, many, options.warmup);
  case Kind::Shape:
    return addShape(value);
  case Kind::Json:
    options.json = true;
    return true;
  case Kind::Describe:
    return setAction(actionDescribe, row.name);
  case Kind::Perplexity:
    return setOnce(options.tokensFile, value, row.name) &&
           setAction(actionPerplexity, row.name);
  case Kind::Window:
    return parseNumber(value, row.name, 2, many, options.window);
  case Kind::Next:
    return setOnce(options.tokensFile, value, row.name) &&
           setAction(actionNext, row.name);
  case Kind::Top:
    return parseNumber(value, row.name, 1, many, options.top);
  case Kind::Prompt:
    return setOnce(options.prompt, value, row.name) &&
           setAction(actionGenerate, row.name);
  case Kind::PromptFile:
    return setOnce(options.promptFile, value, row.name) &&
           setAction(actionGenerate, row.name);
  case Kind::Chat:
    return setAction(actionChat, row.name);
  case Kind::System:
    return setOnce(options.system, value, row.name);
  case Kind::MaxTokens:
    return parseNumber(value, row.name, 1, many, options.generate.max_tokens);
  case Kind::Greedy:
    options.generate.temperature = 0;
    return true;
  case Kind::Temperature:
    return parseNumber(value, row.name, 1000., options.generate.temperature);
  case Kind::TopK:
    if (!parseNumber(value, row.name, 0, many, number))
      return false;
    options.generate.top_k = static_cast<uint32_t>(number);
    return true;
  case Kind::TopP:
    return parseNumber(value, row.name, 1., options.generate.top_p);
  case Kind::MinP:
    return parseNumber(value, row.name, 1., options.generate.min_p);
  case Kind::Penalty:
    return parseNumber(value, row.name, 1000., options.generate.penalty);
  case Kind::PenaltyLast:
    return parseNumber(value, row.name, 1, many, options.generate.penalty_last);
  case Kind::Seed:
    options.isSeeded = true;
    return parseNumber(value, row.name, 0, INT64_MAX, options.generate.seed);
  case Kind::Stop:
    options.stops.push(value);
    return true;
  case Kind::IgnoreEnd:
    options.generate.ignore_ends = 1;
    return true;
  case Kind::Shift:
    options.generate.shift = 1;
    return true;
  case Kind::Keep:
    return parseNumber(value, row.name, 0, many, options.generate.keep);
  case Kind::NoEcho:
    options.echo = false;
    return true;
  case Kind::Save:
    return setOnce(options.saveFile, value, row.name);
  case Kind::Restore:
    return setOnce(options.restoreFile, value, row.name);
  case Kind::Tokens:
    return setOnce(options.tokensFile, value, row.name) &&
           setAction(actionLogits, row.name);
  case Kind::Logits:
    return setOnce(options.logitsFile, value, row.name);
  case Kind::Help:
    return setAction(actionHelp, row.name);
  case Kind::Version:
    return setAction(actionVersion, row.name);
  }
  return false;
}

/// An option that does not belong to the action is a mistake, not ignored.
bool Parser::checkActions() {
  if (options.action & (actionHelp | actionVersion))
    return true;
  for (const Row *row : used) {
    if (row->actions & options.action)
      continue;
    if (actionName)
      return diagnostic.fail("%s has no meaning with %s; see --help", row->name,
                             actionName);
    Text needed;
    for (const Row &other : rows)
      if (row->actions & other.asksFor)
        needed.append(needed.empty() ? "" : " or ").append(other.name);
    return diagnostic.fail("%s needs %s; see --help", row->name,
                           needed.c_str());
  }
  return true;
}

bool Parser::parse(int count, const char *const *arguments) {
  for (int i = 0; i < count; ++i) {
    const char *argument = arguments[i];
    size_t nameBytes =
        argument[0] == '-' ? strcspn(argument, "=") : strlen(argument);
    const Row *found = nullptr;
    for (const Row &row : rows)
      if (strlen(row.name) == nameBytes &&
          memcmp(row.name, argument, nameBytes) == 0)
        found = &row;
    if (!found)
      return unknown(argument, nameBytes);
    const char *value =
        argument[nameBytes] ? argument + nameBytes + 1 : nullptr;
    if (value && !found->takesValue)
      return diagnostic.fail("%s takes no value; see --help", found->name);
    if (!value && found->takesValue) {
      if (i + 1 == count)
        return diagnostic.fail("%s needs a value; see --help", found->name);
      value = arguments[++i];
    }
    used.push(found);
    if (!apply(*found, value))
      return false;
  }
  return checkActions();
}

bool parseOptions(int count, const char *const *arguments, Options &options,
                  Diagnostic &diagnostic) {
  return Parser(options, diagnostic).parse(count, arguments);
}

} // namespace halftone::rt
