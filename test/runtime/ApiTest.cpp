//===- ApiTest.cpp - loading, describing, validating, running -------------===//

#include "Helpers.h"

#include <functional>
#include <thread>

using namespace halftone;
using namespace halftone::test;

extern "C" const char *halftoneRunFromC(const halftone_program *program,
                                        float *y);

TEST(Api, RunsFromC) {
  float y[4] = {};
  EXPECT_STREQ(halftoneRunFromC(&toyModel, y), "");
  EXPECT_EQ(y[3], 8.0f);
}

TEST(Api, DescribesTheModel) {
  Loaded toy(toyModel);
  EXPECT_STREQ(halftone_model_name(toy.model), "toy");
  EXPECT_STREQ(halftone_model_build_info(toy.model),
               "{\"compiler\": \"by hand\"}");
  EXPECT_EQ(halftone_model_arena_bytes(toy.model), 8u * 512 * 4);
  EXPECT_EQ(halftone_model_weight_bytes(toy.model), 64u);
  ASSERT_EQ(halftone_model_num_inputs(toy.model), 2u);
  ASSERT_EQ(halftone_model_num_outputs(toy.model), 3u);
  ASSERT_EQ(halftone_model_num_symbols(toy.model), 2u);
  EXPECT_STREQ(halftone_model_input(toy.model, 1)->name, "mask");
  EXPECT_STREQ(halftone_model_output(toy.model, 2)->dim_text[0], "2 * batch");
  EXPECT_EQ(halftone_model_symbol(toy.model, 1)->max, 512);
  EXPECT_EQ(halftone_model_input(toy.model, 2), nullptr);
  EXPECT_EQ(halftone_model_output(toy.model, 3), nullptr);
  EXPECT_EQ(halftone_model_symbol(toy.model, 2), nullptr);
  EXPECT_STREQ(halftone_dtype_name(HALFTONE_BF16), "bf16");
  EXPECT_EQ(halftone_dtype_name(24), nullptr);
  EXPECT_EQ(halftone_dtype_bytes(HALFTONE_I64), 8u);
  EXPECT_EQ(halftone_dtype_bytes(0), 0u);
  EXPECT_STREQ(halftone_status_name(HALFTONE_BUSY), "busy");
}

TEST(Api, RunsAnyShapeUpToTheMaximum) {
  Loaded toy(toyModel, 2);
  for (int64_t batch : {1, 3, 8})
    for (int64_t sequence : {1, 7, 512}) {
      ToyRun run(batch, sequence);
      ASSERT_EQ(halftone_session_run(toy.session, run.inputs.data(), 2,
                                     run.outputs.data(), 3),
                HALFTONE_OK)
          << halftone_last_error();
      run.check();
      EXPECT_EQ(run.outputs[0].rank, 3u);
      EXPECT_EQ(run.outputs[0].dims[1], sequence);
      EXPECT_EQ(run.outputs[2].dims[0], 2 * batch);
    }
}

TEST(Api, TakesTensorsByNameOrByPlace) {
  Loaded toy(toyModel);
  ToyRun named(2, 3);
  std::swap(named.inputs[0], named.inputs[1]);
  std::swap(named.outputs[0], named.outputs[2]);
  EXPECT_EQ(halftone_session_run(toy.session, named.inputs.data(), 2,
                                 named.outputs.data(), 3),
            HALFTONE_OK)
      << halftone_last_error();
  named.check();
  ToyRun placed(2, 3);
  for (auto *list : {&placed.inputs, &placed.outputs})
    for (halftone_tensor &tensor : *list)
      tensor.name = nullptr;
  EXPECT_EQ(halftone_session_run(toy.session, placed.inputs.data(), 2,
                                 placed.outputs.data(), 3),
            HALFTONE_OK)
      << halftone_last_error();
  placed.check();
}

TEST(Api, SaysOutputShapesBeforeTheRun) {
  Loaded toy(toyModel);
  ToyRun run(3, 5);
  for (halftone_tensor &input : run.inputs) {
    input.data = nullptr;
    input.bytes = 0;
  }
  halftone_tensor outputs[3] = {};
  ASSERT_EQ(halftone_output_shapes(toy.model, run.inputs.data(), 2, outputs, 3),
            HALFTONE_OK)
      << halftone_last_error();
  EXPECT_STREQ(outputs[0].name, "y");
  EXPECT_EQ(outputs[0].bytes, 3u * 5 * 4 * 4);
  EXPECT_EQ(outputs[2].dims[0], 6);
  EXPECT_EQ(halftone_output_shapes(toy.model, run.inputs.data(), 2, outputs, 2),
            HALFTONE_INVALID_ARGUMENT);
  EXPECT_STREQ(halftone_last_error(),
               "room for 2 outputs is given, but this program has 3: \"y\", "
               "\"total\", \"all\"");
}

