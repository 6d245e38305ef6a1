//===- FilesTest.cpp - .npy, .npz and JSON there and back -----------------===//

#include "Helpers.h"
#include "runtime/files/InputFile.h"
#include "runtime/files/Json.h"
#include "runtime/files/Npy.h"
#include "runtime/files/Npz.h"
#include "runtime/files/OutputFile.h"
#include "runtime/files/ZipFormat.h"

#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace halftone;
using namespace halftone::test;
using rt::Diagnostic;

static rt::Bytes bytesOf(const std::string &text) {
  return {reinterpret_cast<const unsigned char *>(text.data()), text.size()};
}

static std::string npyOf(const halftone_tensor &tensor) {
  rt::Text header = rt::npyHeader(tensor);
  return std::string(header.c_str(), header.size()) +
         std::string(static_cast<char *>(tensor.data), tensor.bytes);
}

static void expectEqual(const rt::Tensor &a, const rt::Tensor &b) {
  EXPECT_EQ(a.dtype, b.dtype);
  ASSERT_EQ(a.rank, b.rank);
  EXPECT_EQ(memcmp(a.dims, b.dims, a.rank * sizeof(int64_t)), 0);
  ASSERT_EQ(a.buffer.size(), b.buffer.size());
  EXPECT_EQ(memcmp(a.buffer.data(), b.buffer.data(), a.buffer.size()), 0);
}

static const std::vector<int64_t> shapes[] = {
    {}, {0}, {1}, {7}, {2, 3}, {3, 0, 2}, {1, 1, 1, 1, 1, 1, 1, 3}};

TEST(Npy, RoundTrip) {
  for (uint32_t dtype = HALFTONE_F32; dtype <= HALFTONE_F4E2M1FN; ++dtype)
    for (const auto &shape : shapes) {
      rt::Tensor tensor = makeTensor("t", dtype, shape);
      std::string file = npyOf(tensor.view());
      EXPECT_EQ(rt::npyHeader(tensor.view()).size() % 64, 0u);
      rt::Tensor back;
      Diagnostic diagnostic;
      ASSERT_TRUE(rt::readNpy(bytesOf(file), "f", back, diagnostic))
          << diagnostic.text();
      back.declareType(dtype);
      expectEqual(back, tensor);
    }
}

TEST(Npy, BitsAreWhatTheProgramDeclares) {
  rt::Tensor bytes = makeTensor("t", HALFTONE_U8, {4});
  memcpy(bytes.buffer.data(), "\x0f\xf7\x88\x01", 4);
  auto declared = [&](uint32_t dtype) {
    rt::Tensor back;
    Diagnostic diagnostic;
    std::string file = npyOf(bytes.view());
    EXPECT_TRUE(rt::readNpy(bytesOf(file), "f", back, diagnostic));
    back.declareType(dtype);
    return back;
  };
  rt::Tensor nibbles = declared(HALFTONE_I4);
  EXPECT_EQ(nibbles.dtype, HALFTONE_I4);
  EXPECT_EQ(memcmp(nibbles.buffer.data(), "\xff\x07\xf8\x01", 4), 0);
  rt::Tensor halves = declared(HALFTONE_F4E2M1FN);
  EXPECT_EQ(memcmp(halves.buffer.data(), "\x0f\x07\x08\x01", 4), 0);
  // Another width, or an array that says what it is: no.
  EXPECT_EQ(declared(HALFTONE_BF16).dtype, HALFTONE_U8);
  bytes.dtype = HALFTONE_I8;
  EXPECT_EQ(declared(HALFTONE_I4).dtype, HALFTONE_I8);
}

