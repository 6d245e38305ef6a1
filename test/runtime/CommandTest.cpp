//===- CommandTest.cpp - the executable of a compiled model, end to end ---===//

#include "Helpers.h"
#include "runtime/files/Json.h"
#include "runtime/files/Npy.h"
#include "runtime/files/Npz.h"

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace halftone;
using namespace halftone::test;
using rt::Diagnostic;

static Ended toy(std::vector<std::string> arguments,
                 const char *stdoutPath = nullptr) {
  arguments.insert(arguments.begin(), TOY_MODEL_PATH);
  return runProcess(arguments, stdoutPath);
}

static Ended toyLm(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), TOY_LANGUAGE_MODEL_PATH);
  return runProcess(arguments);
}

static void writeNpy(const std::string &path, const halftone_tensor &tensor) {
  rt::Text header = rt::npyHeader(tensor);
  writeFile(path,
            std::string(header.c_str(), header.size()) +
                std::string(static_cast<char *>(tensor.data), tensor.bytes));
}

static rt::Tensor loadNpy(const std::string &path) {
  std::string contents = readFile(path);
  rt::Tensor tensor;
  Diagnostic diagnostic;
  EXPECT_TRUE(rt::readNpy(
      {reinterpret_cast<unsigned char *>(contents.data()), contents.size()},
      path.c_str(), tensor, diagnostic))
      << diagnostic.text();
  return tensor;
}

/// A good pair of inputs as files, and ways to spoil them.
class Command : public testing::Test {
protected:
  Command() : run(2, 3) {
    writeNpy(folder / "x.npy", run.inputs[0]);
    writeNpy(folder / "mask.npy", run.inputs[1]);
    rt::OutputFile file;
    Diagnostic diagnostic;
    EXPECT_TRUE(file.open((folder / "in.npz").c_str(), diagnostic));
    rt::writeNpz(file, run.inputs.data(), 2);
    EXPECT_TRUE(file.finish(diagnostic) && file.commit(diagnostic));
    before = folder.list();
  }

  std::string in() const { return folder / "in.npz"; }

  /// An error: exit code, one line on stderr with this text, nothing on stdout,
  /// no file that was not there before.
  void expectError(const Ended &ended, int code, const std::string &text) {
    EXPECT_EQ(ended.code, code) << ended.err;
    EXPECT_NE(ended.err.find(text), std::string::npos)
        << ended.err << "should say: " << text;
    EXPECT_EQ(ended.err.find("error: "), 0u) << ended.err;
    EXPECT_EQ(ended.err.find('\n'), ended.err.size() - 1) << ended.err;
    EXPECT_EQ(ended.out, "");
    EXPECT_EQ(folder.list(), before);
  }

  Folder folder;
  ToyRun run;
  std::vector<std::string> before;
};