namespace {
/// A way to get a run wrong, and the whole message it deserves.
struct Mistake {
  const char *name;
  std::function<void(ToyRun &)> make;
  const char *message;
};

class Mistakes : public testing::TestWithParam<Mistake> {};
} // namespace

TEST_P(Mistakes, AreExplained) {
  Loaded toy(toyModel);
  ToyRun run(2, 3);
  GetParam().make(run);
  EXPECT_EQ(halftone_session_run(toy.session, run.inputs.data(),
                                 run.inputs.size(), run.outputs.data(),
                                 run.outputs.size()),
            HALFTONE_INVALID_ARGUMENT);
  EXPECT_STREQ(halftone_last_error(), GetParam().message);
  // The session is as good as before.
  ToyRun again(2, 3);
  EXPECT_EQ(halftone_session_run(toy.session, again.inputs.data(), 2,
                                 again.outputs.data(), 3),
            HALFTONE_OK);
}

static const Mistake mistakes[] = {
    {"AboveMaximum",
     [](ToyRun &run) { run.inputs[0].dims[1] = run.inputs[1].dims[1] = 600; },
     "input \"x\": dimension 1 (\"sequence\") is 600, but this program was "
     "compiled for at most 512; recompile with --max sequence=600"},
    {"BelowMinimum", [](ToyRun &run) { run.inputs[0].dims[0] = 0; },
     "input \"x\": dimension 0 (\"batch\") is 0, but this program needs at "
     "least 1"},
    {"Negative", [](ToyRun &run) { run.inputs[0].dims[0] = INT64_MIN; },
     "input \"x\": dimension 0 (\"batch\") is -9223372036854775808, but this "
     "program needs at least 1"},
    {"Constant", [](ToyRun &run) { run.inputs[0].dims[2] = 5; },
     "input \"x\": dimension 2 is 5, but this program was compiled for 4 "
     "(shape "
     "[batch, sequence, 4])"},
    {"SymbolDiffers", [](ToyRun &run) { run.inputs[1].dims[1] = 4; },
     "input \"mask\": dimension 1 (\"sequence\") is 4, but \"sequence\" is 3 "
     "in "
     "input \"x\""},
    {"Rank", [](ToyRun &run) { run.inputs[1].rank = 1; },
     "input \"mask\" has rank 1 (shape [2]), but this program expects rank 2: "
     "[batch, sequence]"},
    {"RankBeyondAll", [](ToyRun &run) { run.inputs[1].rank = 4000000000u; },
     "input \"mask\" has rank 4000000000, but this program expects rank 2: "
     "[batch, sequence]"},
    {"DType", [](ToyRun &run) { run.inputs[1].dtype = HALFTONE_I32; },
     "input \"mask\" is i32, but this program expects i64"},
    {"DTypeUnknown", [](ToyRun &run) { run.inputs[1].dtype = 99; },
     "input \"mask\": dtype 99 does not exist; this program expects i64"},
    {"OutputDType", [](ToyRun &run) { run.outputs[0].dtype = HALFTONE_F64; },
     "output \"y\" is f64, but this program expects f32"},
    {"InputName", [](ToyRun &run) { run.inputs[1].name = "masc\n"; },
     "this program has no input \"masc\\x0a\"; its inputs are: \"x\", "
     "\"mask\""},
    {"OutputName", [](ToyRun &run) { run.outputs[1].name = "sum"; },
     "this program has no output \"sum\"; its outputs are: \"y\", \"total\", "
     "\"all\""},
    {"InputTwice", [](ToyRun &run) { run.inputs[1] = run.inputs[0]; },
     "input \"x\" is given twice"},
    {"InputMissing", [](ToyRun &run) { run.inputs.pop_back(); },
     "input \"mask\" is missing; this program's inputs are: \"x\", \"mask\""},
    {"OutputMissing", [](ToyRun &run) { run.outputs.pop_back(); },
     "output \"all\" is missing; this program's outputs are: \"y\", \"total\", "
     "\"all\""},
    {"TooManyInputs",
     [](ToyRun &run) {
       run.inputs.push_back(run.inputs[0]);
       for (halftone_tensor &input : run.inputs)
         input.name = nullptr;
     },
     "3 inputs are given, but this program has 2: \"x\", \"mask\""},
    {"NullInput", [](ToyRun &run) { run.inputs[0].data = nullptr; },
     "input \"x\": data is null"},
    {"NullOutput", [](ToyRun &run) { run.outputs[1].data = nullptr; },
     "output \"total\": data is null"},
    {"InputBytes", [](ToyRun &run) { run.inputs[1].bytes = 24; },
     "input \"mask\": 24 bytes are given, but shape [2, 3] of i64 takes 48"},
    {"OutputBytes", [](ToyRun &run) { run.outputs[1].bytes = 4; },
     "output \"total\": there is room for 4 bytes, but shape [2] of f32 takes "
     "8"},
    {"MisalignedInput",
     [](ToyRun &run) {
       run.inputs[1].data = reinterpret_cast<char *>(run.mask.data()) + 4;
     },
     "input \"mask\": the address of data is not a multiple of 8, the size of "
     "one i64"},
    {"MisalignedOutput",
     [](ToyRun &run) {
       run.outputs[1].data = reinterpret_cast<char *>(run.total.data()) + 1;
     },
     "output \"total\": the address of data is not a multiple of 4, the size "
     "of "
     "one f32"},
    {"OutputOverInput", [](ToyRun &run) { run.outputs[0].data = run.x.data(); },
     "output \"y\" overlaps input \"x\" in memory"},
    {"OutputOverOutput",
     [](ToyRun &run) { run.outputs[2].data = run.y.data() + 20; },
     "output \"all\" overlaps output \"y\" in memory"},
};

