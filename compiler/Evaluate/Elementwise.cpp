//===- Elementwise.cpp - one scalar function per element --------------------===//

#include "compiler/Evaluate/Attributes.h"
#include "compiler/Evaluate/Codec.h"
#include "compiler/Evaluate/Handlers.h"
#include "compiler/Evaluate/Strided.h"
#include "dialects/HT/HTOps.h"

using namespace mlir;

namespace halftone::evaluate {

//===----------------------------------------------------------------------===//
// Scalar functions
//===----------------------------------------------------------------------===//

double computeSigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double computeSilu(double x) { return x / (1 + std::exp(-x)); }
// erfc where 1 + erf would cancel.
double computeGelu(double x) { return 0.5 * x * std::erfc(-x * 0x1.6a09e667f3bcdp-1); }
double computeGeluTanh(double x) {
  constexpr double sqrtTwoOverPi = 0.79788456080286535588;
  return 0.5 * x * (1 + std::tanh(sqrtTwoOverPi * (x + 0.044715 * x * x * x)));
}

namespace {

/// Integers in arithmetic modulo 2^64, without overflow; storing to a narrower type wraps further.
double wrap(double x) { return x; }
uint64_t wrap(int64_t x) { return static_cast<uint64_t>(x); }
uint64_t wrap(uint64_t x) { return x; }

template <typename T>
T sign(T x) {
  return x > 0 ? T(1) : x < 0 ? T(-1) : x; // Zeros keep their sign, NaN stays.
}

template <typename T>
T absolute(T x) {
  if constexpr (std::is_floating_point_v<T>)
    return std::fabs(x);
  else
    return static_cast<T>(x < 0 ? -wrap(x) : wrap(x));
}

template <typename T>
T divide(T x, T y) {
  if constexpr (std::is_signed_v<T> && std::is_integral_v<T>)
    if (y == -1)
      return static_cast<T>(-wrap(x));
  return x / y;
}

/// x << y and x >> y of integers with so many bits.
template <typename T>
T shiftLeft(T x, T y, T bits) {
  return y >= 0 && y < bits ? static_cast<T>(wrap(x) << y) : T(0);
}
template <typename T>
T shiftRight(T x, T y, T bits) {
  return y >= 0 && y < bits ? x >> y : x < 0 ? T(-1) : T(0);
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

constexpr int64_t kChunk = 1024;

/// result[i] = function(operands[0][i], …), all of the result's shape, in arithmetic of T.
template <typename T, size_t n, typename Function>
Tensor applyChunks(const Tensor (&operands)[n], ElementKind kind, ArrayRef<int64_t> shape,
                   Function function) {
  Tensor result = Tensor::allocate(kind, shape);
  T buffers[n][kChunk];
  for (int64_t begin = 0; begin < result.getNumElements(); begin += kChunk) {
    size_t size = std::min(kChunk, result.getNumElements() - begin);
    for (size_t k = 0; k < n; ++k)
      operands[k].read(begin, MutableArrayRef<T>(buffers[k], size));
    for (size_t i = 0; i < size; ++i) {
      if constexpr (n == 1)
        buffers[0][i] = function(buffers[0][i]);
      else
        buffers[0][i] = function(buffers[0][i], buffers[1][i]);
    }
    result.write(begin, ArrayRef<T>(buffers[0], size));
  }
  return result;
}

/// An operation on numbers, given as a generic function of the types of `withArithmetic`.
template <typename OpTy, typename Function>
void addUnary(InterpreterTable &table, Function function) {
  table.add<OpTy>([function](OpTy op, Frame &frame) -> llvm::Expected<Tensor> {
    const Tensor operands[] = {frame.get(op.getInput())};
    return withArithmetic(operands[0].getKind(), [&](auto zero) {
      using T = decltype(zero);
      return applyChunks<T>(operands, operands[0].getKind(), operands[0].getShape(),
                            [&](T x) { return static_cast<T>(function(x)); });
    });
  });
}

/// An operation that only floats have.
template <typename OpTy>
void addFloatUnary(InterpreterTable &table, double (*function)(double)) {
  table.add<OpTy>([function](OpTy op, Frame &frame) -> llvm::Expected<Tensor> {
    const Tensor operands[] = {frame.get(op.getInput())};
    return applyChunks<double>(operands, operands[0].getKind(), operands[0].getShape(), function);
  });
}

/// The same of two operands, which are broadcast.
template <typename OpTy, typename Function>
Tensor evaluateBinary(OpTy op, Frame &frame, Function function) {
  Shape shape = frame.getShape(op.getResult());
  const Tensor operands[] = {broadcastTo(frame.get(op.getLhs()), shape),
                             broadcastTo(frame.get(op.getRhs()), shape)};
  ElementKind kind = *getElementKind(getElementTypeOrSelf(op.getResult()));
  return withArithmetic(operands[0].getKind(), [&](auto zero) {
    using T = decltype(zero);
    return applyChunks<T>(operands, kind, shape, [&](T x, T y) { return static_cast<T>(function(x, y)); });
  });
}

template <typename OpTy, typename Function>
void addBinary(InterpreterTable &table, Function function) {
  table.add<OpTy>([function](OpTy op, Frame &frame) -> llvm::Expected<Tensor> {
    return evaluateBinary(op, frame, function);
  });
}

/// An operation on the bits of integers.
template <typename OpTy, typename Function>
void addBits(InterpreterTable &table, Function function) {
  addBinary<OpTy>(table, [function](auto x, auto y) {
    if constexpr (std::is_integral_v<decltype(x)>)
      return function(x, y);
    else
      return x; // No float comes here: the verifier sees to it.
  });
}

/// A shift is told the number of bits.
template <typename OpTy, typename Function>
void addShift(InterpreterTable &table, Function function) {
  table.add<OpTy>([function](OpTy op, Frame &frame) -> llvm::Expected<Tensor> {
    int64_t bits = 8 * frame.get(op.getLhs()).getElementSize();
    return evaluateBinary(op, frame, [&](auto x, auto y) {
      if constexpr (std::is_integral_v<decltype(x)>)
        return function(x, y, static_cast<decltype(x)>(bits));
      else
        return x;
    });
  });
}

//===----------------------------------------------------------------------===//
// Operations with a rule of their own
//===----------------------------------------------------------------------===//

llvm::Expected<Tensor> evaluateCast(ht::CastOp op, Frame &frame) {
  ElementKind kind = *getElementKind(getElementTypeOrSelf(op.getResult()));
  return frame.get(op.getInput()).cast(kind, op.getSaturate());
}

llvm::Expected<Tensor> evaluateBitcast(ht::BitcastOp op, Frame &frame) {
  const Tensor &input = frame.get(op.getInput());
  return Tensor::copy(*getElementKind(getElementTypeOrSelf(op.getResult())), input.getShape(),
                      input.getBytes());
}

llvm::Expected<Tensor> evaluateNot(ht::NotOp op, Frame &frame) {
  const Tensor operands[] = {frame.get(op.getInput())};
  bool isBool = operands[0].getKind() == ElementKind::I1;
  return applyChunks<int64_t>(operands, operands[0].getKind(), operands[0].getShape(),
                              [=](int64_t x) { return isBool ? !x : ~x; });
}

llvm::Expected<Tensor> evaluateIsNaN(ht::IsNaNOp op, Frame &frame) {
  const Tensor operands[] = {frame.get(op.getInput())};
  return applyChunks<double>(operands, ElementKind::I1, operands[0].getShape(),
                             [](double x) -> double { return x != x; });
}

llvm::Expected<Tensor> evaluateGelu(ht::GeluOp op, Frame &frame) {
  const Tensor operands[] = {frame.get(op.getInput())};
  return applyChunks<double>(operands, operands[0].getKind(), operands[0].getShape(),
                             op.getApproximate() == ht::GeluApproximation::Tanh ? computeGeluTanh
                                                                                : computeGelu);
}

llvm::Expected<Tensor> evaluateDiv(ht::DivOp op, Frame &frame) {
  const Tensor &rhs = frame.get(op.getRhs());
  if (!isFloat(rhs.getKind()) && getNumElements(frame.getShape(op.getResult())) != 0)
    for (int64_t value : rhs.toVector<int64_t>())
      if (value == 0)
        return makeError(op, "integer division by zero");
  return evaluateBinary(op, frame, [](auto x, auto y) { return divide(x, y); });
}

template <typename T>
bool compare(ht::ComparePredicate predicate, T x, T y) {
  switch (predicate) {
  case ht::ComparePredicate::EQ:
    return x == y;
  case ht::ComparePredicate::NE:
    return x != y;
  case ht::ComparePredicate::LT:
    return x < y;
  case ht::ComparePredicate::LE:
    return x <= y;
  case ht::ComparePredicate::GT:
    return x > y;
  case ht::ComparePredicate::GE:
    return x >= y;
  }
  llvm_unreachable("covered switch");
}

llvm::Expected<Tensor> evaluateCompare(ht::CompareOp op, Frame &frame) {
  return evaluateBinary(op, frame, [&](auto x, auto y) { return compare(op.getPredicate(), x, y); });
}

llvm::Expected<Tensor> evaluateWhere(ht::WhereOp op, Frame &frame) {
  Tensor result = frame.allocate(op.getResult());
  Tensor condition = broadcastTo(frame.get(op.getCondition()), result.getShape());
  Tensor lhs = broadcastTo(frame.get(op.getLhs()), result.getShape());
  Tensor rhs = broadcastTo(frame.get(op.getRhs()), result.getShape());
  // A choice moves bytes: a NaN keeps its payload.
  int64_t size = result.getElementSize();
  for (int64_t i = 0; i < result.getNumElements(); ++i)
    std::memcpy(result.getMutableData() + i * size, (condition.data()[i] ? lhs : rhs).data() + i * size,
                size);
  return result;
}

} // namespace

void addElementwise(InterpreterTable &table) {
  using namespace ht;
  addFloatUnary<CeilOp>(table, [](double x) { return std::ceil(x); });
  addFloatUnary<CosOp>(table, [](double x) { return std::cos(x); });
  addFloatUnary<ErfOp>(table, [](double x) { return std::erf(x); });
  addFloatUnary<ExpOp>(table, [](double x) { return std::exp(x); });
  addFloatUnary<FloorOp>(table, [](double x) { return std::floor(x); });
  addFloatUnary<LogOp>(table, [](double x) { return std::log(x); });
  addFloatUnary<ReciprocalOp>(table, [](double x) { return 1 / x; });
  addFloatUnary<RoundOp>(table, [](double x) { return std::nearbyint(x); });
  addFloatUnary<RsqrtOp>(table, [](double x) { return 1 / std::sqrt(x); });
  addFloatUnary<SigmoidOp>(table, computeSigmoid);
  addFloatUnary<SiluOp>(table, computeSilu);
  addFloatUnary<SinOp>(table, [](double x) { return std::sin(x); });
  addFloatUnary<SqrtOp>(table, [](double x) { return std::sqrt(x); });
  addFloatUnary<TanhOp>(table, [](double x) { return std::tanh(x); });

  addUnary<AbsOp>(table, [](auto x) { return absolute(x); });
  addUnary<NegOp>(table, [](auto x) { return -wrap(x); });
  addUnary<ReluOp>(table, [](auto x) { return maximum(x, decltype(x)(0)); });
  addUnary<SignOp>(table, [](auto x) { return sign(x); });

  addBinary<AddOp>(table, [](auto x, auto y) { return wrap(x) + wrap(y); });
  addBinary<SubOp>(table, [](auto x, auto y) { return wrap(x) - wrap(y); });
  addBinary<MulOp>(table, [](auto x, auto y) { return wrap(x) * wrap(y); });
  addBinary<PowOp>(table, [](auto x, auto y) { return std::pow(double(x), double(y)); });
  addBinary<MaxOp>(table, [](auto x, auto y) { return maximum(x, y); });
  addBinary<MinOp>(table, [](auto x, auto y) { return minimum(x, y); });
  addBits<AndOp>(table, [](auto x, auto y) { return x & y; });
  addBits<OrOp>(table, [](auto x, auto y) { return x | y; });
  addBits<XorOp>(table, [](auto x, auto y) { return x ^ y; });
  addShift<ShiftLeftOp>(table, [](auto x, auto y, auto bits) { return shiftLeft(x, y, bits); });
  addShift<ShiftRightOp>(table, [](auto x, auto y, auto bits) { return shiftRight(x, y, bits); });

  table.add<BitcastOp>(evaluateBitcast);
  table.add<CastOp>(evaluateCast);
  table.add<CompareOp>(evaluateCompare);
  table.add<DivOp>(evaluateDiv);
  table.add<GeluOp>(evaluateGelu);
  table.add<IsNaNOp>(evaluateIsNaN);
  table.add<NotOp>(evaluateNot);
  table.add<WhereOp>(evaluateWhere);
}

} // namespace halftone::evaluate
