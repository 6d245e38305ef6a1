//===- Normalizer.h - text before it is cut into words --------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_NORMALIZER_H
#define HALFTONE_RUNTIME_TEXT_NORMALIZER_H

#include "runtime/text/TokenizerTables.h"

namespace halftone::rt {

/// Where in a text the part to be normalized stands.
struct NormalizerPlace {
  bool continued = false; ///< behind an added token that is part of the text
  bool beginKept =
      true; ///< becomes false where what the part began with was removed
};

/// Runs the normalizer's steps on valid UTF-8. False when a pattern never
/// ended.
bool normalize(const TokenizerTables &tables, Matcher &matcher, TextView text,
               Array<char> &result, NormalizerPlace &place);

/// The steps NFD and NFKD; reorders marks.
void decompose(const TokenizerTables &tables, bool compatible, TextView text,
               Array<char> &result);

/// From NFD to NFC.
void compose(const TokenizerTables &tables, TextView text, Array<char> &result);

} // namespace halftone::rt

#endif