INSTANTIATE_TEST_SUITE_P(Api, Mistakes, testing::ValuesIn(mistakes),
                         [](const auto &info) { return info.param.name; });

TEST(Api, NullListsAndHandles) {
  Loaded toy(toyModel);
  ToyRun run(1, 1);
  EXPECT_EQ(
      halftone_session_run(toy.session, nullptr, 2, run.outputs.data(), 3),
      HALFTONE_INVALID_ARGUMENT);
  EXPECT_STREQ(halftone_last_error(), "the list of inputs is null");
  EXPECT_EQ(halftone_session_run(nullptr, run.inputs.data(), 2,
                                 run.outputs.data(), 3),
            HALFTONE_INVALID_ARGUMENT);
  EXPECT_STREQ(halftone_last_error(), "the session is null");
  halftone_model *model;
  EXPECT_EQ(halftone_load(nullptr, &model), HALFTONE_INVALID_ARGUMENT);
  EXPECT_STREQ(halftone_last_error(), "the program is null");
  EXPECT_EQ(halftone_load(&toyModel, nullptr), HALFTONE_INVALID_ARGUMENT);
  halftone_session *session;
  EXPECT_EQ(halftone_session_create(nullptr, nullptr, &session),
            HALFTONE_INVALID_ARGUMENT);
  halftone_session_destroy(nullptr);
  halftone_model_destroy(nullptr);
}

TEST(Api, AFaultNamesItsSite) {
  Loaded toy(toyModel, 2);
  ToyRun run(2, 3);
  run.mask[4] = 7;
  EXPECT_EQ(halftone_session_run(toy.session, run.inputs.data(), 2,
                                 run.outputs.data(), 3),
            HALFTONE_FAULT);
  EXPECT_STREQ(halftone_last_error(), "Where /mask: a value is not 0 or 1");
  run.mask[4] = 1;
  EXPECT_EQ(halftone_session_run(toy.session, run.inputs.data(), 2,
                                 run.outputs.data(), 3),
            HALFTONE_OK);
  run.check();
}

TEST(Api, ErrorsBelongToTheirThread) {
  EXPECT_EQ(halftone_load(nullptr, nullptr), HALFTONE_INVALID_ARGUMENT);
  std::string other = "untouched";
  std::thread([&] { other = halftone_last_error(); }).join();
  EXPECT_EQ(other, "");
  EXPECT_STREQ(halftone_last_error(), "the place for the model is null");
}

TEST(Api, SessionOptionsAreChecked) {
  Loaded toy(toyModel);
  halftone_session *session;
  halftone_session_options options = {};
  EXPECT_EQ(halftone_session_create(toy.model, &options, &session),
            HALFTONE_INVALID_ARGUMENT);
  EXPECT_EQ(std::string(halftone_last_error()).find("struct_size"), 0u);
  options.struct_size = sizeof options;
  options.threads = HALFTONE_MAX_THREADS + 1;
  EXPECT_EQ(halftone_session_create(toy.model, &options, &session),
            HALFTONE_INVALID_ARGUMENT);
  EXPECT_STREQ(halftone_last_error(),
               "1025 threads are asked for; at most 1024 are possible");
  options.threads = 3;
  options.pin = 1;
  ASSERT_EQ(halftone_session_create(toy.model, &options, &session),
            HALFTONE_OK);
  EXPECT_EQ(halftone_session_threads(session), 3u);
  halftone_session_destroy(session);
}

