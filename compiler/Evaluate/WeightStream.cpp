//===- WeightStream.cpp - weights made in parts, in bounded memory ----------===//

#include "compiler/Evaluate/WeightStream.h"

#include "compiler/Evaluate/RowSlices.h"

#include "llvm/Support/MathExtras.h"

#include <condition_variable>
#include <thread>

using namespace mlir;

namespace halftone::evaluate {

namespace {

/// Neighbours in the order that are made together, by so many rows of each at a time.
struct Group {
  ArrayRef<ht::WeightOp> weights;
  int64_t rows, rowsAtOnce;
  uint64_t bytesAtOnce;
};

/// What making a weight takes; `row` is 0 where it has no parts.
struct Estimate {
  explicit Estimate(ht::WeightOp weight) : whole(estimateBytes(weight)) {
    RankedTensorType type = weight.getWeightType();
    rows = type.getRank() == 0 ? 1 : type.getDimSize(0);
    if (rows > 1)
      if (OwningOpRef<ht::WeightOp> first = sliceRows(weight, 0, 1))
        row = std::max<uint64_t>(1, estimateBytes(*first));
    auto loads = weight.getInitializer().front().getOps<ht::LoadOp>();
    if (!loads.empty())
      load = *loads.begin();
  }

  /// Whether both have parts, as many rows, and begin to load at one place.
  bool belongsTo(const Estimate &other) const {
    ht::LoadOp x = load, y = other.load;
    return x && y && x.getFileAttr() == y.getFileAttr() && x.getOffset() == y.getOffset() &&
           rows == other.rows && row && other.row;
  }

  int64_t rows;
  uint64_t whole, row = 0;
  ht::LoadOp load;
};

std::vector<Group> makeGroups(ArrayRef<ht::WeightOp> order, uint64_t partBytes) {
  auto estimates = llvm::map_to_vector(order, [](ht::WeightOp weight) { return Estimate(weight); });
  std::vector<Group> groups;
  for (size_t begin = 0, end; begin < order.size(); begin = end) {
    const Estimate &first = estimates[begin];
    uint64_t whole = first.whole, row = first.row;
    for (end = begin + 1; end < order.size() && estimates[end].belongsTo(first); ++end) {
      whole += estimates[end].whole;
      row += estimates[end].row;
    }
    Group group{order.slice(begin, end - begin), first.rows, first.rows, whole};
    if (row && whole > partBytes) {
      group.rowsAtOnce = std::clamp<int64_t>(partBytes / row, 1, first.rows);
      group.bytesAtOnce = group.rowsAtOnce * row;
    }
    groups.push_back(group);
  }
  return groups;
}

/// Hands out parts in order. Threads wait while what others make leaves no room.
class Stream {
public:
  /// `room`: what weights may take together.
  Stream(std::vector<Group> groups, WeightSource &source, WeightSink sink, uint64_t room)
      : groups(std::move(groups)), source(source), sink(sink), room(room) {}

  void work() {
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      if (failure || next == groups.size())
        return;
      const Group &group = groups[next];
      uint64_t bytes = group.bytesAtOnce;
      if (inUse != 0 && inUse + bytes > room) {
        changed.wait(lock);
        continue; // Another one may have taken the part.
      }
      int64_t begin = nextRow, end = std::min(begin + group.rowsAtOnce, group.rows);
      size_t part = parts++;
      nextRow = end;
      if (end == group.rows) {
        ++next;
        nextRow = 0;
      }
      inUse += bytes;
      lock.unlock();
      llvm::Error error = make(group, begin, end);
      lock.lock();
      inUse -= bytes;
      if (error && (!failure || part < failedPart)) {
        if (failure)
          llvm::consumeError(std::move(*failure));
        failure = std::make_unique<llvm::Error>(std::move(error));
        failedPart = part;
      } else if (error) {
        llvm::consumeError(std::move(error));
      }
      changed.notify_all();
    }
  }

  llvm::Error takeError() { return failure ? std::move(*failure) : llvm::Error::success(); }

private:
  llvm::Error make(const Group &group, int64_t begin, int64_t end) {
    SmallVector<OwningOpRef<ht::WeightOp>> slices;
    SmallVector<ht::WeightOp> weights(group.weights);
    if (end - begin < group.rows)
      for (ht::WeightOp &weight : weights) {
        slices.push_back(sliceRows(weight, begin, end));
        weight = *slices.back();
      }
    llvm::Error error = makeWhole(group, weights, begin, end);
    for (ht::WeightOp weight : weights)
      source.releasePages(weight);
    return error;
  }

  llvm::Error makeWhole(const Group &group, ArrayRef<ht::WeightOp> weights, int64_t begin, int64_t end) {
    SmallVector<Tensor> tensors;
    if (weights.size() == 1) {
      auto tensor = source.get(weights.front());
      if (!tensor)
        return tensor.takeError();
      tensors.push_back(std::move(*tensor));
    } else {
      auto made = source.get(weights);
      if (!made)
        return made.takeError();
      tensors = std::move(*made);
    }
    for (auto [weight, tensor] : llvm::zip_equal(group.weights, tensors)) {
      ArrayRef<char> bytes = tensor.getBytes();
      uint64_t row = begin == end ? 0 : bytes.size() / (end - begin);
      if (llvm::Error error = sink(weight, begin * row, bytes))
        return error;
    }
    return llvm::Error::success();
  }

  std::vector<Group> groups;
  WeightSource &source;
  WeightSink sink;
  uint64_t room;
  std::mutex mutex;
  std::condition_variable changed;
  size_t next = 0, parts = 0; ///< the group to go on with, and the parts that were taken
  int64_t nextRow = 0;        ///< of that group
  uint64_t inUse = 0;
  std::unique_ptr<llvm::Error> failure;
  size_t failedPart = 0;
};

std::string describeBytes(uint64_t bytes) { return std::to_string(llvm::divideCeil(bytes, 1 << 20)) + "MiB"; }

} // namespace

llvm::Error streamWeights(ArrayRef<ht::WeightOp> order, WeightSource &source, WeightSink sink,
                          const StreamOptions &options) {
  // Slices are made in the context, which locks only where threading is enabled.
  unsigned threads = std::max(1u, options.threads);
  if (order.empty() || !ht::WeightOp(order.front())->getContext()->isMultithreadingEnabled())
    threads = 1;
  uint64_t room = UINT64_MAX;
  if (options.memory)
    room = options.memory - std::min(options.memory, options.otherMemory);
  uint64_t partBytes = std::min(options.partBytes, room / threads);

  std::vector<Group> groups = makeGroups(order, partBytes);
  auto *largest =
      std::max_element(groups.data(), groups.data() + groups.size(),
                       [](const Group &a, const Group &b) { return a.bytesAtOnce < b.bytesAtOnce; });
  if (!groups.empty() && largest->bytesAtOnce > room)
    return llvm::createStringError(
        "weight @" + ht::WeightOp(largest->weights.front()).getSymName() + " takes " +
        describeBytes(largest->bytesAtOnce) + " while it is made, beside " +
        describeBytes(options.otherMemory) + " for the rest: --memory " +
        describeBytes(options.otherMemory + largest->bytesAtOnce) + " is the least that works");

  Stream stream(std::move(groups), source, sink, room);
  std::vector<std::thread> workers;
  for (unsigned i = 1; i < threads; ++i)
    workers.emplace_back([&] { stream.work(); });
  stream.work();
  for (std::thread &worker : workers)
    worker.join();
  return stream.takeError();
}

} // namespace halftone::evaluate
