//===- WeightTest.cpp - files, initializers, streaming ----------------------===//

#include "test/evaluate/Fixture.h"

#include "dialects/HT/HTOps.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <fstream>

namespace halftone::evaluate {
namespace {

constexpr const char *kModule = R"(
  ht.weight @plain : tensor<2x2xf32> {
    %0 = ht.load "w.bin" offset 1 : tensor<2x2xf32>
    ht.yield %0 : tensor<2x2xf32>
  }
  ht.weight @made : tensor<2x2xbf16> {
    %0 = ht.load "w.bin" offset 1 : tensor<2x2xf32>
    %1 = ht.transpose %0 [1, 0] : tensor<2x2xf32> -> tensor<2x2xf32>
    %two = ht.constant dense<2.0> : tensor<f32>
    %2 = ht.mul %1, %two : tensor<2x2xf32>, tensor<f32> -> tensor<2x2xf32>
    %3 = ht.cast %2 : tensor<2x2xf32> to tensor<2x2xbf16>
    ht.yield %3 : tensor<2x2xbf16>
  }
  func.func @f() -> (tensor<2x2xf32>, tensor<2x2xbf16>) {
    %0 = ht.get_weight @plain : tensor<2x2xf32>
    %1 = ht.get_weight @made : tensor<2x2xbf16>
    return %0, %1 : tensor<2x2xf32>, tensor<2x2xbf16>
  })";

/// A folder with w.bin: one odd byte, then the floats 1, 2, 3, 4.
class WeightTest : public EvaluateTest {
protected:
  void SetUp() override {
    llvm::sys::fs::createUniqueDirectory("halftone-weights", folder);
    float values[] = {1, 2, 3, 4};
    std::ofstream out(path("w.bin"), std::ios::binary);
    out.put('x');
    out.write(reinterpret_cast<const char *>(values), sizeof(values));
  }
  void TearDown() override { llvm::sys::fs::remove_directories(folder); }

  std::string path(llvm::StringRef name) {
    llvm::SmallString<128> full(folder);
    llvm::sys::path::append(full, name);
    return full.str().str();
  }

  void parse(llvm::StringRef text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    ASSERT_TRUE(bool(module));
  }
  ht::WeightOp getWeight(llvm::StringRef name) { return module->lookupSymbol<ht::WeightOp>(name); }

  std::string loadError(llvm::StringRef load) {
    parse(("ht.weight @w : tensor<2x2xf32> {\n %0 = " + load +
           " : tensor<2x2xf32>\n ht.yield %0 : tensor<2x2xf32>\n}")
              .str());
    WeightSource source(folder);
    auto tensor = source.get(getWeight("w"));
    return tensor ? "no error" : llvm::toString(tensor.takeError());
  }

  llvm::SmallString<128> folder;
};

TEST_F(WeightTest, PackedElements) {
  std::ofstream(path("packed.bin"), std::ios::binary).write("x\x8f\x21\x07", 4);
  const char *text = R"(
    ht.weight @w : tensor<5xf32> {
      %0 = ht.load "packed.bin" offset 1 : tensor<5xi4>
      %1 = ht.cast %0 : tensor<5xi4> to tensor<5xf32>
      ht.yield %1 : tensor<5xf32>
    })";
  parse(text);
  WeightSource source(folder);
  auto tensor = source.get(getWeight("w"));
  ASSERT_TRUE(bool(tensor));
  expectEqual(*tensor, {-1, -8, 1, 2, 7});
  source.releasePages(getWeight("w"));
  parse(llvm::StringRef(text).str().replace(llvm::StringRef(text).find("offset 1"), 8, "offset 2"));
  auto missing = source.get(getWeight("w"));
  EXPECT_EQ(llvm::toString(missing.takeError()),
            "weight @w: needs 3 bytes at offset 2 of \"packed.bin\", which has 4 bytes");
}

TEST_F(WeightTest, InitializersRun) {
  parse(kModule);
  WeightSource source(folder);
  auto results = interpret(module->lookupSymbol<mlir::func::FuncOp>("f"), {}, source);
  ASSERT_TRUE(bool(results)) << llvm::toString(results.takeError());
  expectEqual((*results)[0], {1, 2, 3, 4});
  expectEqual((*results)[1], {2, 6, 4, 8});
  EXPECT_EQ((*results)[1].getKind(), ElementKind::BF16);
}

TEST_F(WeightTest, LoadedWeightsAreViewsOfTheFile) {
  parse(kModule);
  WeightSource source(folder);
  auto first = source.get(getWeight("plain")), second = source.get(getWeight("plain"));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->data(), second->data());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first->data()) % 4, 1u);
  source.releasePages(getWeight("plain"));
  expectEqual(*first, {1, 2, 3, 4});
}

TEST_F(WeightTest, ViewsOutliveTheSource) {
  parse(kModule);
  Tensor kept;
  {
    WeightSource source(folder);
    kept = *source.get(getWeight("plain"));
  }
  expectEqual(kept, {1, 2, 3, 4});
}