TEST_F(Command, RunsArchives) {
  Ended ended = toy({"--inputs", in(), "--outputs", folder / "out.npz",
                     "--threads", "2", "--pin"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out + ended.err, "");
  std::string contents = readFile(folder / "out.npz");
  rt::Array<rt::Tensor> outputs;
  Diagnostic diagnostic;
  ASSERT_TRUE(rt::readNpz(
      {reinterpret_cast<unsigned char *>(contents.data()), contents.size()},
      "out.npz", outputs, diagnostic))
      << diagnostic.text();
  ASSERT_EQ(outputs.size(), 3u);
  EXPECT_STREQ(outputs[0].name.c_str(), "y");
  memcpy(run.y.data(), outputs[0].buffer.data(), outputs[0].buffer.size());
  memcpy(run.total.data(), outputs[1].buffer.data(), outputs[1].buffer.size());
  memcpy(run.all.data(), outputs[2].buffer.data(), outputs[2].buffer.size());
  run.check();
}

TEST_F(Command, RunsSingleArrays) {
  Ended ended = toy({"--input", "x=" + (folder / "x.npy"),
                     "--input=mask=" + (folder / "mask.npy"), "--output",
                     "total=" + (folder / "total.npy")});
  ASSERT_EQ(ended.code, 0) << ended.err;
  rt::Tensor total = loadNpy(folder / "total.npy");
  EXPECT_EQ(total.rank, 1u);
  EXPECT_EQ(total.dims[0], 2);
}

TEST_F(Command, RunsJson) {
  writeFile(folder / "in.json",
            "{\"x\": [[[1, 2, 3, 4], [5, 6, 7, 8]]], \"mask\": [[1, 0]]}");
  Ended ended =
      toy({"--inputs", folder / "in.json", "--outputs", folder / "out.json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(readFile(folder / "out.json"),
            "{\"y\": [[[2, 4, 6, 8], [0, 0, 0, 0]]],\n"
            " \"total\": [20],\n"
            " \"all\": [20, 20]}\n");
  ended = toy({"--inputs", folder / "in.json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out, "y: f32 [1, 2, 4]\n  2 4 6 8 0 0 0 0\n"
                       "total: f32 [1]\n  20\n"
                       "all: f32 [2]\n  20 20\n");
}

TEST_F(Command, ExplainsUsageMistakes) {
  expectError(toy({}), 2, "no inputs are given; this program needs: \"x\", ");
  expectError(
      toy({"--thread", "2"}), 2,
      "unknown option \"--thread\"; did you mean --threads? See --help");
  expectError(toy({"--frobnicate"}), 2,
              "unknown option \"--frobnicate\"; see --help");
  expectError(toy({"in.npz"}), 2, "unexpected argument \"in.npz\"");
  expectError(toy({"--inputs"}), 2, "--inputs needs a value");
  expectError(toy({"--pin=1"}), 2, "--pin takes no value");
  expectError(toy({"--threads", "0"}), 2,
              "--threads needs a whole number from 1 to 1024, not \"0\"");
  expectError(toy({"--threads", "-2"}), 2, "not \"-2\"");
  expectError(toy({"--bench", "2x"}), 2, "not \"2x\"");
  expectError(toy({"--bench", "2", "--describe"}), 2,
              "--bench and --describe cannot be combined");
  expectError(toy({"--warmup", "2"}), 2, "--warmup needs --bench");
  expectError(toy({"--json", "--inputs", in()}), 2,
              "--json needs --bench or --describe or --perplexity or --next");
  expectError(toy({"--describe", "--outputs", "o.npz"}), 2,
              "--outputs has no meaning with --describe");
  expectError(toy({"--inputs", in(), "--inputs", in()}), 2,
              "--inputs is given twice");
  expectError(toy({"--input", "x"}), 2, "--input needs NAME=FILE, not \"x\"");
  expectError(toy({"--inputs", folder / "x.npy"}), 2,
              "must end in .npz or .json");
  expectError(toy({"--input", "x=" + in()}), 2, "must end in .npy");
  expectError(toy({"--inputs", in(), "--outputs", folder / "o.txt"}), 2,
              "must end in .npz or .json");
  expectError(toy({"--inputs", in(), "--output", "z=" + (folder / "z.npy")}), 2,
              "this program has no output \"z\"; its outputs are: ");
  expectError(toy({"--inputs", in(), "--input", "x=" + (folder / "x.npy")}), 2,
              "input \"x\" is given twice");
  expectError(toy({"--input", "x=" + (folder / "x.npy")}), 2,
              "input \"mask\" is missing");
  expectError(toy({"--input", "z=" + (folder / "x.npy")}), 2,
              "this program has no input \"z\"");
  expectError(
      toy({"--bench", "1", "--shape", "depth=3"}), 2,
      "no dynamic dimension \"depth\"; it has: \"batch\", \"sequence\"");
  expectError(toy({"--bench", "1", "--shape", "batch"}), 2,
              "--shape needs NAME=NUMBER");
  expectError(toy({"--bench", "1", "--shape", "batch=1,"}), 2,
              "--shape needs NAME=NUMBER");
}

TEST_F(Command, ExplainsUnreadableInputs) {
  expectError(toy({"--inputs", folder / "no.npz"}), 2,
              "No such file or directory");
  expectError(toy({"--inputs", folder.path + "/.npz"}), 2, "cannot open");
  writeFile(folder / "bad.npz", readFile(in()).substr(0, 300));
  before = folder.list();
  expectError(toy({"--inputs", folder / "bad.npz"}), 2, "bad.npz\": ");
  expectError(toy({"--inputs", folder / "bad.npz"}), 2, "truncated");
}

TEST_F(Command, ExplainsRunsThatDoNotFit) {
  std::string out = folder / "out.npz";
  auto runWith = [&](const std::string &json) {
    writeFile(folder / "in.json", json);
    before = folder.list();
    return toy({"--inputs", folder / "in.json", "--outputs", out});
  };
  expectError(
      runWith("{\"x\": [[[1, 2, 3]]], \"mask\": [[1]]}"), 1,
      "input \"x\": dimension 2 is 3, but this program was compiled for "
      "4");
  expectError(runWith("{\"x\": [[1, 2, 3, 4]], \"mask\": [[1]]}"), 1,
              "input \"x\" has rank 2 (shape [1, 4])");
  std::string nine = "[[1,1,1,1]]", ones = "[1]";
  for (int i = 1; i < 9; ++i) {
    nine += ",[[1,1,1,1]]";
    ones += ",[1]";
  }
  expectError(runWith("{\"x\": [" + nine + "], \"mask\": [" + ones + "]}"), 1,
              "input \"x\": dimension 0 (\"batch\") is 9, but this program was "
              "compiled for at most 8; recompile with --max batch=9");
  expectError(runWith("{\"x\": [[[1, 2, 3, 4]]], \"mask\": [[5]]}"), 1,
              "Where /mask: a value is not 0 or 1");
  rt::Tensor wrong = makeTensor("mask", HALFTONE_I32, {2, 3});
  writeNpy(folder / "wrong.npy", wrong.view());
  before = folder.list();
  expectError(toy({"--input", "x=" + (folder / "x.npy"), "--input",
                   "mask=" + (folder / "wrong.npy"), "--outputs", out}),
              1, "input \"mask\" is i32, but this program expects i64");
}

TEST_F(Command, LeavesNothingBehindWhenOutputsCannotBeWritten) {
  expectError(toy({"--inputs", in(), "--outputs", "/dev/full"}), 1,
              "cannot write \"/dev/full\": No space left on device");
  expectError(toy({"--inputs", in(), "--outputs", folder / "no/out.npz"}), 1,
              "No such file or directory");
  expectError(toy({"--inputs", in(), "--output", "y=" + (folder / "y.npy"),
                   "--output", "total=/dev/full"}),
              1, "cannot write \"/dev/full\": No space left on device");
  std::filesystem::create_directory(folder / "d.npz");
  before = folder.list();
  expectError(toy({"--inputs", in(), "--outputs", folder / "d.npz"}), 1,
              "it is a folder");
  // The superuser may write to any folder: then there is nothing to see here.
  if (geteuid() != 0) {
    std::filesystem::create_directory(folder / "locked");
    chmod((folder / "locked").c_str(), 0500);
    before = folder.list();
    expectError(toy({"--inputs", in(), "--outputs", folder / "locked/o.npz"}),
                1, "Permission denied");
  }
  Ended ended = toy({"--inputs", in()}, "/dev/full");
  EXPECT_EQ(ended.code, 1);
  EXPECT_EQ(ended.err,
            "error: cannot write to the standard output: No space left on "
            "device\n");
}

TEST_F(Command, AnOldOutputSurvivesAFailedRun) {
  std::string out = folder / "out.npz";
  writeFile(out, "precious");
  writeFile(folder / "in.json", "{\"x\": [[[1, 2, 3, 4]]], \"mask\": [[5]]}");
  EXPECT_EQ(toy({"--inputs", folder / "in.json", "--outputs", out}).code, 1);
  EXPECT_EQ(readFile(out), "precious");
}

TEST_F(Command, Benches) {
  Ended ended = toy({"--bench", "20", "--json", "--warmup", "2", "--threads",
                     "2", "--shape", "batch=8,sequence=16"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_TRUE(rt::isJson(ended.out.c_str())) << ended.out;
  for (const char *part :
       {"\"schema_version\": 1", "\"level\": \"plain\"", "\"threads\": 2", "\"runs\": 20",
        "\"x\": [8, 16, 4]", "\"median_ms\": ", "\"p10_ms\": ", "\"p90_ms\": ",
        "\"min_ms\": ", "\"max_ms\": "})
    EXPECT_NE(ended.out.find(part), std::string::npos) << part;
  ended = toy({"--bench", "3"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("x [1, 128, 4]"), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find("3 runs: median "), std::string::npos) << ended.out;
  ended =
      toy({"--bench", "3", "--inputs", in(), "--outputs", folder / "out.npz"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("x [2, 3, 4]"), std::string::npos) << ended.out;
  EXPECT_GT(readFile(folder / "out.npz").size(), 100u);
  ended = toy({"--bench", "3", "--shape", "batch=99"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_NE(ended.err.find("recompile with --max batch=99"), std::string::npos);
}

TEST_F(Command, Describes) {
  Ended ended = toy({"--describe", "--json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_TRUE(rt::isJson(ended.out.c_str())) << ended.out;
  for (const char *part :
       {"\"schema_version\": 2", "\"shape\": [\"batch\", \"sequence\", 4]",
        "{\"name\": \"sequence\", \"min\": 1, \"max\": 512}",
        "\"weight_bytes\": 64, \"arena_bytes\": 16384, \"state_bytes\": 0",
        "\"build_info\": {\"compiler\": \"by hand\"}", "\"level\": \"plain\"",
        "{\"name\": \"future\", \"needed\": [\"bit 40\"], \"missing\": "
        "[\"bit 40\"], \"arena_bytes\": 0}",
        "{\"name\": \"plain\", \"needed\": [], \"missing\": [], "
        "\"arena_bytes\": 16384}"})
    EXPECT_NE(ended.out.find(part), std::string::npos) << part << ended.out;
  ended = toy({"--describe"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("[batch, sequence, 4]"), std::string::npos);
  EXPECT_NE(ended.out.find("1 to 512"), std::string::npos);
  EXPECT_NE(ended.out.find("  future                   needs bit 40; missing: "
                           "bit 40\n  plain                    needs nothing "
                           "beyond x86-64; this is what runs\n"),
            std::string::npos)
      << ended.out;
}

TEST_F(Command, RunsTheLevelThatIsAskedFor) {
  EXPECT_EQ(toy({"--inputs", in(), "--cpu", "plain"}).code, 0);
  expectError(
      toy({"--inputs", in(), "--cpu", "future"}), 1,
      "\"toy\" cannot run as future on this computer: that needs bit 40");
  expectError(
      toy({"--inputs", in(), "--cpu", "past"}), 2,
      "\"toy\" has no code for \"past\"; it was compiled for future, plain");
  Ended described = toy({"--describe", "--cpu", "future"});
  EXPECT_EQ(described.code, 0) << described.err;
  EXPECT_NE(described.out.find("the program cannot run here: \"toy\" cannot run "
                               "as future on this computer"),
            std::string::npos)
      << described.out;
  expectError(toy({"--describe", "--cpu", "past"}), 2, "has no code for");
  setenv("HALFTONE_CPU", "future", 1);
  expectError(toy({"--inputs", in()}), 1,
              "HALFTONE_CPU: \"toy\" cannot run as future");
  EXPECT_EQ(toy({"--inputs", in(), "--cpu", "plain"}).code, 0);
  unsetenv("HALFTONE_CPU");
}

TEST_F(Command, Teaches) {
  Ended help = toy({"--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.out.find("--input x=x.npy --output y=y.npy"),
            std::string::npos);
  EXPECT_EQ(help.out.find("--perplexity"), std::string::npos);
  EXPECT_NE(toyLm({"--help"}).out.find("--perplexity"), std::string::npos);
  Ended version = toy({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_NE(version.out.find("Halftone runtime "), std::string::npos);
}

TEST_F(Command, UsesOnlyTheCLibrary) {
  for (const char *path : {TOY_MODEL_PATH, TOY_LIBRARY_PATH}) {
    Ended ended = runProcess({"ldd", path});
    ASSERT_EQ(ended.code, 0) << ended.err;
#ifndef HALFTONE_TEST_SANITIZED
    EXPECT_EQ(ended.out.find("libstdc++"), std::string::npos) << ended.out;
    EXPECT_EQ(ended.out.find("libgcc"), std::string::npos) << ended.out;
    EXPECT_LT(std::filesystem::file_size(path), 400000u);
#endif
  }
}

/// Only the API of halftone.h, and the program, leave a shared library.
TEST_F(Command, TheLibraryExportsTheApiAndNothingElse) {
#ifdef HALFTONE_TEST_SANITIZED
  GTEST_SKIP() << "sanitizers export symbols of their own";
#endif
  Ended ended = runProcess({"nm", "--dynamic", "--defined-only",
                            "--format=posix", TOY_LIBRARY_PATH});
  ASSERT_EQ(ended.code, 0) << ended.err;
  size_t names = 0;
  std::string line;
  for (size_t at = 0; at < ended.out.size(); at += line.size() + 1) {
    line = ended.out.substr(at, ended.out.find('\n', at) - at);
    EXPECT_EQ(line.find("halftone_"), 0u) << line;
    EXPECT_EQ(line.find("halftone_barrier"), std::string::npos);
    ++names;
  }
  EXPECT_EQ(names, 29u) << ended.out;
}

//===-- Language models
//----------------------------------------------------===//

static void writeTokens(const std::string &path, std::vector<int64_t> tokens,
                        std::vector<int64_t> dims = {}) {
  rt::Tensor tensor = makeTensor(
      "t", HALFTONE_I64,
      dims.empty() ? std::vector<int64_t>{int64_t(tokens.size())} : dims);
  memcpy(tensor.buffer.data(), tokens.data(), tokens.size() * 8);
  writeNpy(path, tensor.view());
}

TEST_F(Command, Perplexity) {
  std::string tokens = folder / "tokens.npy";
  // Windows of 8 and 3 tokens: 7 + 2 predictions, 2 of them wrong.
  writeTokens(tokens, {1, 2, 3, 4, 9, 10, 11, 12, 0, 1, 7});
  double right = std::log(std::exp(2.0) + 15) - 2, wrong = right + 2;
  double expected = std::exp((7 * right + 2 * wrong) / 9);
  Ended ended = toyLm({"--perplexity", tokens});
  ASSERT_EQ(ended.code, 0) << ended.err;
  char line[120];
  snprintf(line, sizeof line,
           "perplexity %.4f over 9 predicted tokens (2 windows of at most 8)\n",
           expected);
  EXPECT_EQ(ended.out, line);
  ended = toyLm({"--perplexity", tokens, "--json", "--threads", "2"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_TRUE(rt::isJson(ended.out.c_str())) << ended.out;
  size_t at = ended.out.find("\"perplexity\": ");
  ASSERT_NE(at, std::string::npos);
  EXPECT_NEAR(std::stod(ended.out.substr(at + 14)), expected, 1e-6);
  // Rows are apart; a window of one token predicts nothing.
  writeTokens(tokens, {1, 2, 3, 4, 5, 6}, {2, 3});
  ended = toyLm({"--perplexity", tokens, "--window", "2"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_NE(ended.out.find("over 2 predicted tokens (2 windows"),
            std::string::npos)
      << ended.out;
  EXPECT_NE(ended.err.find("note: 2 tokens"), std::string::npos) << ended.err;
}

TEST_F(Command, Next) {
  std::string tokens = folder / "tokens.npy";
  writeTokens(tokens, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
  Ended ended = toyLm({"--next", tokens, "--top", "2"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_EQ(ended.out, "      11  0.330030\n       0  0.044665\n");
  EXPECT_NE(ended.err.find("only the last 8 of 10 tokens"), std::string::npos);
  writeTokens(tokens, {1, 2, 3, 4}, {2, 2});
  ended = toyLm({"--next", tokens, "--top", "1", "--json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_TRUE(rt::isJson(ended.out.c_str())) << ended.out;
  EXPECT_NE(ended.out.find("{\"token\": 3, "), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find("{\"token\": 5, "), std::string::npos) << ended.out;
}

TEST_F(Command, LanguageModelMistakes) {
  std::string tokens = folder / "tokens.npy";
  writeTokens(tokens, {1, 2, 16});
  before = folder.list();
  expectError(toyLm({"--perplexity", tokens}), 1,
              "token 2 of row 0 is 16, but the vocabulary has 16 tokens");
  expectError(toyLm({"--next", folder / "x.npy"}), 2,
              "token ids are integers (int64)");
  expectError(toyLm({"--perplexity", folder / "none.npy"}), 2, "No such file");
  expectError(toyLm({"--perplexity", tokens, "--window", "9"}), 2,
              "--window 9 is more than the 8 tokens");
  expectError(toyLm({"--perplexity", tokens, "--top", "3"}), 2,
              "--top has no meaning with --perplexity");
  expectError(toy({"--perplexity", tokens}), 2,
              "this one has no input \"input_ids\"");
  writeTokens(tokens, {1});
  expectError(toyLm({"--perplexity", tokens}), 1,
              "too few tokens to predict one");
}

//===-- Signals
//------------------------------------------------------------===//

TEST_F(Command, AnInterruptedRunLeavesNoFile) {
  // Long enough to be interrupted, which needs inputs from a file.
  Ended ended = runProcess({"timeout", "--signal=INT", "1", TOY_MODEL_PATH,
                            "--inputs", in(), "--bench", "1000000000",
                            "--outputs", folder / "out.npz"});
  EXPECT_EQ(ended.code, 124) << ended.err;
  EXPECT_EQ(folder.list(), before);
}

TEST_F(Command, ABusErrorIsExplained) {
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
  GTEST_SKIP() << "ThreadSanitizer does not stand signals on its own threads";
#endif
#endif
  Ended ended = runProcess({"timeout", "--signal=BUS", "1", TOY_MODEL_PATH,
                            "--inputs", in(), "--bench", "1000000000",
                            "--outputs", folder / "out.npz"});
  EXPECT_EQ(ended.err, "fatal: a file that was being read (an input, or this "
                       "program itself) became shorter or unreadable\n");
  EXPECT_EQ(folder.list(), before);
}
