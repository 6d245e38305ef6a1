//===- Session.cpp - threads, arena and one run at a time -----------------===//

#include "runtime/session/Arena.h"
#include "runtime/session/Binding.h"
#include "runtime/session/Error.h"
#include "runtime/session/Model.h"
#include "runtime/session/ThreadPool.h"
#include "runtime/support/Text.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <unistd.h>

using namespace halftone::rt;

/// All memory that a run needs is here already: a run allocates nothing.
struct halftone_session {
  static constexpr uint64_t validMagic = 0x31737365'73746c68;

  uint64_t magic = validMagic;
  halftone_model *model = nullptr;
  pid_t process = 0; ///< threads do not survive fork()
  std::atomic<bool> running{false};
  Arena arena;
  Arena states; ///< zeros where nothing was written
  ThreadPool pool;

  // One block of memory, owned by `block`.
  void *block = nullptr;
  int64_t *symbols = nullptr;
  int64_t *outputDims = nullptr;
  size_t *inputOrder = nullptr;
  size_t *outputOrder = nullptr;
  const void **inputData = nullptr;
  void **outputData = nullptr;

  ~halftone_session() {
    free(block);
    if (model)
      release(model);
  }

  [[nodiscard]] bool allocateLists(const halftone_program &program);
};

bool halftone_session::allocateLists(const halftone_program &program) {
  // Every list has 8-byte elements.
  size_t numDims = numEvaluatedDims(program);
  size_t numWords = program.num_symbols + numDims +
                    2 * (size_t(program.num_inputs) + program.num_outputs);
  block = calloc(numWords + 1, 8);
  if (!block)
    return false;
  char *next = static_cast<char *>(block);
  auto take = [&](auto *&list, size_t count) {
    static_assert(sizeof(*list) == 8);
    list = reinterpret_cast<std::remove_reference_t<decltype(list)>>(next);
    next += count * 8;
  };
  take(symbols, program.num_symbols);
  take(outputDims, numDims);
  take(inputOrder, program.num_inputs);
  take(outputOrder, program.num_outputs);
  take(inputData, program.num_inputs);
  take(outputData, program.num_outputs);
  return true;
}

static halftone_status checkSession(const halftone_session *session) {
  if (!session)
    return fail(HALFTONE_INVALID_ARGUMENT, "the session is null");
  if (session->magic != halftone_session::validMagic)
    return fail(
        HALFTONE_INVALID_ARGUMENT,
        "the session was destroyed, or made by another Halftone runtime "
        "in this process");
  return HALFTONE_OK;
}

static void destroy(halftone_session *session) {
  // In a forked child there are no threads to join; what is left goes with it.
  if (session->process != getpid())
    return;
  session->magic = 0;
  session->~halftone_session();
  free(session);
}

/// Fills a session whose memory exists; the caller destroys it on failure.
static halftone_status prepare(halftone_session &session, halftone_model *model,
                               unsigned threads, bool pin) {
  const halftone_program &program = *model->program;
  retain(model);
  session.model = model;
  session.process = getpid();
  if (!session.allocateLists(program))
    return fail(HALFTONE_OUT_OF_MEMORY, "out of memory");
  if (!session.arena.allocate(model->level->arena_bytes))
    return fail(
        HALFTONE_OUT_OF_MEMORY,
        "out of memory: %s needs an arena of %s for the largest run that "
        "it was compiled for; recompile with a smaller --max",
        quoted(program.name).c_str(),
        sizeText(model->level->arena_bytes).c_str());
  if (program.state_bytes && !session.states.allocate(program.state_bytes))
    return fail(HALFTONE_OUT_OF_MEMORY,
                "out of memory: %s keeps %s from one run to the next; recompile "
                "with a smaller --max",
                quoted(program.name).c_str(),
                sizeText(program.state_bytes).c_str());
  CpuList cpus;
  listCpus(cpus);
  if (threads == 0)
    threads = defaultThreads(cpus);
  if (int error = session.pool.start(threads, pin, cpus))
    return fail(HALFTONE_SYSTEM_ERROR, "cannot start %u threads: %s", threads,
                strerror(error));
  return HALFTONE_OK;
}

