//===- Chat.cpp - --chat: turns of a person and the model -----------------===//

#include "runtime/text/Chat.h"
#include "runtime/command/Generate.h"
#include "runtime/command/Writer.h"

#include <cstdio>
#include <unistd.h>

namespace halftone::rt {

namespace {

class Conversation {
public:
  Conversation(Writer &writer, Chat &chat, const Options &options)
      : writer(writer), chat(chat), options(options),
        generate(generateOptions(options)) {
    generate.anew = 1;
    // The stop of a reply is a token that ends a text, or else a text itself.
    stops.append(options.stops.data(), options.stops.size());
    replyStop.append(chat.replyStop().data, chat.replyStop().size);
    if (!replyStop.empty())
      stops.push(replyStop.c_str());
    generate.stops = stops.data();
    generate.num_stops = stops.size();
  }

  /// A new one: everything is forgotten.
  bool begin(Diagnostic &diagnostic) {
    text.clear();
    TextView system = {options.system ? options.system : "",
                       options.system ? strlen(options.system) : 0};
    return writer.check(halftone_sequence_truncate(writer.get(), 0, 0),
                        diagnostic) &&
           chat.begin(options.system ? &system : nullptr, text, diagnostic);
  }

  /// One turn: what the person said, and the model's reply to the standard
  /// output.
  bool turn(TextView said, Diagnostic &diagnostic);

private:
  static int show(void *, uint32_t, const char *text, size_t bytes) {
    fwrite(text, 1, bytes, stdout);
    fflush(stdout);
    return ferror(stdout);
  }

  Writer &writer;
  Chat &chat;
  const Options &options;
  halftone_generate_options generate;
  Array<const char *> stops;
  Text replyStop;
  Array<char> text; ///< of the conversation, not read by the model yet
};

} // namespace

bool Conversation::turn(TextView said, Diagnostic &diagnostic) {
  Array<uint32_t> tokens;
  if (!chat.user(said, text, diagnostic) ||
      !writer.encode({text.data(), text.size()}, /*whole=*/false, tokens,
                     diagnostic))
    return false;
  text.clear();
  size_t rest;
  halftone_finish finish = HALFTONE_FINISH_LENGTH;
  if (!writer.read(tokens, rest, diagnostic) ||
      !writer.check(halftone_generate(writer.get(), 0, tokens.data() + rest,
                                      tokens.size() - rest, &generate, show,
                                      nullptr, &finish),
                    diagnostic))
    return false;
  printf("\n");
  fflush(stdout);
  if (finish == HALFTONE_FINISH_CONTEXT)
    fprintf(stderr, "note: the context of %zu tokens is full; /new begins "
                    "anew, and --shift lets the oldest turns go\n",
            halftone_decoder_context(writer.get()));
  return true;
}

/// A line without its end; false at the end of the input.
static bool readLine(Array<char> &line) {
  line.clear();
  int c;
  while ((c = getchar()) != EOF && c != '\n')
    line.push(static_cast<char>(c));
  return c != EOF || !line.empty();
}

static bool is(const Array<char> &line, const char *command) {
  return line.size() == strlen(command) &&
         memcmp(line.data(), command, line.size()) == 0;
}

ExitCode runChat(const halftone_program &program, const Options &options,
                 Diagnostic &diagnostic) {
  Chat chat;
  if (!program.text || !program.text->chat) {
    diagnostic.fail("%s has no chat format: its checkpoint has no chat "
                    "template, or one that could not be compiled (`halftone "
                    "chat-template` says why); -p TEXT lets it go on from a "
                    "text",
                    quoted(program.name).c_str());
    return exitUsage;
  }
  if (!chat.open({static_cast<const unsigned char *>(program.text->chat),
                  program.text->chat_bytes},
                 diagnostic))
    return exitInternal;
  Writer writer(program);
  if (!writer.start(options, diagnostic))
    return writer.exitCode();
  Conversation conversation(writer, chat, options);
  if (!conversation.begin(diagnostic))
    return exitUsage;
  bool isTerminal = isatty(STDIN_FILENO);
  if (isTerminal)
    fprintf(stderr, "%s. /new begins anew, /quit or the end of the input "
                    "ends.\n",
            program.name);
  Array<char> line;
  while (true) {
    if (isTerminal)
      fprintf(stderr, "\n> ");
    if (!readLine(line) || is(line, "/quit"))
      return exitOk;
    if (line.empty())
      continue;
    if (is(line, "/new")) {
      if (!conversation.begin(diagnostic))
        return exitUsage;
      continue;
    }
    if (!conversation.turn({line.data(), line.size()}, diagnostic))
      return writer.exitCode();
  }
}

} // namespace halftone::rt
