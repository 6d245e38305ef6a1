//===- WeightTest.cpp - files, initializers, streaming ----------------------===//

#include "test/evaluate/Fixture.h"

#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/RowSlices.h"
#include "compiler/Evaluate/WeightStream.h"
#include "dialects/HT/HTOps.h"
#include "dialects/HTK/HTKDialect.h"

#include "mlir/IR/Verifier.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <numeric>
#include <random>

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

/// What a stream gives of each weight; a byte that comes twice or not at all is a failure.
class Collector {
public:
  explicit Collector(llvm::ArrayRef<ht::WeightOp> order) {
    for (ht::WeightOp weight : order) {
      auto type = weight.getWeightType();
      size_t size = getNumElements(type.getShape()) * getSize(*getElementKind(type.getElementType()));
      bytes[weight].assign(size, 0);
      seen[weight].assign(size, false);
    }
  }

  llvm::Error take(ht::WeightOp weight, uint64_t offset, llvm::ArrayRef<char> part) {
    std::lock_guard<std::mutex> lock(mutex);
    ++parts[weight];
    for (size_t i = 0; i < part.size(); ++i) {
      EXPECT_FALSE(seen[weight].at(offset + i)) << weight.getSymName().str() << " at " << offset + i;
      seen[weight][offset + i] = true;
      bytes[weight][offset + i] = part[i];
    }
    return llvm::Error::success();
  }

  void expectWhole(ht::WeightOp weight, llvm::ArrayRef<char> expected) {
    EXPECT_EQ(llvm::count(seen[weight], false), 0) << weight.getSymName().str();
    EXPECT_EQ(llvm::ArrayRef(bytes[weight]), expected) << weight.getSymName().str();
  }

  std::map<mlir::Operation *, int> parts;

private:
  std::mutex mutex;
  std::map<mlir::Operation *, std::vector<char>> bytes;
  std::map<mlir::Operation *, std::vector<bool>> seen;
};

StreamOptions withThreads(unsigned threads) {
  StreamOptions options;
  options.threads = threads;
  return options;
}

TEST_F(WeightTest, StreamGivesEveryByteOnce) {
  parse(getManyWeights(200));
  llvm::SmallVector<ht::WeightOp> order(module->getOps<ht::WeightOp>());
  for (unsigned threads : {1, 2, 4}) {
    WeightSource source(folder);
    Collector all(order);
    llvm::Error error = streamWeights(
        order, source, [&](auto... arguments) { return all.take(arguments...); }, withThreads(threads));
    ASSERT_FALSE(bool(error));
    for (auto [i, weight] : llvm::enumerate(order)) {
      std::vector<int32_t> numbers(1 + i % 7);
      std::iota(numbers.begin(), numbers.end(), i);
      all.expectWhole(weight, {reinterpret_cast<const char *>(numbers.data()), 4 * numbers.size()});
    }
  }
}

TEST_F(WeightTest, StreamStopsAtTheFirstError) {
  parse(getManyWeights(50, /*broken=*/20));
  llvm::SmallVector<ht::WeightOp> order(module->getOps<ht::WeightOp>());
  for (unsigned threads : {1, 3}) {
    WeightSource source(folder);
    std::atomic<unsigned> seen = 0;
    auto count = [&](ht::WeightOp, uint64_t, llvm::ArrayRef<char>) {
      ++seen;
      return llvm::Error::success();
    };
    EXPECT_EQ(llvm::toString(streamWeights(order, source, count, withThreads(threads))),
              "weight @w20: cannot read \"" + path("none.bin") + "\": No such file or directory");
    // Others go on until they see it.
    EXPECT_GE(seen, 20u);
    if (threads == 1)
      EXPECT_EQ(seen, 20u);
    auto refuse = [&](ht::WeightOp weight, uint64_t, llvm::ArrayRef<char>) -> llvm::Error {
      return weight.getSymName() == "w5" ? llvm::createStringError("disk full") : llvm::Error::success();
    };
    EXPECT_EQ(llvm::toString(streamWeights(order, source, refuse, withThreads(threads))), "disk full");
  }
}