static void writeArchive(const std::string &path,
                         const std::vector<rt::Tensor> &tensors,
                         uint64_t limit) {
  std::vector<halftone_tensor> views;
  for (const rt::Tensor &tensor : tensors)
    views.push_back(tensor.view());
  rt::OutputFile file;
  Diagnostic diagnostic;
  ASSERT_TRUE(file.open(path.c_str(), diagnostic)) << diagnostic.text();
  rt::writeNpz(file, views.data(), views.size(), limit);
  ASSERT_TRUE(file.finish(diagnostic) && file.commit(diagnostic))
      << diagnostic.text();
}

static std::vector<rt::Tensor> sampleTensors() {
  std::vector<rt::Tensor> tensors;
  tensors.push_back(makeTensor("ids", HALFTONE_I64, {2, 5}));
  tensors.push_back(makeTensor("größe", HALFTONE_F32, {100, 300}));
  tensors.push_back(makeTensor("empty", HALFTONE_BOOL, {0, 4}));
  return tensors;
}

TEST(Npz, RoundTripWithAndWithoutZip64) {
  Folder folder;
  for (uint64_t limit : {rt::zip64Limit, uint64_t(1000), uint64_t(0)}) {
    std::string path = folder / "a.npz";
    std::vector<rt::Tensor> tensors = sampleTensors();
    writeArchive(path, tensors, limit);
    rt::InputFile file;
    rt::Array<rt::Tensor> back;
    Diagnostic diagnostic;
    ASSERT_TRUE(file.open(path.c_str(), diagnostic) &&
                rt::readNpz(file.bytes(), "a.npz", back, diagnostic))
        << diagnostic.text() << " with limit " << limit;
    ASSERT_EQ(back.size(), tensors.size());
    for (size_t i = 0; i < tensors.size(); ++i) {
      EXPECT_STREQ(back[i].name.c_str(), tensors[i].name.c_str());
      expectEqual(back[i], tensors[i]);
    }
  }
}

TEST(Npz, ChecksumIsTheStandardOne) {
  EXPECT_EQ(rt::zip::crc32(0, "123456789", 9), 0xcbf43926u);
  uint32_t parts = rt::zip::crc32(rt::zip::crc32(0, "1234", 4), "56789", 5);
  EXPECT_EQ(parts, 0xcbf43926u);
}

