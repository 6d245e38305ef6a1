//===- Layout.cpp - where the tensors of a llama2.c checkpoint lie ----------===//

#include "compiler/Import/Llama2c/Layout.h"

#include "runtime/support/Checked.h"

namespace halftone::llama2c {

namespace {

/// Puts tensors one behind the other.
class Builder {
public:
  Builder(const Header &header) : header(header), at(header.version == 0 ? 28 : 256) {}

  void vector(const std::string &name, int64_t size) { add(name, {size}, false); }
  void matrix(const std::string &name, int64_t rows, int64_t columns) {
    add(name, {rows, columns}, header.group > 0);
  }
  /// The same of each layer.
  void vectors(const std::string &name, int64_t size) {
    for (int64_t i = 0; i < header.layers; ++i)
      vector(getPrefix(i) + name, size);
  }
  void matrices(const std::string &name, int64_t rows, int64_t columns) {
    for (int64_t i = 0; i < header.layers; ++i)
      matrix(getPrefix(i) + name, rows, columns);
  }
  void skip(Checked<uint64_t> bytes) { at += bytes; }

  llvm::Expected<Layout> finish() {
    for (const Place &place : places)
      if (place.isQuantized && place.shape[0] * place.shape[1] % header.group != 0)
        return llvm::createStringError("tensor '" + place.name + "' has " +
                                       llvm::Twine(place.shape[0] * place.shape[1]) +
                                       " elements, which are no groups of " + llvm::Twine(header.group));
    uint64_t end = 0;
    if (!at.get(end) || end > INT64_MAX)
      return llvm::createStringError("a model of its header's sizes would have more than 2^63 bytes");
    return Layout{std::move(places), end};
  }

private:
  static std::string getPrefix(int64_t layer) { return "layers." + std::to_string(layer) + "."; }
  void add(const std::string &name, llvm::SmallVector<int64_t, 2> shape, bool isQuantized) {
    uint64_t offset = 0;
    (void)at.get(offset); // What does not fit is an error in the end.
    int64_t count = 1;
    for (int64_t dim : shape)
      count *= dim;
    if (isQuantized)
      at += Checked<uint64_t>(count) + Checked<uint64_t>(count / header.group) * 4;
    else
      at += Checked<uint64_t>(count) * 4;
    places.push_back({name, offset, std::move(shape), isQuantized});
  }

  const Header &header;
  Checked<uint64_t> at;
  std::vector<Place> places;
};

} // namespace

llvm::Expected<Layout> lay(const Header &header) {
  Builder b(header);
  int64_t dim = header.dim, hidden = header.hidden, kv = header.getKvSize();
  auto table = [&] { b.matrix("tok_embeddings.weight", header.vocabulary, dim); };
  auto attention = [&] {
    b.matrices("attention.wq.weight", dim, dim);
    b.matrices("attention.wk.weight", kv, dim);
    b.matrices("attention.wv.weight", kv, dim);
    b.matrices("attention.wo.weight", dim, dim);
  };
  auto mlp = [&] {
    b.matrices("feed_forward.w1.weight", hidden, dim);
    b.matrices("feed_forward.w2.weight", dim, hidden);
    b.matrices("feed_forward.w3.weight", hidden, dim);
  };
  if (header.version == 0) {
    table();
    b.vectors("attention_norm.weight", dim);
    attention();
    b.vectors("ffn_norm.weight", dim);
    mlp();
    b.vector("norm.weight", dim);
    // Tables of the rotations' cosines and sines.
    b.skip(Checked<uint64_t>(header.context) * header.getHeadSize() * 4);
  } else {
    b.vectors("attention_norm.weight", dim);
    b.vectors("ffn_norm.weight", dim);
    b.vector("norm.weight", dim);
    table();
    attention();
    mlp();
  }
  if (!header.tied)
    b.matrix("output.weight", header.vocabulary, dim);
  return b.finish();
}

} // namespace halftone::llama2c
