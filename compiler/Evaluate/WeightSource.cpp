//===- WeightSource.cpp - the values of weights -----------------------------===//

#include "compiler/Evaluate/WeightSource.h"

#include "compiler/Evaluate/Attributes.h"
#include "runtime/support/Checked.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <condition_variable>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>

using namespace mlir;

namespace halftone::evaluate {

WeightSource::WeightSource(StringRef modelDirectory, Cache cache, const InterpreterTable &table)
    : modelDirectory(modelDirectory), cache(cache), table(table) {}

void WeightSource::addFile(StringRef name, ArrayRef<char> bytes) {
  std::lock_guard<std::mutex> lock(mutex);
  files[name] = {bytes, nullptr};
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

llvm::Expected<WeightSource::File> WeightSource::open(StringRef name) {
  namespace fs = llvm::sys::fs;
  std::lock_guard<std::mutex> lock(mutex);
  auto known = files.find(name);
  if (known != files.end())
    return known->second;

  SmallString<128> path(name);
  if (!modelDirectory.empty() && llvm::sys::path::is_relative(path)) {
    path = modelDirectory;
    llvm::sys::path::append(path, name);
  }
  auto fail = [&](const Twine &what) {
    return llvm::createStringError("cannot read \"" + path + "\": " + what);
  };
  auto handle = fs::openNativeFileForRead(path);
  if (!handle)
    return fail(llvm::toString(handle.takeError()));
  fs::file_status status;
  std::error_code error = fs::status(*handle, status);
  if (!error && status.type() != fs::file_type::regular_file) {
    fs::closeFile(*handle);
    return fail("not a regular file");
  }
  File file;
  // An empty file cannot be mapped, and has no bytes to ask for.
  if (!error && status.getSize() != 0) {
    auto region = std::make_shared<fs::mapped_file_region>(*handle, fs::mapped_file_region::readonly,
                                                           status.getSize(), 0, error);
    if (!error)
      file = {{region->const_data(), region->size()}, region};
  }
  fs::closeFile(*handle);
  if (error)
    return fail(error.message());
  files[name] = file;
  return file;
}

llvm::Expected<WeightSource::File> WeightSource::locate(ht::LoadOp load) {
  auto fail = [&](const Twine &what) -> llvm::Error {
    auto weight = load->getParentOfType<ht::WeightOp>();
    return llvm::createStringError("weight @" + weight.getSymName() + ": " + what);
  };
  auto type = cast<RankedTensorType>(load.getType());
  ElementKind kind = *getElementKind(type.getElementType());
  auto file = open(load.getFile());
  if (!file)
    return fail(llvm::toString(file.takeError()));
  uint64_t offset = load.getOffset(), size = file->bytes.size();
  // A shape from a hostile file may have more elements than 64 bits count.
  Checked<int64_t> bits = 64;
  for (int64_t dim : type.getShape())
    bits *= dim;
  if (!bits.isAtMost(INT64_MAX))
    return fail("its type " + llvm::Twine(toString(kind)) + toString(type.getShape()) + " is too large");
  uint64_t need = getStoredSize(kind, getNumElements(type.getShape()));
  if (!isInside(offset, need, size))
    return fail("needs " + Twine(need) + " bytes at offset " + Twine(offset) + " of \"" + load.getFile() +
                "\", which has " + Twine(size) + " bytes");
  return File{file->bytes.slice(offset, need), file->mapping};
}

llvm::Expected<Tensor> WeightSource::load(ht::LoadOp load) {
  auto part = locate(load);
  if (!part)
    return part.takeError();
  auto type = cast<RankedTensorType>(load.getType());
  ElementKind kind = *getElementKind(type.getElementType());
  if (getStoredBits(kind) < 8)
    return Tensor::unpack(kind, type.getShape(), part->bytes);
  return Tensor::borrow(kind, type.getShape(), part->bytes.data(), part->mapping);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

llvm::Expected<Tensor> WeightSource::get(ht::WeightOp weight) {
  if (cache == Cache::Weights) {
    std::lock_guard<std::mutex> lock(mutex);
    auto known = weights.find(weight);
    if (known != weights.end())
      return known->second;
  }
  Run run;
  run.weights = this;
  run.table = &table;
  auto yielded = Frame(run).runBlock(weight.getInitializer().front(), {});
  if (!yielded)
    return yielded.takeError();
  Tensor tensor = std::move(yielded->front());
  if (cache == Cache::Weights) {
    std::lock_guard<std::mutex> lock(mutex);
    weights[weight] = tensor;
  }
  return tensor;
}

void WeightSource::releasePages(ht::WeightOp weight) {
  weight.walk([&](ht::LoadOp load) {
    auto part = locate(load);
    if (!part)
      return llvm::consumeError(part.takeError());
    // Bytes given by addFile are somebody's own memory.
    if (!part->mapping)
      return;
    // Only whole pages; the ones shared with a neighbour are dropped with it or not at all.
    auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    auto begin = llvm::alignTo(reinterpret_cast<uintptr_t>(part->bytes.begin()), page);
    auto end = reinterpret_cast<uintptr_t>(part->bytes.end()) / page * page;
    if (begin < end)
      (void)madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
  });
}

//===----------------------------------------------------------------------===//
// Streaming
//===----------------------------------------------------------------------===//

namespace {

/// Hands out places in the order and lets the finished weights pass one by one.
class Stream {
public:
  Stream(ArrayRef<ht::WeightOp> order, WeightSource &source, WeightSink sink)
      : order(order), source(source), sink(sink) {}

  void work() {
    while (true) {
      size_t mine;
      {
        std::lock_guard<std::mutex> lock(mutex);
        if (taken == order.size() || failure)
          return;
        mine = taken++;
      }
      ht::WeightOp weight = order[mine];
      auto tensor = source.get(weight);
      std::unique_lock<std::mutex> lock(mutex);
      passed.wait(lock, [&] { return turn == mine || failure; });
      if (failure) {
        // An earlier weight failed; its error is the one to report.
        if (!tensor)
          llvm::consumeError(tensor.takeError());
        return;
      }
      lock.unlock();
      llvm::Error error = tensor ? sink(weight, tensor->getBytes()) : tensor.takeError();
      source.releasePages(weight);
      lock.lock();
      ++turn;
      if (error)
        failure = std::make_unique<llvm::Error>(std::move(error));
      passed.notify_all();
    }
  }

  llvm::Error takeError() { return failure ? std::move(*failure) : llvm::Error::success(); }

private:
  ArrayRef<ht::WeightOp> order;
  WeightSource &source;
  WeightSink sink;
  std::mutex mutex;
  std::condition_variable passed;
  size_t taken = 0, turn = 0;
  std::unique_ptr<llvm::Error> failure;
};

} // namespace

llvm::Error streamWeights(ArrayRef<ht::WeightOp> order, WeightSource &source, WeightSink sink,
                          unsigned threads) {
  Stream stream(order, source, sink);
  // Handlers make expressions in the context, which locks only where threading is enabled.
  if (order.empty() || !ht::WeightOp(order.front())->getContext()->isMultithreadingEnabled())
    threads = 1;
  std::vector<std::thread> workers;
  for (unsigned i = 1; i < threads; ++i)
    workers.emplace_back([&] { stream.work(); });
  stream.work();
  for (std::thread &worker : workers)
    worker.join();
  return stream.takeError();
}

} // namespace halftone::evaluate