/// numpy reads what we write and we read what it writes: all dtypes, versions,
/// empty and scalar arrays, plain and zip64 records.
TEST(Npz, ExchangesFilesWithNumpy) {
  std::string python = pythonWithNumpy();
  if (python.empty())
    GTEST_SKIP() << "no Python with numpy; set HALFTONE_TEST_PYTHON to one";
  Folder folder;
  std::vector<rt::Tensor> tensors;
  for (uint32_t dtype = HALFTONE_F32; dtype <= HALFTONE_F4E2M1FN; ++dtype) {
    std::string name = std::string("a_") + rt::typeName(dtype);
    tensors.push_back(makeTensor(name.c_str(), dtype, {3, 5}));
    tensors.push_back(makeTensor((name + "_scalar").c_str(), dtype, {}));
    tensors.push_back(makeTensor((name + "_none").c_str(), dtype, {2, 0}));
  }
  writeArchive(folder / "ours.npz", tensors, rt::zip64Limit);
  writeArchive(folder / "ours64.npz", tensors, 0);
  writeFile(folder / "copy.py",
            "import sys, numpy as np\n"
            "a = dict(np.load(sys.argv[1]))\n"
            "b = dict(np.load(sys.argv[2]))\n"
            "assert a.keys() == b.keys()\n"
            "for k in a: assert a[k].tobytes() == b[k].tobytes(), k\n"
            "a['two'] = np.arange(6, dtype='<i4').reshape(2, 3)\n"
            "np.savez(sys.argv[3], **a)\n"
            "with open(sys.argv[4], 'wb') as f:\n"
            "    np.lib.format.write_array(f, a['two'], version=(2, 0))\n");
  Ended ended = runProcess({python, folder / "copy.py", folder / "ours.npz",
                            folder / "ours64.npz", folder / "theirs.npz",
                            folder / "two.npy"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  rt::InputFile file;
  rt::Array<rt::Tensor> back;
  Diagnostic diagnostic;
  ASSERT_TRUE(file.open((folder / "theirs.npz").c_str(), diagnostic) &&
              rt::readNpz(file.bytes(), "theirs.npz", back, diagnostic))
      << diagnostic.text();
  ASSERT_EQ(back.size(), tensors.size() + 1);
  for (size_t i = 0; i < tensors.size(); ++i) {
    back[i].declareType(tensors[i].dtype);
    expectEqual(back[i], tensors[i]);
  }
  rt::Tensor two;
  ASSERT_TRUE(rt::readNpy(bytesOf(readFile(folder / "two.npy")), "two.npy", two,
                          diagnostic))
      << diagnostic.text();
  expectEqual(two, back[tensors.size()]);
}

TEST(Npz, CompressedArchivesOfNumpyAreRefusedWithAdvice) {
  std::string python = pythonWithNumpy();
  if (python.empty())
    GTEST_SKIP() << "no Python with numpy; set HALFTONE_TEST_PYTHON to one";
  Folder folder;
  std::string path = folder / "z.npz";
  Ended ended =
      runProcess({python, "-c",
                  "import sys, numpy; numpy.savez_compressed(sys.argv[1], "
                  "x=numpy.zeros(9))",
                  path});
  ASSERT_EQ(ended.code, 0) << ended.err;
  rt::Array<rt::Tensor> back;
  Diagnostic diagnostic;
  EXPECT_FALSE(rt::readNpz(bytesOf(readFile(path)), "z.npz", back, diagnostic));
  EXPECT_STREQ(
      diagnostic.text(),
      "\"z.npz\": member \"x.npy\" is compressed; use numpy.savez, not "
      "numpy.savez_compressed");
}

//===-- JSON
//---------------------------------------------------------------===//

static bool parseJson(const std::string &text, rt::Array<rt::Tensor> &tensors,
                      Diagnostic &diagnostic) {
  return rt::readJson(bytesOf(text), "in.json", toyModel.inputs,
                      toyModel.num_inputs, tensors, diagnostic);
}

static std::string jsonError(const std::string &text) {
  rt::Array<rt::Tensor> tensors;
  Diagnostic diagnostic;
  EXPECT_FALSE(parseJson(text, tensors, diagnostic)) << text;
  return diagnostic.text();
}

TEST(Json, ReadsWithTheTypesOfTheSignature) {
  rt::Array<rt::Tensor> tensors;
  Diagnostic diagnostic;
  ASSERT_TRUE(parseJson(" {\"mask\": [[1, 0], [-3, 9223372036854775807]],\n"
                        "\"\\u0078\": [[[0.1, -1e-3, NaN, -Infinity]]]} ",
                        tensors, diagnostic))
      << diagnostic.text();
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_EQ(tensors[0].dtype, uint32_t(HALFTONE_I64));
  EXPECT_EQ(tensors[0].rank, 2u);
  auto *mask = static_cast<int64_t *>(tensors[0].buffer.data());
  EXPECT_EQ(mask[3], INT64_MAX);
  EXPECT_EQ(tensors[1].rank, 3u);
  auto *x = static_cast<float *>(tensors[1].buffer.data());
  EXPECT_EQ(x[0], 0.1f);
  EXPECT_EQ(x[1], -1e-3f);
  EXPECT_TRUE(std::isnan(x[2]));
  EXPECT_EQ(x[3], -INFINITY);
}

TEST(Json, EmptyListsAndScalarsHaveShapes) {
  rt::Array<rt::Tensor> tensors;
  Diagnostic diagnostic;
  ASSERT_TRUE(parseJson("{\"mask\": [[], []], \"x\": 3}", tensors, diagnostic));
  EXPECT_EQ(tensors[0].rank, 2u);
  EXPECT_EQ(tensors[0].dims[0], 2);
  EXPECT_EQ(tensors[0].dims[1], 0);
  EXPECT_EQ(tensors[1].rank, 0u);
}

TEST(Json, MistakesAreExplained) {
  EXPECT_EQ(jsonError("{\"mask\": [[1, 2],\n [3]]}"),
            "\"in.json\": line 2, column 5: a row of \"mask\" has 1 elements, "
            "but the first has 2");
  EXPECT_EQ(
      jsonError("{\"mask\": [1.5]}"),
      "\"in.json\": line 1, column 11: \"1.5\" is not an integer value of "
      "i64");
  EXPECT_EQ(jsonError("{\"mask\": [9223372036854775808]}"),
            "\"in.json\": line 1, column 11: \"9223372036854775808\" is not an "
            "integer value of i64");
  EXPECT_EQ(
      jsonError("{\"masc\": [1]}"),
      "\"in.json\": line 1, column 8: this program has no input \"masc\"; "
      "its inputs are: \"x\", \"mask\"");
  EXPECT_EQ(jsonError("{\"x\": [1], \"x\": [1]}"),
            "\"in.json\": line 1, column 15: \"x\" is there twice");
  EXPECT_EQ(jsonError("[1]"),
            "\"in.json\": line 1, column 1: an object {\"name\": [...]} is "
            "expected");
  EXPECT_EQ(jsonError("{\"x\": [1]} x"),
            "\"in.json\": line 1, column 12: the text goes on after its end");
}

TEST(Json, MalformedTextIsRefused) {
  for (const char *text : {"",
                           "{",
                           "{}x",
                           "{\"x\"",
                           "{\"x\":",
                           "{\"x\": [",
                           "{\"x\": [1",
                           "{\"x\": [1,]}",
                           "{\"x\": [01]}",
                           "{\"x\": [1.]}",
                           "{\"x\": [.5]}",
                           "{\"x\": [+1]}",
                           "{\"x\": [1e]}",
                           "{\"x\": [--1]}",
                           "{\"x\": [true]}",
                           "{\"x\": [\"1\"]}",
                           "{\"x\": null}",
                           "{\"x\": {}}",
                           "{\"x\": [[1], 2]}",
                           "{\"x\": [1, [2]]}",
                           "{\"x\": [[[[[[[[[1]]]]]]]]]}",
                           "{\"x\\q\": 1}",
                           "{\"\\ud800\": 1}",
                           "{\"x\n\": 1}",
                           "{\"x\": [1] \"mask\": [1]}",
                           "{\"x\": [[], [1]]}",
                           "{\"x\": [[1], []]}",
                           "{\"x\": 0x10}",
                           "{\"\\u0000\": 1}"})
    EXPECT_NE(jsonError(text), "");
  EXPECT_NE(jsonError("{\"x\": " + std::string(100000, '[')), "");
}

TEST(Json, WritesWhatItReads) {
  Folder folder;
  std::string path = folder / "o.json";
  rt::Tensor x = makeTensor("x", HALFTONE_F32, {1, 2, 3});
  auto *values = static_cast<float *>(x.buffer.data());
  float written[] = {0.1f, -1e30f, 3, INFINITY, -0.0f, 1.17549435e-38f};
  memcpy(values, written, sizeof written);
  halftone_tensor view = x.view();
  rt::OutputFile file;
  Diagnostic diagnostic;
  ASSERT_TRUE(file.open(path.c_str(), diagnostic));
  rt::writeJson(file, &view, 1);
  ASSERT_TRUE(file.finish(diagnostic) && file.commit(diagnostic));
  rt::Array<rt::Tensor> back;
  ASSERT_TRUE(parseJson(readFile(path), back, diagnostic)) << diagnostic.text();
  expectEqual(back[0], x);
}

TEST(Json, KnowsJson) {
  EXPECT_TRUE(
      rt::isJson("{\"a\": [1, true, null, {\"b\": \"c\"}], \"d\": {}}"));
  EXPECT_TRUE(rt::isJson("3"));
  for (const char *text : {"", "{", "{a: 1}", "[1] 2", "nul"})
    EXPECT_FALSE(rt::isJson(text)) << text;
  EXPECT_FALSE(rt::isJson(std::string(100000, '[').c_str()));
}

//===-- Output files
//-------------------------------------------------------===//

TEST(OutputFile, AppearsWholeOrNotAtAll) {
  Folder folder;
  std::string path = folder / "out";
  {
    rt::OutputFile file;
    Diagnostic diagnostic;
    ASSERT_TRUE(file.open(path.c_str(), diagnostic));
    file.write("half");
    EXPECT_NE(access(path.c_str(), F_OK), 0);
    ASSERT_TRUE(file.finish(diagnostic));
  }
  EXPECT_TRUE(folder.list().empty());
  std::string large(300000, 'x');
  {
    rt::OutputFile file;
    Diagnostic diagnostic;
    ASSERT_TRUE(file.open(path.c_str(), diagnostic));
    file.write("begin ");
    file.write(large.data(), large.size());
    file.format(" %d", 42);
    EXPECT_EQ(file.position(), large.size() + 9);
    ASSERT_TRUE(file.finish(diagnostic) && file.commit(diagnostic));
  }
  EXPECT_EQ(readFile(path), "begin " + large + " 42");
  EXPECT_EQ(folder.list(), std::vector<std::string>{"out"});
}

TEST(OutputFile, FollowsLinksAndKeepsPermissions) {
  Folder folder;
  std::string target = folder / "target", link = folder / "link";
  writeFile(target, "old");
  chmod(target.c_str(), 0640);
  ASSERT_EQ(symlink(target.c_str(), link.c_str()), 0);
  rt::OutputFile file;
  Diagnostic diagnostic;
  ASSERT_TRUE(file.open(link.c_str(), diagnostic));
  file.write("new");
  ASSERT_TRUE(file.finish(diagnostic) && file.commit(diagnostic));
  struct stat info;
  ASSERT_EQ(lstat(link.c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
  ASSERT_EQ(stat(target.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
  EXPECT_EQ(readFile(target), "new");
}

TEST(OutputFile, ReportsWhatCannotBeWritten) {
  Folder folder;
  Diagnostic missing, isFolder, full;
  rt::OutputFile a, b, c;
  EXPECT_FALSE(a.open((folder / "no/out").c_str(), missing));
  EXPECT_NE(strstr(missing.text(), "No such file or directory"), nullptr);
  EXPECT_FALSE(b.open(folder.path.c_str(), isFolder));
  EXPECT_NE(strstr(isFolder.text(), "it is a folder"), nullptr);
  ASSERT_TRUE(c.open("/dev/full", full)) << full.text();
  c.write("x");
  EXPECT_FALSE(c.finish(full));
  EXPECT_STREQ(full.text(),
               "cannot write \"/dev/full\": No space left on device");
}

TEST(InputFile, RefusesWhatIsNotARegularFile) {
  Folder folder;
  writeFile(folder / "empty", "");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  auto errorOf = [](const std::string &path) {
    rt::InputFile file;
    Diagnostic diagnostic;
    EXPECT_FALSE(file.open(path.c_str(), diagnostic));
    return std::string(diagnostic.text());
  };
  EXPECT_NE(errorOf(folder / "empty").find("is empty"), std::string::npos);
  EXPECT_NE(errorOf(folder / "pipe").find("not a regular file"),
            std::string::npos);
  EXPECT_NE(errorOf(folder.path).find("it is a folder"), std::string::npos);
  EXPECT_NE(errorOf(folder / "no").find("No such file"), std::string::npos);
  EXPECT_NE(errorOf("/dev/zero").find("not a regular file"), std::string::npos);
}
