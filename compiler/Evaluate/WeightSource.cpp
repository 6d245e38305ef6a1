//===- WeightSource.cpp - the values of weights -----------------------------===//

#include "compiler/Evaluate/WeightSource.h"

#include "compiler/Evaluate/Attributes.h"
#include "runtime/support/Checked.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <sys/mman.h>
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

/// The operation among `made` that does what `op` does to the same values; `same` says which are.
static Operation *findEqual(Operation &op, ArrayRef<Operation *> made, const DenseMap<Value, Value> &same) {
  auto getFirst = [&](Value value) {
    Value first = same.lookup(value);
    return first ? first : value;
  };
  for (Operation *other : made)
    if (OperationEquivalence::isEquivalentTo(
            other, &op, [&](Value x, Value y) { return success(getFirst(x) == getFirst(y)); },
            /*markEquivalent=*/nullptr, OperationEquivalence::IgnoreLocations))
      return other;
  return nullptr;
}

llvm::Expected<SmallVector<Tensor>> WeightSource::get(ArrayRef<ht::WeightOp> weights) {
  Run run;
  run.weights = this;
  run.table = &table;
  Frame frame(run);
  SmallVector<Operation *> made;
  DenseMap<Value, Value> same;
  SmallVector<Tensor> values;
  for (ht::WeightOp weight : weights) {
    for (Operation &op : weight.getInitializer().front().without_terminator()) {
      SmallVector<Tensor> results;
      if (Operation *other = findEqual(op, made, same)) {
        for (auto [value, first] : llvm::zip_equal(op.getResults(), other->getResults())) {
          same[value] = first;
          results.push_back(frame.get(first));
        }
      } else {
        made.push_back(&op);
        if (llvm::Error error = frame.runOperation(&op, results))
          return std::move(error);
      }
      for (auto [value, tensor] : llvm::zip_equal(op.getResults(), results))
        frame.set(value, std::move(tensor));
    }
    values.push_back(frame.get(weight.getYielded()));
  }
  return values;
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

} // namespace halftone::evaluate
