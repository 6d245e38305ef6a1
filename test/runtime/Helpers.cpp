//===- Helpers.cpp - what several tests need ------------------------------===//

#include "Helpers.h"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/wait.h>
#include <unistd.h>

namespace halftone::test {

Folder::Folder() {
  std::string pattern =
      std::filesystem::temp_directory_path() / "halftone-XXXXXX";
  path = mkdtemp(pattern.data());
}

Folder::~Folder() { std::filesystem::remove_all(path); }

std::vector<std::string> Folder::list() const {
  std::vector<std::string> names;
  for (const auto &entry : std::filesystem::directory_iterator(path))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

void writeFile(const std::string &path, const std::string &contents) {
  std::ofstream(path, std::ios::binary) << contents;
}

std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Ended runProcess(const std::vector<std::string> &arguments,
                 const char *stdoutPath) {
  Folder folder;
  std::string outPath = stdoutPath ? stdoutPath : folder / "out";
  std::string errPath = folder / "err";
  std::vector<char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(const_cast<char *>(argument.c_str()));
  pointers.push_back(nullptr);
  pid_t child = fork();
  if (child == 0) {
    int flags = O_WRONLY | O_CREAT;
    dup2(open(outPath.c_str(), flags, 0600), STDOUT_FILENO);
    dup2(open(errPath.c_str(), flags, 0600), STDERR_FILENO);
    execvp(pointers[0], pointers.data());
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  Ended ended;
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  if (!stdoutPath)
    ended.out = readFile(outPath);
  ended.err = readFile(errPath);
  return ended;
}

std::string pythonWithNumpy() {
  const char *chosen = getenv("HALFTONE_TEST_PYTHON");
  std::string python = chosen ? chosen : "python3";
  return runProcess({python, "-c", "import numpy"}).code == 0 ? python : "";
}

Loaded::Loaded(const halftone_program &program, unsigned threads) {
  EXPECT_EQ(halftone_load(&program, &model), HALFTONE_OK)
      << halftone_last_error();
  halftone_session_options options = {};
  options.struct_size = sizeof options;
  options.threads = threads;
  EXPECT_EQ(halftone_session_create(model, &options, &session), HALFTONE_OK)
      << halftone_last_error();
}

Loaded::~Loaded() {
  halftone_session_destroy(session);
  halftone_model_destroy(model);
}

ToyRun::ToyRun(int64_t batch, int64_t sequence)
    : x(batch * sequence * 4), y(x.size()), total(batch), all(2 * batch),
      mask(batch * sequence) {
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = static_cast<float>(i % 7);
  for (size_t i = 0; i < mask.size(); ++i)
    mask[i] = i % 3 != 0;
  inputs = {
      {"x", HALFTONE_F32, 3, {batch, sequence, 4}, x.data(), x.size() * 4},
      {"mask",
       HALFTONE_I64,
       2,
       {batch, sequence},
       mask.data(),
       mask.size() * 8},
  };
  outputs = {
      {"y", HALFTONE_F32, 0, {}, y.data(), y.size() * 4},
      {"total", HALFTONE_F32, 0, {}, total.data(), total.size() * 4},
      {"all", HALFTONE_F32, 0, {}, all.data(), all.size() * 4},
  };
}

void ToyRun::check() const {
  size_t rowsPerBatch = mask.size() / total.size();
  for (size_t b = 0; b < total.size(); ++b) {
    float sum = 0;
    for (size_t i = b * rowsPerBatch * 4; i < (b + 1) * rowsPerBatch * 4; ++i) {
      float expected = x[i] * 2 * static_cast<float>(mask[i / 4]);
      ASSERT_EQ(y[i], expected) << "element " << i;
      sum += expected;
    }
    ASSERT_EQ(total[b], sum) << "row " << b;
    ASSERT_EQ(all[b], sum);
    ASSERT_EQ(all[b + total.size()], sum);
  }
}

rt::Tensor makeTensor(const char *name, uint32_t dtype,
                      const std::vector<int64_t> &dims) {
  rt::Tensor tensor;
  tensor.name.append(name);
  tensor.dtype = dtype;
  tensor.rank = static_cast<uint32_t>(dims.size());
  std::copy(dims.begin(), dims.end(), tensor.dims);
  rt::Diagnostic diagnostic;
  EXPECT_TRUE(tensor.allocate(name, diagnostic)) << diagnostic.text();
  auto *bytes = static_cast<unsigned char *>(tensor.buffer.data());
  for (size_t i = 0; i < tensor.buffer.size(); ++i)
    bytes[i] =
        static_cast<unsigned char>(dtype == HALFTONE_BOOL ? i & 1 : i % 120);
  rt::normalizeElements(dtype, bytes, tensor.numElements());
  return tensor;
}

} // namespace halftone::test