TEST_F(WeightTest, CacheKeepsWhatWasMade) {
  parse(kModule);
  WeightSource cached(folder, WeightSource::Cache::Weights), plain(folder);
  EXPECT_EQ(cached.get(getWeight("made"))->data(), cached.get(getWeight("made"))->data());
  Tensor first = *plain.get(getWeight("made")), second = *plain.get(getWeight("made"));
  EXPECT_NE(first.data(), second.data());
}

TEST_F(WeightTest, FilesInMemory) {
  parse(kModule);
  float values[] = {5, 6, 7, 8};
  std::string bytes("x");
  bytes.append(reinterpret_cast<const char *>(values), sizeof(values));
  WeightSource source;
  source.addFile("w.bin", llvm::ArrayRef<char>(bytes.data(), bytes.size()));
  expectEqual(*source.get(getWeight("plain")), {5, 6, 7, 8});
  source.releasePages(getWeight("plain"));
  expectEqual(*source.get(getWeight("plain")), {5, 6, 7, 8});
}

TEST_F(WeightTest, ErrorsNameWeightAndFile) {
  EXPECT_EQ(loadError("ht.load \"w.bin\" offset 2"),
            "weight @w: needs 16 bytes at offset 2 of \"w.bin\", which has 17 bytes");
  EXPECT_EQ(loadError("ht.load \"w.bin\" offset 9223372036854775807"),
            "weight @w: needs 16 bytes at offset 9223372036854775807 of \"w.bin\", which has 17 bytes");
  EXPECT_EQ(loadError("ht.load \"none.bin\" offset 0"),
            "weight @w: cannot read \"" + path("none.bin") + "\": No such file or directory");
  EXPECT_EQ(loadError("ht.load \".\" offset 0"),
            "weight @w: cannot read \"" + path(".") + "\": not a regular file");
  std::ofstream(path("empty.bin"));
  EXPECT_EQ(loadError("ht.load \"empty.bin\" offset 0"),
            "weight @w: needs 16 bytes at offset 0 of \"empty.bin\", which has 0 bytes");
}

//===----------------------------------------------------------------------===//
// Streaming
//===----------------------------------------------------------------------===//

std::string getManyWeights(int count, int broken = -1) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    std::string type = "tensor<" + std::to_string(1 + i % 7) + "xi32>";
    text += "ht.weight @w" + std::to_string(i) + " : " + type + " {\n";
    if (i == broken)
      text += "  %0 = ht.load \"none.bin\" offset 0 : " + type + "\n";
    else
      text += "  %0 = ht.iota {start = " + std::to_string(i) + " : i64} : " + type + "\n";
    text += "  ht.yield %0 : " + type + "\n}\n";
  }
  return text;
}

TEST_F(WeightTest, StreamKeepsTheOrder) {
  parse(getManyWeights(200));
  llvm::SmallVector<ht::WeightOp> order(module->getOps<ht::WeightOp>());
  std::reverse(order.begin(), order.end());
  for (unsigned threads : {1, 2, 4}) {
    WeightSource source(folder);
    std::vector<std::string> seen;
    llvm::Error error = streamWeights(
        order, source,
        [&](ht::WeightOp weight, llvm::ArrayRef<char> bytes) {
          seen.push_back(weight.getSymName().str() + " " + std::to_string(bytes.size()) + " " +
                         std::to_string(loadElement<int32_t>(bytes.data(), 0)));
          return llvm::Error::success();
        },
        threads);
    ASSERT_FALSE(bool(error));
    ASSERT_EQ(seen.size(), 200u);
    for (int i = 0; i < 200; ++i)
      EXPECT_EQ(seen[199 - i],
                "w" + std::to_string(i) + " " + std::to_string(4 * (1 + i % 7)) + " " + std::to_string(i));
  }
}

TEST_F(WeightTest, StreamStopsAtTheFirstError) {
  parse(getManyWeights(50, /*broken=*/20));
  llvm::SmallVector<ht::WeightOp> order(module->getOps<ht::WeightOp>());
  for (unsigned threads : {1, 3}) {
    WeightSource source(folder);
    int seen = 0;
    auto count = [&](ht::WeightOp, llvm::ArrayRef<char>) {
      ++seen;
      return llvm::Error::success();
    };
    EXPECT_EQ(llvm::toString(streamWeights(order, source, count, threads)),
              "weight @w20: cannot read \"" + path("none.bin") + "\": No such file or directory");
    EXPECT_EQ(seen, 20);
    seen = 0;
    auto refuse = [&](ht::WeightOp weight, llvm::ArrayRef<char>) -> llvm::Error {
      return ++seen == 5 ? llvm::createStringError("disk full") : llvm::Error::success();
    };
    EXPECT_EQ(llvm::toString(streamWeights(order, source, refuse, threads)), "disk full");
    EXPECT_EQ(seen, 5);
  }
}

} // namespace
} // namespace halftone::evaluate
