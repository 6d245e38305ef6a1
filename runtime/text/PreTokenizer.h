//===- PreTokenizer.h - text cut into words -------------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_PRETOKENIZER_H
#define HALFTONE_RUNTIME_TEXT_PRETOKENIZER_H

#include "runtime/text/TokenizerTables.h"

namespace halftone::rt {

/// Part of `Words::text`.
struct Word {
  size_t begin, end;
  bool first; ///< at the beginning of what is tokenized
};

/// Text and the words in it; what lies between words was removed.
struct Words {
  Array<char> text;
  Array<Word> words;

  TextView view() const { return {text.data(), text.size()}; }
  TextView view(const Word &word) const {
    return view().slice(word.begin, word.end);
  }
};

/// Runs the pre-tokenizer's steps on what `words` holds. False when a pattern
/// never ended.
bool preTokenize(const TokenizerTables &tables, Matcher &matcher, Words &words);

} // namespace halftone::rt

#endif