/// Recipes of every kind that has parts, on rows.bin: 150 rows of 48 floats, or the same bytes as others.
constexpr char kCast[] = R"(
ht.weight @cast : tensor<150x48xbf16> {
  %0 = ht.load "rows.bin" offset 0 : tensor<150x48xf32>
  %1 = ht.cast %0 : tensor<150x48xf32> to tensor<150x48xbf16>
  ht.yield %1 : tensor<150x48xbf16>
}
)";
constexpr char kRecipes[] = R"(
ht.weight @codes : tensor<3x6x256xui8> {
  %0 = ht.load "rows.bin" offset 4 : tensor<150x48xf32>
  %1 = htq.hadamard 8 stride 2 %0 : tensor<150x48xf32>
  %2:2 = htq.dynamic_quantize signed_max <i4, blocks [1, 16], scale f16>(%1)
      : (tensor<150x48xf32>) -> (tensor<150x48xi4>, tensor<150x3xf16>)
  %3 = htk.pack %2#0 group 4 : tensor<150x48xi4> to tensor<3x6x256xui8>
  ht.yield %3 : tensor<3x6x256xui8>
}
ht.weight @scale : tensor<3x3x64xf16> {
  %0 = ht.load "rows.bin" offset 4 : tensor<150x48xf32>
  %1 = htq.hadamard 8 stride 2 %0 : tensor<150x48xf32>
  %2:2 = htq.dynamic_quantize signed_max <i4, blocks [1, 16], scale f16>(%1)
      : (tensor<150x48xf32>) -> (tensor<150x48xi4>, tensor<150x3xf16>)
  %3 = htk.pack %2#1 : tensor<150x3xf16> to tensor<3x3x64xf16>
  ht.yield %3 : tensor<3x3x64xf16>
}
ht.weight @levels : tensor<150x3xi4> {
  %0 = ht.load "rows.bin" offset 0 : tensor<150x48xf32>
  %1:3 = htq.dynamic_quantize absmax <i4, blocks [1, 16], scale affine<i4, blocks [1, ?], scale f32>>(%0)
      : (tensor<150x48xf32>) -> (tensor<150x48xi4>, tensor<150x3xi4>, tensor<150x1xf32>)
  ht.yield %1#1 : tensor<150x3xi4>
}
ht.weight @transposed : tensor<48x150xf32> {
  %0 = ht.load "rows.bin" offset 0 : tensor<150x48xf32>
  %1 = ht.transpose %0 [1, 0] : tensor<150x48xf32> -> tensor<48x150xf32>
  ht.yield %1 : tensor<48x150xf32>
}
ht.weight @middle : tensor<70x48xf32> {
  %0 = ht.load "rows.bin" offset 0 : tensor<150x48xf32>
  %1 = ht.slice %0 starts <3, 0> strides [2, 1] : tensor<150x48xf32> to tensor<70x48xf32>
  ht.yield %1 : tensor<70x48xf32>
}
ht.weight @nibbles : tensor<150x48xi8> {
  %0 = ht.constant dense<8> : tensor<i8>
  %1 = ht.load "rows.bin" offset 7 : tensor<150x6x12xui4>
  %2 = ht.slice %1 starts <0, 0, 4> strides [1, 1, 1] : tensor<150x6x12xui4> to tensor<150x6x8xui4>
  %3 = ht.reshape %2 : tensor<150x6x8xui4> to tensor<150x48xui4>
  %4 = ht.cast %3 : tensor<150x48xui4> to tensor<150x48xi8>
  %5 = ht.sub %4, %0 : tensor<150x48xi8>, tensor<i8> -> tensor<150x48xi8>
  ht.yield %5 : tensor<150x48xi8>
}
ht.weight @again : tensor<150x48xi4> {
  %0 = ht.load "rows.bin" offset 0 : tensor<150x48xi8>
  %1 = ht.load "rows.bin" offset 7200 : tensor<150x3xf32>
  %2 = htq.dequantize #htq.affine<i8, blocks [1, 16], scale f32>(%0, %1)
      : (tensor<150x48xi8>, tensor<150x3xf32>) -> tensor<150x48xf32>
  %3:2 = htq.dynamic_quantize absmax <i4, blocks [1, ?], scale f32>(%2)
      : (tensor<150x48xf32>) -> (tensor<150x48xi4>, tensor<150x1xf32>)
  ht.yield %3#0 : tensor<150x48xi4>
}
)";

