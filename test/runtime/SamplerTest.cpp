//===- SamplerTest.cpp - choosing tokens, stop strings --------------------===//

#include "runtime/text/Sampler.h"
#include "runtime/text/StopStrings.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

using namespace halftone::rt;

namespace {

/// How often each token is drawn.
std::map<uint32_t, int> draw(const SamplerOptions &options, const std::vector<double> &logits, int times) {
  Sampler sampler(options);
  std::map<uint32_t, int> counts;
  for (int i = 0; i < times; ++i) {
    std::vector<double> copy = logits;
    ++counts[sampler.choose(copy.data(), copy.size())];
  }
  return counts;
}

std::vector<double> logarithms(std::vector<double> probabilities) {
  for (double &value : probabilities)
    value = std::log(value);
  return probabilities;
}

TEST(RandomNumbers, AreThoseOfTheAlgorithm) {
  // The reference implementations' output for splitmix64 from 0 as the state.
  RandomNumbers random(0);
  EXPECT_EQ(random.next(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(random.next(), 0xbf6e1f784956452au);
  EXPECT_EQ(random.next(), 0x1a5f849d4933e6e0u);
}

TEST(Sampler, GreedyTakesTheFirstOfTheBest) {
  SamplerOptions options;
  options.temperature = 0;
  std::vector<double> logits = {1, 5, NAN, 5, INFINITY - INFINITY};
  EXPECT_EQ(Sampler(options).choose(logits.data(), logits.size()), 1u);
}

TEST(Sampler, NothingIsLikely) {
  std::vector<double> logits = {NAN, -INFINITY};
  EXPECT_EQ(Sampler(SamplerOptions()).choose(logits.data(), logits.size()), 0u);
}

TEST(Sampler, EqualSeedsGiveEqualTokens) {
  SamplerOptions options;
  options.seed = 7;
  std::vector<double> logits(1000);
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = std::sin(static_cast<double>(i));
  Sampler one(options), two(options);
  options.seed = 8;
  Sampler other(options);
  int differences = 0;
  for (int i = 0; i < 100; ++i) {
    std::vector<double> a = logits, b = logits, c = logits;
    uint32_t token = one.choose(a.data(), a.size());
    EXPECT_EQ(token, two.choose(b.data(), b.size()));
    differences += token != other.choose(c.data(), c.size());
  }
  EXPECT_GT(differences, 50);
}

TEST(Sampler, DrawsByProbability) {
  auto counts = draw({}, logarithms({0.5, 0.3, 0.2}), 20000);
  EXPECT_NEAR(counts[0], 10000, 500);
  EXPECT_NEAR(counts[1], 6000, 500);
  EXPECT_NEAR(counts[2], 4000, 500);
}

TEST(Sampler, TemperatureSharpens) {
  SamplerOptions options;
  options.temperature = 0.5; // Squares probabilities: 9 to 1.
  auto counts = draw(options, logarithms({0.75, 0.25}), 20000);
  EXPECT_NEAR(counts[0], 18000, 400);
}

TEST(Sampler, TopKKeepsTheLikeliest) {
  SamplerOptions options;
  options.topK = 2;
  auto counts = draw(options, logarithms({0.1, 0.4, 0.2, 0.3}), 5000);
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_NEAR(counts[1], 5000 * 4 / 7, 300);
  EXPECT_TRUE(counts.count(3));
}

TEST(Sampler, TopPKeepsJustEnough) {
  SamplerOptions options;
  options.topP = 0.69; // 0.4 is not enough, 0.4 + 0.3 is.
  auto counts = draw(options, logarithms({0.1, 0.4, 0.2, 0.3}), 2000);
  EXPECT_EQ(counts.size(), 2u);
  options.topP = 0.71;
  EXPECT_EQ(draw(options, logarithms({0.1, 0.4, 0.2, 0.3}), 2000).size(), 3u);
  options.topP = 0;
  EXPECT_EQ(draw(options, logarithms({0.1, 0.4, 0.2, 0.3}), 100).size(), 1u);
}

TEST(Sampler, MinPComparesWithTheLikeliest) {
  SamplerOptions options;
  options.minP = 0.45; // Of 0.4: what is below 0.18 goes.
  auto counts = draw(options, logarithms({0.1, 0.4, 0.2, 0.3}), 5000);
  EXPECT_EQ(counts.size(), 3u);
  EXPECT_FALSE(counts.count(0));
}

TEST(Sampler, PenaltyReachesAsFarAsItsWindow) {
  SamplerOptions options;
  options.temperature = 0;
  options.penalty = 2;
  options.window = 2;
  Sampler sampler(options);
  auto choose = [&](std::vector<double> logits) { return sampler.choose(logits.data(), logits.size()); };
  sampler.accept(0);
  EXPECT_EQ(choose({3, 2}), 1u);     // 1.5 against 2
  EXPECT_EQ(choose({-1, -1.5}), 1u); // -2 against -1.5
  sampler.accept(0);
  EXPECT_EQ(choose({5, 2}), 0u); // Once, however often it was there.
  sampler.accept(1);
  sampler.accept(1);
  EXPECT_EQ(choose({3, 2}), 0u); // Forgotten.
  sampler.accept(99999);         // No token of this vocabulary.
  EXPECT_EQ(choose({3, 2}), 0u);
}

/// What `stops` lets through of the pieces; "|" where they stopped it.
std::string watch(const std::vector<std::string> &stops, const std::vector<std::string> &pieces) {
  StopStrings watcher;
  for (const std::string &stop : stops)
    watcher.add({stop.data(), stop.size()});
  Array<char> text;
  for (const std::string &piece : pieces)
    if (watcher.push({piece.data(), piece.size()}, text))
      return std::string(text.data(), text.size()) + "|";
  watcher.finish(text);
  return std::string(text.data(), text.size());
}

TEST(StopStrings, AcrossPieces) {
  EXPECT_EQ(watch({"END"}, {"hello E", "N", "D and"}), "hello |");
  EXPECT_EQ(watch({"END"}, {"hello E", "N", "d and"}), "hello ENd and");
  EXPECT_EQ(watch({"aab"}, {"a", "a", "a", "b"}), "a|");
  EXPECT_EQ(watch({"xyz", "b"}, {"abc"}), "a|");
  EXPECT_EQ(watch({"", "\n\n"}, {"a\n", "b\n", "\nc"}), "a\nb|");
  EXPECT_EQ(watch({}, {"a", "b"}), "ab");
}

TEST(StopStrings, TheFirstOneThatBegins) {
  EXPECT_EQ(watch({"cd", "bcde"}, {"abcd", "ef"}), "a|");
  EXPECT_EQ(watch({"bcde", "cd"}, {"abcd", "xf"}), "ab|");
}

} // namespace
