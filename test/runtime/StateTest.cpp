//===- StateTest.cpp - what a session keeps from run to run ---------------===//

#include "Helpers.h"

#include <cstring>

using namespace halftone;
using namespace halftone::test;

/// One run of toySum: its y, or nothing with the error reported.
static std::vector<float> add(halftone_session *session,
                              std::vector<float> x) {
  std::vector<float> y(3);
  halftone_tensor input = {"x", HALFTONE_F32, 1, {3}, x.data(), 12};
  halftone_tensor output = {"y", HALFTONE_F32, 0, {}, y.data(), 12};
  if (halftone_session_run(session, &input, 1, &output, 1) == HALFTONE_OK)
    return y;
  ADD_FAILURE() << halftone_last_error();
  return {};
}

using Row = std::vector<float>;

TEST(State, IsZeroAtFirstAndKept) {
  Loaded toy(toySum, 2);
  EXPECT_EQ(add(toy.session, {1, 2, 3}), (Row{1, 2, 3}));
  EXPECT_EQ(add(toy.session, {1, 2, 3}), (Row{2, 4, 6}));
  EXPECT_EQ(add(toy.session, {0, 0, 1}), (Row{2, 4, 7}));
}

TEST(State, BelongsToItsSession) {
  Loaded one(toySum), other(toySum);
  add(one.session, {1, 2, 3});
  EXPECT_EQ(add(other.session, {5, 5, 5}), (Row{5, 5, 5}));
  halftone_session *second = nullptr;
  ASSERT_EQ(halftone_session_create(one.model, nullptr, &second), HALFTONE_OK);
  EXPECT_EQ(add(second, {7, 7, 7}), (Row{7, 7, 7}));
  halftone_session_destroy(second);
  EXPECT_EQ(add(one.session, {1, 1, 1}), (Row{2, 3, 4}));
}

TEST(State, BecomesZeroAgain) {
  Loaded toy(toySum);
  add(toy.session, {1, 2, 3});
  ASSERT_EQ(halftone_session_reset(toy.session), HALFTONE_OK);
  EXPECT_EQ(add(toy.session, {4, 4, 4}), (Row{4, 4, 4}));
  EXPECT_EQ(halftone_session_reset(nullptr), HALFTONE_INVALID_ARGUMENT);
  EXPECT_STREQ(halftone_last_error(), "the session is null");
  Loaded without(toyModel);
  EXPECT_EQ(halftone_session_reset(without.session), HALFTONE_OK);
}

TEST(State, IsReadAndWrittenBetweenRuns) {
  Loaded toy(toySum);
  add(toy.session, {1, 2, 3});
  auto *runs = static_cast<int64_t *>(halftone_session_state(toy.session, 0));
  auto *sum = static_cast<float *>(halftone_session_state(toy.session, 1));
  ASSERT_TRUE(runs && sum);
  EXPECT_EQ(*runs, 1);
  EXPECT_EQ(Row(sum, sum + 3), (Row{1, 2, 3}));
  sum[1] = 10;
  EXPECT_EQ(add(toy.session, {1, 1, 1}), (Row{2, 11, 4}));
  EXPECT_EQ(*runs, 2);
  EXPECT_EQ(halftone_session_state(toy.session, 2), nullptr);
  EXPECT_EQ(halftone_session_state(nullptr, 0), nullptr);
}

TEST(State, IsDescribed) {
  Loaded toy(toySum);
  ASSERT_EQ(halftone_model_num_states(toy.model), 2u);
  EXPECT_STREQ(halftone_model_state(toy.model, 0)->name, "runs");
  EXPECT_EQ(halftone_model_state(toy.model, 0)->dtype, HALFTONE_I64);
  EXPECT_EQ(halftone_model_state(toy.model, 1)->dims[0], 3);
  EXPECT_EQ(halftone_model_state(toy.model, 2), nullptr);
  EXPECT_EQ(halftone_model_state_bytes(toy.model), 76u);
  Loaded without(toyModel);
  EXPECT_EQ(halftone_model_num_states(without.model), 0u);
  EXPECT_EQ(halftone_model_state_bytes(without.model), 0u);
}

TEST(State, OfADamagedProgramIsRefused) {
  auto error = [](auto damage) -> std::string {
    halftone_program program = toySum;
    halftone_state_info states[2] = {toySum.states[0], toySum.states[1]};
    program.states = states;
    damage(program, states);
    halftone_model *model;
    EXPECT_EQ(halftone_load(&program, &model), HALFTONE_INVALID_PROGRAM);
    return halftone_last_error();
  };
  EXPECT_EQ(error([](auto &program, auto) { program.states = nullptr; }),
            "this program is damaged: it has no list of its states");
  EXPECT_EQ(error([](auto &program, auto) { program.state_bytes = 75; }),
            "this program is damaged: a state is outside of its memory");
  EXPECT_EQ(error([](auto &, auto *states) { states[1].offset = 32; }),
            "this program is damaged: a state is outside of its memory");
  EXPECT_EQ(error([](auto &, auto *states) { states[1].offset = -64; }),
            "this program is damaged: a state is outside of its memory");
  EXPECT_EQ(error([](auto &, auto *states) { states[1].tensor.name = "runs"; }),
            "this program is damaged: it has two states of one name");
  static const int64_t dynamic[] = {HALFTONE_EXPRESSION};
  EXPECT_EQ(error([](auto &, auto *states) { states[1].tensor.dims = dynamic; }),
            "this program is damaged: the size of a state is not constant");
  static const int64_t huge[] = {INT64_MAX};
  EXPECT_EQ(error([](auto &, auto *states) { states[1].tensor.dims = huge; }),
            "this program is damaged: a state is outside of its memory");
}

TEST(State, ThatCannotBeIsReported) {
  halftone_program program = toySum;
  program.state_bytes = uint64_t(1) << 60;
  halftone_model *model;
  halftone_session *session;
  ASSERT_EQ(halftone_load(&program, &model), HALFTONE_OK);
  EXPECT_EQ(halftone_session_create(model, nullptr, &session),
            HALFTONE_OUT_OF_MEMORY);
  EXPECT_STREQ(halftone_last_error(),
               "out of memory: \"sum\" keeps 1048576.0 TiB from one run to the "
               "next; recompile with a smaller --max");
  halftone_model_destroy(model);
}
