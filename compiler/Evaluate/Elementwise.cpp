//===- Elementwise.cpp - one scalar function per element --------------------===//

#include "compiler/Evaluate/Attributes.h"
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

/// A null function: not defined on that kind (the verifier sees to it).
struct Unary {
  double (*onDouble)(double);
  int64_t (*onInt)(int64_t) = nullptr;
};
struct Binary {
  double (*onDouble)(double, double);
  int64_t (*onInt)(int64_t, int64_t) = nullptr;
};

/// i64 arithmetic modulo 2^64; storing to a narrower type wraps further.
int64_t wrap(uint64_t value) { return static_cast<int64_t>(value); }

template <typename T>
T sign(T x) {
  return x > 0 ? T(1) : x < 0 ? T(-1) : x; // Zeros keep their sign, NaN stays.
}

template <typename T>
T maximum(T x, T y) {
  if (x != x || y != y)
    return x + y;
  return x > y ? x : y;
}
template <typename T>
T minimum(T x, T y) {
  if (x != x || y != y)
    return x + y;
  return x < y ? x : y;
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

template <typename OpTy>
void addUnary(InterpreterTable &table, Unary functions) {
  table.add<OpTy>([functions](OpTy op, Frame &frame) -> llvm::Expected<Tensor> {
    const Tensor operands[] = {frame.get(op.getInput())};
    const Tensor &input = operands[0];
    if (isFloat(input.getKind()))
      return applyChunks<double>(operands, input.getKind(), input.getShape(), functions.onDouble);
    return applyChunks<int64_t>(operands, input.getKind(), input.getShape(), functions.onInt);
  });
}

template <typename OpTy>
llvm::Expected<Tensor> evaluateBinary(OpTy op, Frame &frame, Binary functions) {
  Shape shape = frame.getShape(op.getResult());
  const Tensor operands[] = {broadcastTo(frame.get(op.getLhs()), shape),
                             broadcastTo(frame.get(op.getRhs()), shape)};
  ElementKind kind = *getElementKind(getElementTypeOrSelf(op.getResult()));
  if (isFloat(operands[0].getKind()))
    return applyChunks<double>(operands, kind, shape, functions.onDouble);
  return applyChunks<int64_t>(operands, kind, shape, functions.onInt);
}

template <typename OpTy>
void addBinary(InterpreterTable &table, Binary functions) {
  table.add<OpTy>([functions](OpTy op, Frame &frame) { return evaluateBinary(op, frame, functions); });
}

//===----------------------------------------------------------------------===//
// Operations with a rule of their own
//===----------------------------------------------------------------------===//

llvm::Expected<Tensor> evaluateCast(ht::CastOp op, Frame &frame) {
  return frame.get(op.getInput()).cast(*getElementKind(getElementTypeOrSelf(op.getResult())));
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
  return evaluateBinary(op, frame,
                        {[](double x, double y) { return x / y; },
                         [](int64_t x, int64_t y) { return y == -1 ? wrap(-uint64_t(x)) : x / y; }});
}

template <typename T>
T compare(ht::ComparePredicate predicate, T x, T y) {
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
  Shape shape = frame.getShape(op.getResult());
  ht::ComparePredicate predicate = op.getPredicate();
  const Tensor operands[] = {broadcastTo(frame.get(op.getLhs()), shape),
                             broadcastTo(frame.get(op.getRhs()), shape)};
  if (isFloat(operands[0].getKind()))
    return applyChunks<double>(operands, ElementKind::I1, shape,
                               [=](double x, double y) { return compare(predicate, x, y); });
  return applyChunks<int64_t>(operands, ElementKind::I1, shape,
                              [=](int64_t x, int64_t y) { return compare(predicate, x, y); });
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
  // clang-format off
  addUnary<AbsOp>(table, {[](double x) { return std::fabs(x); },
                          [](int64_t x) { return x < 0 ? wrap(-uint64_t(x)) : x; }});
  addUnary<CeilOp>(table, {[](double x) { return std::ceil(x); }});
  addUnary<CosOp>(table, {[](double x) { return std::cos(x); }});
  addUnary<ErfOp>(table, {[](double x) { return std::erf(x); }});
  addUnary<ExpOp>(table, {[](double x) { return std::exp(x); }});
  addUnary<FloorOp>(table, {[](double x) { return std::floor(x); }});
  addUnary<LogOp>(table, {[](double x) { return std::log(x); }});
  addUnary<NegOp>(table, {[](double x) { return -x; }, [](int64_t x) { return wrap(-uint64_t(x)); }});
  addUnary<NotOp>(table, {nullptr, [](int64_t x) { return int64_t(!x); }});
  addUnary<ReciprocalOp>(table, {[](double x) { return 1 / x; }});
  addUnary<ReluOp>(table, {[](double x) { return maximum(x, 0.0); },
                           [](int64_t x) { return std::max<int64_t>(x, 0); }});
  addUnary<RoundOp>(table, {[](double x) { return std::nearbyint(x); }});
  addUnary<RsqrtOp>(table, {[](double x) { return 1 / std::sqrt(x); }});
  addUnary<SigmoidOp>(table, {computeSigmoid});
  addUnary<SignOp>(table, {sign<double>, sign<int64_t>});
  addUnary<SiluOp>(table, {computeSilu});
  addUnary<SinOp>(table, {[](double x) { return std::sin(x); }});
  addUnary<SqrtOp>(table, {[](double x) { return std::sqrt(x); }});
  addUnary<TanhOp>(table, {[](double x) { return std::tanh(x); }});

  addBinary<AddOp>(table, {[](double x, double y) { return x + y; },
                           [](int64_t x, int64_t y) { return wrap(uint64_t(x) + uint64_t(y)); }});
  addBinary<SubOp>(table, {[](double x, double y) { return x - y; },
                           [](int64_t x, int64_t y) { return wrap(uint64_t(x) - uint64_t(y)); }});
  addBinary<MulOp>(table, {[](double x, double y) { return x * y; },
                           [](int64_t x, int64_t y) { return wrap(uint64_t(x) * uint64_t(y)); }});
  addBinary<PowOp>(table, {[](double x, double y) { return std::pow(x, y); }});
  addBinary<MaxOp>(table, {maximum<double>, maximum<int64_t>});
  addBinary<MinOp>(table, {minimum<double>, minimum<int64_t>});
  addBinary<AndOp>(table, {nullptr, [](int64_t x, int64_t y) { return int64_t(x && y); }});
  addBinary<OrOp>(table, {nullptr, [](int64_t x, int64_t y) { return int64_t(x || y); }});
  addBinary<XorOp>(table, {nullptr, [](int64_t x, int64_t y) { return int64_t(!x != !y); }});
  // clang-format on

  table.add<CastOp>(evaluateCast);
  table.add<CompareOp>(evaluateCompare);
  table.add<DivOp>(evaluateDiv);
  table.add<GeluOp>(evaluateGelu);
  table.add<IsNaNOp>(evaluateIsNaN);
  table.add<WhereOp>(evaluateWhere);
}

} // namespace halftone::evaluate
