//===- Normalizer.h - text before it is cut into words --------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_NORMALIZER_H
#define HALFTONE_RUNTIME_TEXT_NORMALIZER_H

#include "runtime/text/TokenizerTables.h"

namespace halftone::rt {

/// Runs the normalizer's steps on valid UTF-8. `beginKept` becomes false where
/// what `text` began with was removed. False when a pattern never ended.
bool normalize(const TokenizerTables &tables, Matcher &matcher, TextView text, Array<char> &result,
               bool &beginKept);

/// The steps NFD and NFKD; reorders marks.
void decompose(const TokenizerTables &tables, bool compatible, TextView text, Array<char> &result);

/// From NFD to NFC.
void compose(const TokenizerTables &tables, TextView text, Array<char> &result);

} // namespace halftone::rt

#endif
