//===- Detokenizer.h - from token ids to text -----------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_DETOKENIZER_H
#define HALFTONE_RUNTIME_TEXT_DETOKENIZER_H

#include "runtime/text/TokenizerTables.h"

namespace halftone::rt {

/// Decodes token by token, and gives away whole characters only: what a token
/// began stays here until the next ones end it, or show that it is broken
/// (U+FFFD, one for each part that no text has).
class Detokenizer {
public:
  /// `special`: whether special tokens are written too.
  Detokenizer(const TokenizerTables &tables, bool special)
      : tables(tables), special(special) {}

  /// Appends what is certain now. False where there is no such token.
  [[nodiscard]] bool push(uint32_t token, Array<char> &text);

  /// Appends what still waits: the text is over.
  void finish(Array<char> &text);

private:
  void endByteTokens();
  void put(TextView bytes);

  const TokenizerTables &tables;
  bool special;
  bool begun = false;
  uint32_t stripped = 0;
  Array<char> pending; ///< bytes that may be part of a character
  Array<char>
      byteTokens; ///< a run of tokens for bytes: valid as a whole or not at all
};

/// Makes UTF-8 of a stream of bytes: appends to `text` what is whole, replaces
/// what is broken, keeps in `pending` what may become whole unless it is the
/// `last`.
void takeWholeCharacters(Array<char> &pending, Array<char> &text, bool last);

} // namespace halftone::rt

#endif
