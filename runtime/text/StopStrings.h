//===- StopStrings.h - text that ends generation --------------------------===//

#ifndef HALFTONE_RUNTIME_TEXT_STOPSTRINGS_H
#define HALFTONE_RUNTIME_TEXT_STOPSTRINGS_H

#include "runtime/text/Utf8.h"

namespace halftone::rt {

/// Watches text as it comes, in pieces of any size, for one of several strings.
/// What may be the beginning of one is held back until that is known.
class StopStrings {
public:
  /// Of strings that outlive this; an empty one never stops anything.
  void add(TextView stop) {
    if (stop.size)
      stops.push(stop);
  }

  /// Takes `text`, and appends to `certain` what is before any stop string.
  /// True when one came: of those that do, the one that begins first, which is
  /// not given out, nor is what follows.
  bool push(TextView text, Array<char> &certain);

  /// Appends what was held back: the text is over.
  void finish(Array<char> &certain);

private:
  Array<TextView> stops;
  Array<char> held;
};

} // namespace halftone::rt

#endif
