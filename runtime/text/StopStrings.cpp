//===- StopStrings.cpp - text that ends generation ------------------------===//

#include "runtime/text/StopStrings.h"

namespace halftone::rt {

bool StopStrings::push(TextView text, Array<char> &certain) {
  held.append(text.data, text.size);
  // Up to the first place where a stop string is, or may still become one.
  size_t at = 0;
  bool stopped = false, waiting = false;
  for (; at < held.size(); ++at) {
    size_t left = held.size() - at;
    for (TextView stop : stops) {
      size_t size = stop.size < left ? stop.size : left;
      if (memcmp(held.data() + at, stop.data, size) != 0)
        continue;
      stopped = stopped || size == stop.size;
      waiting = true;
    }
    if (waiting)
      break;
  }
  certain.append(held.data(), at);
  size_t left = stopped ? 0 : held.size() - at;
  if (left)
    memmove(held.data(), held.data() + at, left);
  held.truncate(left);
  return stopped;
}

void StopStrings::finish(Array<char> &certain) {
  certain.append(held.data(), held.size());
  held.clear();
}

} // namespace halftone::rt