TEST(Api, AModelOutlivesItsHandleWhileSessionsUseIt) {
  halftone_model *model;
  halftone_session *session;
  ASSERT_EQ(halftone_load(&toyModel, &model), HALFTONE_OK);
  ASSERT_EQ(halftone_session_create(model, nullptr, &session), HALFTONE_OK);
  halftone_model_destroy(model);
  ToyRun run(1, 2);
  EXPECT_EQ(halftone_session_run(session, run.inputs.data(), 2,
                                 run.outputs.data(), 3),
            HALFTONE_OK);
  run.check();
  halftone_session_destroy(session);
}

/// A program that is not what this runtime can run.
static std::string loadError(const halftone_program &program,
                             halftone_status expected) {
  halftone_model *model;
  EXPECT_EQ(halftone_load(&program, &model), expected);
  EXPECT_EQ(model, nullptr);
  return halftone_last_error();
}

TEST(Api, ProgramsAreChecked) {
  halftone_program program = toyModel;
  program.abi_version = 7;
  EXPECT_EQ(loadError(program, HALFTONE_INVALID_PROGRAM),
            "this program was compiled for runtime ABI 7, but this runtime has "
            "ABI 4; compile the model again, or link it with the runtime that "
            "came with its compiler");
  program = toyModel;
  program.struct_size = 96;
  EXPECT_EQ(loadError(program, HALFTONE_INVALID_PROGRAM),
            "this program's descriptor has 96 bytes, but runtime ABI 4 has " +
                std::to_string(sizeof(halftone_program)) +
                "; compile the model again");
  program = toyModel;
  program.levels = nullptr;
  EXPECT_EQ(loadError(program, HALFTONE_INVALID_PROGRAM),
            "this program is damaged: it has no code");
  program = toyModel;
  program.num_symbols = 1; // The inputs speak of a second.
  EXPECT_EQ(loadError(program, HALFTONE_INVALID_PROGRAM),
            "this program is damaged: dimension 1 of input \"x\" is invalid");
  program = toyModel;
  program.num_inputs = 0; // Nothing would give the symbols a value.
  EXPECT_EQ(loadError(program, HALFTONE_INVALID_PROGRAM),
            "this program is damaged: no input has dimension \"batch\"");
  alignas(8) static const char block[8] = {};
  halftone_text text = {block + 1, 7, nullptr, 0, nullptr, 0};
  program = toyModel;
  program.text = &text;
  EXPECT_EQ(loadError(program, HALFTONE_INVALID_PROGRAM),
            "this program is damaged: it has no tokenizer");
  text = {block, 8, nullptr, 8, nullptr, 0};
  EXPECT_EQ(loadError(program, HALFTONE_INVALID_PROGRAM),
            "this program is damaged: it has no format of chats");
  text = {block, 8, nullptr, 0, nullptr, 1};
  EXPECT_EQ(loadError(program, HALFTONE_INVALID_PROGRAM),
            "this program is damaged: it has no list of the tokens that end a "
            "text");
  halftone_tensor_info info = toyModel.outputs[0];
  info.rank = 9;
  program = toyModel;
  program.outputs = &info;
  program.num_outputs = 1;
  EXPECT_EQ(loadError(program, HALFTONE_INVALID_PROGRAM),
            "output \"y\" has rank 9; this runtime supports at most 8");
  info.rank = 3;
  info.dtype = 0;
  EXPECT_EQ(loadError(program, HALFTONE_INVALID_PROGRAM),
            "this program is damaged: output \"y\" has an unknown dtype (0)");
}

TEST(Api, AnArenaThatCannotBeIsReported) {
  halftone_program program = toyModel;
  halftone_level level = toyModel.levels[1];
  level.arena_bytes = uint64_t(1) << 60;
  program.levels = &level;
  program.num_levels = 1;
  halftone_model *model;
  halftone_session *session;
  ASSERT_EQ(halftone_load(&program, &model), HALFTONE_OK);
  EXPECT_EQ(halftone_session_create(model, nullptr, &session),
            HALFTONE_OUT_OF_MEMORY);
  EXPECT_STREQ(halftone_last_error(),
               "out of memory: \"toy\" needs an arena of 1048576.0 TiB for the "
               "largest run that it was compiled for; recompile with a smaller "
               "--max");
  halftone_model_destroy(model);
}
