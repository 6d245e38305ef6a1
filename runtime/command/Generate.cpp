//===- Generate.cpp - -p: a prompt goes on --------------------------------===//

#include "runtime/command/Generate.h"
#include "runtime/command/Runner.h"
#include "runtime/command/Writer.h"
#include "runtime/files/InputFile.h"

#include <cstdio>
#include <unistd.h>

namespace halftone::rt {

halftone_generate_options generateOptions(const Options &options) {
  halftone_generate_options chosen = options.generate;
  chosen.struct_size = sizeof(chosen);
  chosen.stops = options.stops.data();
  chosen.num_stops = options.stops.size();
  if (!options.isSeeded)
    chosen.seed = static_cast<uint64_t>(now() * 1e9) ^
                  static_cast<uint64_t>(getpid()) << 32;
  return chosen;
}

const char *finishName(halftone_finish finish) {
  switch (finish) {
  case HALFTONE_FINISH_LENGTH:
    return "length";
  case HALFTONE_FINISH_END:
    return "end";
  case HALFTONE_FINISH_STOP:
    return "stop";
  case HALFTONE_FINISH_CONTEXT:
    return "context";
  case HALFTONE_FINISH_ASKED:
    return "asked";
  }
  return "";
}

namespace {

/// What came, and when.
struct Written {
  bool streams;
  Array<uint32_t> tokens;
  Array<char> text;
  double begin = now(), first = 0, last = 0;

  static int take(void *user, uint32_t token, const char *text, size_t bytes) {
    Written &written = *static_cast<Written *>(user);
    if (token != UINT32_MAX) {
      written.tokens.push(token);
      written.last = now();
      if (written.first == 0)
        written.first = written.last;
    }
    if (!written.streams) {
      written.text.append(text, bytes);
    } else if (bytes) {
      fwrite(text, 1, bytes, stdout);
      fflush(stdout);
    }
    return ferror(stdout); // A reader that went away wants no more.
  }

  double tokensPerSecond() const {
    return tokens.size() > 1 && last > first
               ? static_cast<double>(tokens.size() - 1) / (last - first)
               : 0;
  }
};

} // namespace

static bool readPrompt(const Options &options, InputFile &file,
                       TextView &prompt, Diagnostic &diagnostic) {
  if (options.prompt && options.promptFile)
    return diagnostic.fail("-p and --prompt-file cannot be combined");
  if (!options.promptFile) {
    prompt = {options.prompt, strlen(options.prompt)};
    return true;
  }
  if (!file.open(options.promptFile, diagnostic))
    return false;
  prompt = {reinterpret_cast<const char *>(file.bytes().data),
            file.bytes().size};
  return true;
}

static void printJson(const halftone_program &program, const Writer &writer,
                      const Written &written, size_t promptTokens,
                      const halftone_generate_options &options,
                      halftone_finish finish) {
  Array<char> text;
  text.append(written.text.data(), written.text.size());
  text.push('\0');
  printf("{\"schema_version\": 1, \"program\": %s, \"level\": %s, "
         "\"threads\": %zu, \"seed\": %llu, \"finish\": \"%s\", "
         "\"prompt_tokens\": %zu, \"tokens\": [",
         jsonText(program.name).c_str(), jsonText(writer.level()).c_str(),
         writer.threads(), static_cast<unsigned long long>(options.seed),
         finishName(finish), promptTokens);
  for (size_t i = 0; i < written.tokens.size(); ++i)
    printf("%s%u", i ? ", " : "", written.tokens[i]);
  printf("], \"text\": %s, \"seconds_to_first_token\": %.6g, "
         "\"decode_tok_s\": %.6g}\n",
         jsonText(text.data()).c_str(), written.first - written.begin,
         written.tokensPerSecond());
}

ExitCode runGenerate(const halftone_program &program, const Options &options,
                     Diagnostic &diagnostic) {
  InputFile file;
  TextView prompt;
  if (!readPrompt(options, file, prompt, diagnostic))
    return exitUsage;
  Writer writer(program);
  if (!writer.start(options, diagnostic))
    return writer.exitCode();
  halftone_decoder *decoder = writer.get();
  if (options.restoreFile &&
      !writer.check(halftone_decoder_restore(decoder, options.restoreFile),
                    diagnostic))
    return writer.exitCode();

  Written written;
  written.streams = !options.json;
  Array<uint32_t> tokens;
  bool continues = halftone_sequence_length(decoder, 0) != 0;
  if (!writer.encode(prompt, /*whole=*/!continues, tokens, diagnostic))
    return writer.exitCode();
  if (tokens.empty() && !continues) {
    diagnostic.fail("the prompt is empty; the model has to go on from "
                    "something: -p TEXT");
    return exitUsage;
  }
  size_t room = halftone_decoder_context(decoder) -
                halftone_sequence_length(decoder, 0);
  if (tokens.size() > room) {
    diagnostic.fail("the prompt has %zu tokens, and the program was compiled "
                    "for a context of %zu (halftone compile --max "
                    "context=N)",
                    tokens.size(), room);
    return exitUsage;
  }
  if (options.echo && !options.json) {
    fwrite(prompt.data, 1, prompt.size, stdout);
    fflush(stdout);
  }
  size_t rest;
  halftone_finish finish = HALFTONE_FINISH_LENGTH;
  halftone_generate_options generate = generateOptions(options);
  if (!writer.read(tokens, rest, diagnostic) ||
      !writer.check(halftone_generate(decoder, 0, tokens.data() + rest,
                                      tokens.size() - rest, &generate,
                                      Written::take, &written, &finish),
                    diagnostic))
    return writer.exitCode();
  if (options.json)
    printJson(program, writer, written, tokens.size(), generate, finish);
  else
    printf("\n");
  if (options.saveFile &&
      !writer.check(halftone_decoder_save(decoder, options.saveFile),
                    diagnostic))
    return writer.exitCode();
  if (!options.json)
    fprintf(stderr,
            "\n%zu tokens read, %zu written (%s): %.3f s to the first, then "
            "%.1f tokens/s; seed %llu\n",
            tokens.size(), written.tokens.size(), finishName(finish),
            written.first - written.begin, written.tokensPerSecond(),
            static_cast<unsigned long long>(generate.seed));
  return exitOk;
}

} // namespace halftone::rt