halftone_status halftone_session_create(halftone_model *model,
                                        const halftone_session_options *options,
                                        halftone_session **session) {
  if (!session)
    return fail(HALFTONE_INVALID_ARGUMENT, "the place for the session is null");
  *session = nullptr;
  if (halftone_status status = checkModel(model))
    return status;
  halftone_session_options chosen = {};
  if (options) {
    if (options->struct_size != sizeof(chosen))
      return fail(HALFTONE_INVALID_ARGUMENT,
                  "struct_size of the session options is %u; set it to "
                  "sizeof(halftone_session_options), which is %zu here",
                  options->struct_size, sizeof(chosen));
    chosen = *options;
  }
  if (chosen.threads > HALFTONE_MAX_THREADS)
    return fail(HALFTONE_INVALID_ARGUMENT,
                "%u threads are asked for; at most %d are possible",
                chosen.threads, HALFTONE_MAX_THREADS);
  void *memory =
      aligned_alloc(alignof(halftone_session), sizeof(halftone_session));
  if (!memory)
    return fail(HALFTONE_OUT_OF_MEMORY, "out of memory");
  auto *created = new (memory) halftone_session;
  halftone_status status =
      prepare(*created, model, chosen.threads, chosen.pin != 0);
  if (status == HALFTONE_OK)
    *session = created;
  else
    destroy(created);
  return status;
}

void halftone_session_destroy(halftone_session *session) {
  if (session && checkSession(session) == HALFTONE_OK)
    destroy(session);
}

size_t halftone_session_threads(const halftone_session *session) {
  return session->pool.size();
}

static halftone_status run(halftone_session &session,
                           const halftone_tensor *inputs, size_t numInputs,
                           halftone_tensor *outputs, size_t numOutputs) {
  const halftone_program &program = *session.model->program;
  if (halftone_status status = bindInputs(program, inputs, numInputs,
                                          session.symbols, session.inputOrder))
    return status;
  if (halftone_status status =
          bindInputData(program, inputs, session.inputOrder, session.inputData))
    return status;
  if (halftone_status status =
          evaluateDims(program, inputs, session.inputOrder, session.symbols,
                       session.outputDims))
    return status;
  if (halftone_status status =
          bindOutputs(program, outputs, numOutputs, session.outputDims,
                      session.outputOrder, session.outputData))
    return status;
  if (halftone_status status = checkOverlap(program, inputs, session.inputOrder,
                                            outputs, session.outputOrder))
    return status;

  halftone_step step = {};
  step.inputs = session.inputData;
  step.outputs = session.outputData;
  step.symbols = session.symbols;
  step.arena = session.arena.data();
  step.states = session.states.data();
  step.payload = program.payload;
  const halftone_level &level = *session.model->level;
  session.pool.run(level.step, &step);
  if (step.fault == 0)
    return HALFTONE_OK;
  if (step.fault > level.num_fault_sites)
    return fail(HALFTONE_FAULT, "the run failed at the unknown site %u",
                step.fault);
  return fail(HALFTONE_FAULT, "%s", level.fault_sites[step.fault - 1]);
}

/// Runs `body` as the only thing that the session does.
template <typename Function>
static halftone_status runAlone(halftone_session *session, Function body) {
  if (halftone_status status = checkSession(session))
    return status;
  if (session->process != getpid())
    return fail(HALFTONE_INVALID_ARGUMENT,
                "the session was created before fork(); its threads are in the "
                "parent process: create a session in this one");
  if (session->running.exchange(true, std::memory_order_acquire))
    return fail(HALFTONE_BUSY,
                "the session is running in another thread; a session runs one "
                "step at a time: create one session per thread");
  halftone_status status = body();
  session->running.store(false, std::memory_order_release);
  return status;
}

halftone_status halftone_session_run(halftone_session *session,
                                     const halftone_tensor *inputs,
                                     size_t num_inputs,
                                     halftone_tensor *outputs,
                                     size_t num_outputs) {
  return runAlone(session, [&] {
    return run(*session, inputs, num_inputs, outputs, num_outputs);
  });
}

halftone_status halftone_session_reset(halftone_session *session) {
  return runAlone(session, [&] {
    session->states.clear();
    return HALFTONE_OK;
  });
}

void *halftone_session_state(halftone_session *session, size_t index) {
  if (checkSession(session))
    return nullptr;
  const halftone_program &program = *session->model->program;
  if (index >= program.num_states)
    return nullptr;
  return static_cast<char *>(session->states.data()) +
         program.states[index].offset;
}