/// A scale for all rows: no parts.
constexpr char kShared[] = R"(
ht.weight @shared : tensor<150x48xi8> {
  %0 = ht.load "rows.bin" offset 0 : tensor<150x48xf32>
  %1:2 = htq.dynamic_quantize absmax <i8, blocks [?, ?], scale f32>(%0)
      : (tensor<150x48xf32>) -> (tensor<150x48xi8>, tensor<1x1xf32>)
  ht.yield %1#0 : tensor<150x48xi8>
}
)";

class PartsTest : public WeightTest {
protected:
  void SetUp() override {
    WeightTest::SetUp();
    context.loadDialect<htk::HTKDialect>();
    std::mt19937 random(std::random_device{}());
    std::normal_distribution<float> normal;
    std::vector<float> numbers(151 * 48);
    for (float &number : numbers)
      number = normal(random);
    std::ofstream(path("rows.bin")).write(reinterpret_cast<const char *>(numbers.data()), 4 * numbers.size());
  }
};

TEST_F(PartsTest, PartsAreWhatTheWholeIs) {
  parse(std::string(kCast) + kRecipes + kShared);
  llvm::SmallVector<ht::WeightOp> order(module->getOps<ht::WeightOp>());
  WeightSource source(folder);
  for (uint64_t partBytes : {1, 30000, 1 << 20})
    for (unsigned threads : {1, 3}) {
      Collector all(order);
      StreamOptions options = withThreads(threads);
      options.partBytes = partBytes;
      llvm::Error error =
          streamWeights(order, source, [&](auto... arguments) { return all.take(arguments...); }, options);
      ASSERT_FALSE(bool(error));
      for (ht::WeightOp weight : order) {
        all.expectWhole(weight, source.get(weight)->getBytes());
        bool hasParts = weight.getSymName() != "shared";
        int most = hasParts ? weight.getWeightType().getDimSize(0) : 1;
        if (partBytes == 1)
          EXPECT_EQ(all.parts[weight], most) << weight.getSymName().str();
        else if (partBytes == 1 << 20)
          EXPECT_EQ(all.parts[weight], 1) << weight.getSymName().str();
      }
    }
}

TEST_F(PartsTest, APartOfAWeightIsAWeight) {
  parse(std::string(kCast) + kRecipes);
  for (ht::WeightOp weight : module->getOps<ht::WeightOp>()) {
    mlir::OwningOpRef<ht::WeightOp> part = sliceRows(weight, 1, 3);
    ASSERT_TRUE(part) << weight.getSymName().str();
    EXPECT_EQ(part->getWeightType().getDimSize(0), 2);
    EXPECT_TRUE(succeeded(mlir::verify(*part))) << weight.getSymName().str();
    EXPECT_LT(estimateBytes(*part), estimateBytes(weight));
  }
}

TEST_F(PartsTest, MemoryIsBounded) {
  parse(std::string(kCast) + kShared);
  llvm::SmallVector<ht::WeightOp> order(module->getOps<ht::WeightOp>());
  WeightSource source(folder);
  StreamOptions options = withThreads(2);
  options.otherMemory = 3 << 20;
  options.memory = options.otherMemory + 4000;
  auto stream = [&](llvm::ArrayRef<ht::WeightOp> weights) {
    Collector all(weights);
    auto error = streamWeights(weights, source, [&](auto... arguments) { return all.take(arguments...); }, options);
    if (!error)
      for (ht::WeightOp weight : weights)
        all.expectWhole(weight, source.get(weight)->getBytes());
    return llvm::toString(std::move(error));
  };
  EXPECT_EQ(stream(order.front()), "");
  EXPECT_EQ(stream(order), "weight @shared takes 1MiB while it is made, beside 3MiB for the rest: --memory 4MiB is "
                           "the least that works");
  options.memory = 4 << 20;
  EXPECT_EQ(stream(order), "");
}

} // namespace
} // namespace halftone::evaluate
