//===- Helpers.h - what several tests need --------------------------------===//

#ifndef HALFTONE_TEST_RUNTIME_HELPERS_H
#define HALFTONE_TEST_RUNTIME_HELPERS_H

#include "runtime/files/Tensor.h"
#include "toys/Toys.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace halftone::test {

/// A folder that goes away with everything in it.
class Folder {
public:
  Folder();
  ~Folder();
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;

  std::string operator/(const std::string &name) const {
    return path + "/" + name;
  }
  /// Names of what is in it, sorted.
  std::vector<std::string> list() const;

  std::string path;
};

void writeFile(const std::string &path, const std::string &contents);
std::string readFile(const std::string &path);

/// What a finished process left behind.
struct Ended {
  int code; ///< exit code, or -signal
  std::string out;
  std::string err;
};

/// Runs a program without a shell; `folder` holds its output meanwhile. With
/// `stdoutPath` its standard output goes there instead.
Ended runProcess(const std::vector<std::string> &arguments,
                 const char *stdoutPath = nullptr);

/// A Python that has numpy, or "" with a reason printed.
std::string pythonWithNumpy();

/// A model and a session of it.
struct Loaded {
  explicit Loaded(const halftone_program &program, unsigned threads = 1);
  ~Loaded();
  Loaded(const Loaded &) = delete;
  Loaded &operator=(const Loaded &) = delete;

  halftone_model *model = nullptr;
  halftone_session *session = nullptr;
};

/// Inputs and outputs of toyModel, all right.
struct ToyRun {
  ToyRun(int64_t batch, int64_t sequence);

  /// Whether the outputs are what the inputs say.
  void check() const;

  std::vector<float> x, y, total, all;
  std::vector<int64_t> mask;
  std::vector<halftone_tensor> inputs, outputs;
};

/// A named tensor filled with bytes 0, 1, 2, ...
rt::Tensor makeTensor(const char *name, uint32_t dtype,
                      const std::vector<int64_t> &dims);

} // namespace halftone::test

#endif
