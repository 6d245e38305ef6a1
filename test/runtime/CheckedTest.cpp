//===- CheckedTest.cpp - sizes that may not fit ---------------------------===//

#include "runtime/support/Checked.h"

#include <gtest/gtest.h>

namespace halftone {
namespace {

TEST(Checked, ANumberThatDoesNotFitStaysGone) {
  int64_t result = 7;
  EXPECT_TRUE((Checked<int64_t>(INT64_MAX - 1) + 1).get(result));
  EXPECT_EQ(result, INT64_MAX);
  EXPECT_FALSE((Checked<int64_t>(INT64_MAX) + 1).get(result));
  EXPECT_EQ(result, INT64_MAX);
  EXPECT_FALSE((Checked<int64_t>(INT64_MIN) * -1).get(result));
  // Not even a factor of zero brings it back.
  EXPECT_FALSE((Checked<uint64_t>(UINT64_MAX) * 2 * 0).isAtMost(UINT64_MAX));
  EXPECT_FALSE((Checked<int64_t>(1) * (Checked<int64_t>(INT64_MAX) + 1)).isAtMost(INT64_MAX));
}

TEST(Checked, Limits) {
  EXPECT_TRUE((Checked<int64_t>(6) * 7).isAtMost(42));
  EXPECT_FALSE((Checked<int64_t>(6) * 7).isAtMost(41));
}

TEST(Checked, Inside) {
  EXPECT_TRUE(isInside(5, 0, 5));
  EXPECT_TRUE(isInside(2, 3, 5));
  EXPECT_FALSE(isInside(6, 0, 5));
  EXPECT_FALSE(isInside(2, 4, 5));
  EXPECT_FALSE(isInside(2, UINT64_MAX, 5));
  EXPECT_FALSE(isInside(UINT64_MAX, 2, 5));
}

} // namespace
} // namespace halftone
