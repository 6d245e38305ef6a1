//===- Progress.h - signs of life on stderr -------------------------------===//

#ifndef HALFTONE_RUNTIME_COMMAND_PROGRESS_H
#define HALFTONE_RUNTIME_COMMAND_PROGRESS_H

#include "runtime/command/Runner.h"

namespace halftone::rt {

/// Says when it is time for a line: every two seconds, so that short work is
/// silent.
class Progress {
public:
  bool isDue() {
    double time = now();
    if (time - last < 2)
      return false;
    last = time;
    return true;
  }

private:
  double last = now();
};

} // namespace halftone::rt

#endif
