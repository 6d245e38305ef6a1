//===- TransformerTest.cpp - linear, norms, rope, attention, GLU ------------===//
//
// The expected numbers are numpy's, from the expressions beside them.
//
//===----------------------------------------------------------------------===//

#include "test/evaluate/Fixture.h"

namespace halftone::evaluate {
namespace {

using TransformerTest = EvaluateTest;

TEST_F(TransformerTest, Linear) {
  Tensor x = f32({1, 2, 2}, {1, 2, 3, 4}), w = f32({3, 2}, {1, 0, 0, 1, 1, -1}), b = f32({3}, {10, 20, 30});
  expectEqual(runOp("ht.linear %0, %1 : tensor<1x2x2xf32>, tensor<3x2xf32> -> tensor<1x2x3xf32>", {x, w},
                    "tensor<1x2x3xf32>"),
              {1, 2, -1, 3, 4, -1});
  expectEqual(runOp("ht.linear %0, %1 bias %2 : tensor<1x2x2xf32>, tensor<3x2xf32>, tensor<3xf32> -> "
                    "tensor<1x2x3xf32>",
                    {x, w, b}, "tensor<1x2x3xf32>"),
              {11, 22, 29, 13, 24, 29});
  // A narrow weight is widened, the result keeps the type of x.
  Tensor narrow = runOp("ht.linear %0, %1 : tensor<1x2x2xf32>, tensor<3x2xbf16> -> tensor<1x2x3xf32>",
                        {x, w.cast(ElementKind::BF16)}, "tensor<1x2x3xf32>");
  expectEqual(narrow, {1, 2, -1, 3, 4, -1});
}

TEST_F(TransformerTest, LinearOfManyRows) {
  // More rows than a block and a width that no unrolling divides.
  // numpy: x = (np.arange(70 * 13) % 17 - 8.).reshape(70, 13); w = (np.arange(5 * 13) % 7 - 3.).reshape(5,
  // 13); x @ w.T
  Tensor x = generate({70, 13}, [](double i) { return std::fmod(i, 17) - 8; });
  Tensor w = generate({5, 13}, [](double i) { return std::fmod(i, 7) - 3; });
  Tensor y = runOp("ht.linear %0, %1 : tensor<70x13xf64>, tensor<5x13xf64> -> tensor<70x5xf64>", {x, w},
                   "tensor<70x5xf64>");
  for (int64_t i = 0; i < 70; ++i)
    for (int64_t j = 0; j < 5; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < 13; ++k)
        sum += x.getDouble(i * 13 + k) * w.getDouble(j * 13 + k);
      ASSERT_EQ(y.getDouble(i * 5 + j), sum);
    }
}

TEST_F(TransformerTest, Embedding) {
  Tensor table = f32({3, 2}, {1, 2, 3, 4, 5, 6});
  expectEqual(runOp("ht.embedding %0, %1 : tensor<3x2xf32>, tensor<1x3xi64> -> tensor<1x3x2xf32>",
                    {table, i64({1, 3}, {2, 0, -2})}, "tensor<1x3x2xf32>"),
              {5, 6, 1, 2, 3, 4});
  Tensor wide = runOp("ht.embedding %0, %1 : tensor<3x2xbf16>, tensor<1xi64> -> tensor<1x2xf32>",
                      {table.cast(ElementKind::BF16), i64({1}, 1)}, "tensor<1x2xf32>");
  EXPECT_EQ(wide.getKind(), ElementKind::F32);
  expectEqual(wide, {3, 4});
  std::string text = getFunction("ht.embedding %0, %1 : tensor<3x2xf32>, tensor<1xi64> -> tensor<1x2xf32>",
                                 {table, i64({1}, 3)}, "tensor<1x2xf32>");
  EXPECT_NE(getError(text, {table, i64({1}, 3)}).find("index 3 is outside [-3, 3)"), std::string::npos);
}

TEST_F(TransformerTest, Norms) {
  // numpy: x = np.arange(6).reshape(2, 3)**2 / 4; g = np.array([1., 2., -1.]); b = np.array([.5, 0., 1.])
  Tensor x = generate({2, 3}, [](double i) { return i * i / 4; });
  Tensor g = f64({3}, {1, 2, -1}), b = f64({3}, {0.5, 0, 1});
  // (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * g + b
  expectNear(runOp("ht.layer_norm %0, %1, %2 epsilon 1.0e-5 : tensor<2x3xf64>, tensor<3xf64>, tensor<3xf64>",
                   {x, g, b}, "tensor<2x3xf64>"),
             {-0.4805535222770376, -0.7844428178216302, -0.37277493118785254, -0.6706669930608464,
              -0.20359425966275624, -0.272464122892224},
             1e-14);
  // x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * g
  expectNear(
      runOp("ht.rms_norm %0, %1 epsilon 1.0e-6 : tensor<2x3xf64>, tensor<3xf64>", {x, g}, "tensor<2x3xf64>"),
      {0.0, 0.840166864299717, -1.680333728599434, 0.5025920214200313, 1.7869938539378891,
       -1.3960889483889758},
      1e-14);
  expectEqual(runOp("ht.layer_norm %0, %1 epsilon 0.5 : tensor<1x3xf32>, tensor<3xf32>",
                    {f32({1, 3}, {2, 2, 2}), f32({3}, {1, 1, 1})}, "tensor<1x3xf32>"),
              {0, 0, 0});
}

TEST_F(TransformerTest, Rope) {
  // numpy: x = np.arange(24.).reshape(1, 2, 2, 6); a = np.array([[.1, .2], [1., 2.]]).reshape(1, 2, 2)
  // c, s = np.cos(a)[:, :, None], np.sin(a)[:, :, None]
  Tensor x = generate({1, 2, 2, 6}, [](double i) { return i; });
  Tensor c = f64({1, 2, 2}, {std::cos(.1), std::cos(.2), std::cos(1), std::cos(2)});
  Tensor s = f64({1, 2, 2}, {std::sin(.1), std::sin(.2), std::sin(1), std::sin(2)});
  // y[..., 0:2] = x[..., 0:2] * c - x[..., 2:4] * s; y[..., 2:4] = x[..., 2:4] * c + x[..., 0:2] * s
  expectNear(runOp("ht.rope %0, %1, %2 : tensor<1x2x2x6xf64>, tensor<1x2x2xf64>, tensor<1x2x2xf64>",
                   {x, c, s}, "tensor<1x2x2x6xf64>"),
             {-0.1996668332936563, 0.384058585456058,   1.9900083305560516, 3.1388690643187864, 4.0,  5.0,
              5.17135765849353,    5.0724420677331405,  8.559033822105176,  10.211284516136605, 10.0, 11.0,
              -5.296966116892873,  -19.049370277498078, 17.661884099848713, 5.578664000526726,  16.0, 17.0,
              -7.103978190531414,  -27.002035857735024, 25.952523843904935, 8.537567542197964,  22.0, 23.0},
             1e-14);
  // y[..., 0:4:2] = x[..., 0:4:2] * c - x[..., 1:4:2] * s; y[..., 1:4:2] = x[..., 1:4:2] * c + x[..., 0:4:2]
  // * s
  expectNear(
      runOp("ht.rope %0, %1, %2 interleaved : tensor<1x2x2x6xf64>, tensor<1x2x2xf64>, tensor<1x2x2xf64>",
            {x, c, s}, "tensor<1x2x2x6xf64>"),
      {-0.09983341664682815, 0.9950041652780258, 1.3641251632972997,  3.3375383951138478, 4.0,  5.0,
       5.271191075140358,    7.56402965682715,   6.052508645574382,   10.409953846931664, 10.0, 11.0,
       -4.455495132084977,   17.121581793980575, -19.46551711404522,  6.487961427352407,  16.0, 17.0,
       -6.262507205723518,   25.412221538036793, -27.418182694282166, 9.446864969023645,  22.0, 23.0},
      1e-14);
}

TEST_F(TransformerTest, RopeAnglesOfEachBatchOrShared) {
  Tensor x = f64({2, 1, 1, 2}, {1, 0, 1, 0}), c = f64({2, 1, 1}, {1, 0}), s = f64({2, 1, 1}, {0, 1});
  expectEqual(runOp("ht.rope %0, %1, %2 : tensor<2x1x1x2xf64>, tensor<2x1x1xf64>, tensor<2x1x1xf64>",
                    {x, c, s}, "tensor<2x1x1x2xf64>"),
              {1, 0, 0, 1});
  expectEqual(runOp("ht.rope %0, %1, %2 : tensor<2x1x1x2xf64>, tensor<1x1x1xf64>, tensor<1x1x1xf64>",
                    {x, f64({1, 1, 1}, 0), f64({1, 1, 1}, 1)}, "tensor<2x1x1x2xf64>"),
              {0, 1, 0, 1});
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

// numpy:
//   def attention(q, k, v, scale, mask=None, bias=None, causal=False):
//       S, H, T, G = q.shape[1], q.shape[2], k.shape[1], k.shape[2]
//       kk, vv = np.repeat(k, H // G, 2), np.repeat(v, H // G, 2)
//       s = np.einsum('bihe,bjhe->bhij', q, kk) * scale
//       if bias is not None: s = s + bias
//       if mask is not None: s = np.where(mask, s, -np.inf)
//       if causal: s = np.where(np.tril(np.ones((S, T), bool), T - S), s, -np.inf)
//       m = s.max(-1, keepdims=True); m = np.where(np.isinf(m), 0, m)
//       e = np.exp(s - m); z = e.sum(-1, keepdims=True)
//       p = np.where(z > 0, e / np.where(z > 0, z, 1), 0)
//       return np.einsum('bhij,bjhe->bihe', p, vv)
//   q = np.sin(np.arange(32.)).reshape(2, 2, 4, 2); k = np.cos(np.arange(24.)).reshape(2, 3, 2, 2)
//   v = np.sin(np.arange(36.) * .5).reshape(2, 3, 2, 3)
class AttentionTest : public EvaluateTest {
protected:
  Tensor q = generate({2, 2, 4, 2}, [](double i) { return std::sin(i); });
  Tensor k = generate({2, 3, 2, 2}, [](double i) { return std::cos(i); });
  Tensor v = generate({2, 3, 2, 3}, [](double i) { return std::sin(i * .5); });

  Tensor attend(llvm::StringRef options, llvm::ArrayRef<Tensor> more = {}) {
    llvm::SmallVector<Tensor> inputs = {q, k, v};
    llvm::append_range(inputs, more);
    return runOp(("ht.attention %0, %1, %2 " + options +
                  " : tensor<2x2x4x2xf64>, tensor<2x3x2x2xf64>, tensor<2x3x2x3xf64> -> tensor<2x2x4x3xf64>")
                     .str(),
                 inputs, "tensor<2x2x4x3xf64>");
  }
};

TEST_F(AttentionTest, GroupedQueries) {
  // attention(q, k, v, .5)
  expectNear(attend("scale 0.5"),
             {-0.01026087020462195,  0.11527869274954772,   0.21259401123366437,  -0.042257194190019005,
              0.2162544359871551,    0.4218194380975494,    0.7196386432465128,   0.6964799119052365,
              0.5027986075434443,    0.24067371217547112,   0.24437449727939894,  0.18824388259078254,
              -0.031801458265767586, 0.23003546021744853,   0.43555167527228633,  -0.09578740137217209,
              0.08226997610706745,   0.2401847941695721,    0.39010771777255987,  0.39047776453217387,
              0.29524523614618187,   -0.24238513162337644,  -0.23628303333578365, -0.17233060782871423,
              0.10639681105797477,   0.039687165681811555,  -0.03673928199155106, 0.03449249346349467,
              0.00609765999938975,   -0.023790093295892878, 0.1806639717482902,   0.22943016336224586,
              0.22202384932844266,   -0.4800380230817427,   -0.5885498875869999,  -0.5529642132160378,
              -0.005744326716978776, 0.008280592870185732,  0.020278134526956315, 0.31225953901370174,
              -0.004046820566385632, -0.31936237733402045,  -0.40174458646969974, -0.48792503261527764,
              -0.4546444137962183,   -0.5084887338138147,   -0.6443324861972906,  -0.6224211740786083},
             1e-14);
}

TEST_F(AttentionTest, CausalWithEarlierKeys) {
  // attention(q, k, v, .5, causal=True): query i sees keys up to i + 1.
  expectNear(attend("scale 0.5 causal"),
             {0.06675425076229824,   0.08671039542815284,  0.08543681116243301,  0.04466350388392164,
              0.21667022156865184,   0.3356285123752227,   0.5931294392900931,   0.5267987491160151,
              0.33148935240965943,   -0.1756934610617007,  -0.20044852684724684, -0.17612680237381542,
              -0.031801458265767586, 0.23003546021744853,  0.43555167527228633,  -0.09578740137217209,
              0.08226997610706745,   0.2401847941695721,   0.39010771777255987,  0.39047776453217387,
              0.29524523614618187,   -0.24238513162337644, -0.23628303333578365, -0.17233060782871423,
              -0.2480679663778314,   -0.06900693758418466, 0.12694939623115578,  -0.19776479493252525,
              -0.06947509606263608,  0.07582452935206946,  0.341163071731249,    0.44358996367554554,
              0.4374105617712363,    -0.33669007660429523, -0.3579239688548113,  -0.2915255904948552,
              -0.005744326716978776, 0.008280592870185732, 0.020278134526956315, 0.31225953901370174,
              -0.004046820566385632, -0.31936237733402045, -0.40174458646969974, -0.48792503261527764,
              -0.4546444137962183,   -0.5084887338138147,  -0.6443324861972906,  -0.6224211740786083},
             1e-14);
}

TEST_F(AttentionTest, CacheRowsFromStartsInAWindow) {
  // p = np.array([[1], [0]]) + np.arange(2); j = np.arange(3)
  // mask = ((j <= p[..., None]) & (j > p[..., None] - 2))[:, None]
  // attention(q, k[[1, 0]], v[[1, 0]], .5, mask=mask)
  Tensor y = attend("sequences %3 : tensor<2xi64> start %4 : tensor<2xi64> scale 0.5 causal window 2",
                    {i64({2}, {1, -2}), i64({2}, {1, 0})});
  expectNear(y,
             {0.053406097651119644, -0.07181267795905975, -0.17944920545015952,
              0.13838604157800208, -0.07260356410211244, -0.2658172851522095,
              -0.43888816004182435, -0.4787660538317946, -0.4014253200938764,
              0.16867177560872965, 0.23963107166198871, 0.25192032394659747,
              0.23499454371908982, 0.11101601488105836, -0.04014310621873199,
              -0.01261424710860376, 0.05410533863522757, 0.10757805049150207,
              -0.0015948182724260795, -0.04669506499928622, -0.08036273126699606,
              0.48353271018308236, 0.5781335022208843, 0.5311870498042318,
              0.0, 0.479425538604203, 0.8414709848078965,
              0.0, 0.479425538604203, 0.8414709848078965,
              0.9974949866040544, 0.9092974268256817, 0.5984721441039565,
              0.9974949866040544, 0.9092974268256817, 0.5984721441039565,
              0.09632818414298422, -0.08727300411940889, -0.24950671722094409,
              0.04517528203976283, 0.2136594315522794, 0.3298323005876174,
              0.2012021019429277, 0.15606566048033726, 0.07271890235196726,
              0.4787476262465229, 0.4186023596515328, 0.2559686361461718},
             1e-14);
}

TEST_F(AttentionTest, SequencesOutsideOfTheCache) {
  EXPECT_NE(getError(R"(
    func.func @f(%q: tensor<1x1x1x1xf32>, %i: tensor<1xi64>) -> tensor<1x1x1x1xf32> {
      %y = ht.attention %q, %q, %q sequences %i : tensor<1xi64> scale 1.0
          : tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32>, tensor<1x1x1x1xf32> -> tensor<1x1x1x1xf32>
      return %y : tensor<1x1x1x1xf32>
    })",
                     {f32({1, 1, 1, 1}, {1}), i64({1}, {1})})
                .find("index 1 is outside [-1, 1)"),
            std::string::npos);
}

TEST_F(AttentionTest, MaskAndBias) {
  // mask = np.array([[1, 0, 1], [0, 0, 0]], bool).reshape(2, 1, 1, 3)
  // bias = np.linspace(-1, 1, 24).reshape(1, 4, 2, 3)
  // attention(q, k, v, .5, mask=mask, bias=bias): the second batch may attend nowhere.
  Tensor mask = i1({2, 1, 1, 3}, {1, 0, 1, 0, 0, 0});
  Tensor bias = generate({1, 4, 2, 3}, [](double i) { return -1 + i * 2 / 23; });
  expectNear(attend("mask %3 : tensor<2x1x1x3xi1> bias %4 : tensor<1x4x2x3xf64> scale 0.5", {mask, bias}),
             {-0.10967454627507003,
              0.3756818611141659,
              0.7690582465396959,
              -0.10883992880864447,
              0.3764713449844455,
              0.7696093036281726,
              0.9698684079614264,
              0.9464737638105793,
              0.6913493328523971,
              0.9596339362018267,
              0.9602460146534764,
              0.7257563789674096,
              -0.09322073871045633,
              0.3912458963752302,
              0.7799218908505959,
              -0.21529328249814153,
              0.27577466769710673,
              0.6993233612623279,
              0.9605136732441968,
              0.9590621763950978,
              0.7227988103017361,
              0.963496616493412,
              0.9550481106334936,
              0.7127705188231908,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0,
              0.0},
             1e-14);
}

TEST_F(AttentionTest, SoftcapComesBeforeTheBias) {
  // numpy: s = np.einsum("bihe,bjhe->bhij", q, k) * 0.5; s = 2 * np.tanh(s / 2) + b; softmax(s) @ v
  Tensor q = generate({1, 2, 1, 2}, [](double i) { return (i - 1) * 1.5; });
  Tensor k = generate({1, 3, 1, 2}, [](double i) { return i * 0.7 - 2; });
  Tensor v = generate({1, 3, 1, 1}, [](double i) { return i; });
  Tensor b = generate({1, 1, 1, 3}, [](double i) { return i * 0.25; });
  expectNear(runOp("ht.attention %0, %1, %2 bias %3 : tensor<1x1x1x3xf64> scale 0.5 softcap 2.0 : "
                   "tensor<1x2x1x2xf64>, tensor<1x3x1x2xf64>, tensor<1x3x1x1xf64> -> tensor<1x2x1x1xf64>",
                   {q, k, v, b}, "tensor<1x2x1x1xf64>"),
             {0.5924946226070903, 1.8844049578946453}, 1e-15);
}

TEST_F(AttentionTest, NowhereToAttend) {
  // By causality: more queries than keys. numpy: attention(q, k, k, 1., causal=True) with
  // q = np.sin(np.arange(6.)).reshape(1, 3, 1, 2), k = np.cos(np.arange(4.)).reshape(1, 2, 1, 2)
  Tensor q = generate({1, 3, 1, 2}, [](double i) { return std::sin(i); });
  Tensor k = generate({1, 2, 1, 2}, [](double i) { return std::cos(i); });
  expectNear(runOp("ht.attention %0, %1, %1 scale 1.0 causal : tensor<1x3x1x2xf64>, tensor<1x2x1x2xf64>, "
                   "tensor<1x2x1x2xf64> -> tensor<1x3x1x2xf64>",
                   {q, k}, "tensor<1x3x1x2xf64>"),
             {0.0, 0.0, 1.0, 0.5403023058681398, -0.3125461590311414, -0.8780411266976517}, 1e-14);
  // By a bias of -inf.
  expectEqual(attend("bias %3 : tensor<1x1x1x1xf32> scale 0.5", f32({1, 1, 1, 1}, -kInfinity)),
              std::vector<double>(48, 0.0));
  // By the absence of keys.
  expectEqual(runOp("ht.attention %0, %1, %1 scale 1.0 : tensor<1x1x1x2xf64>, tensor<1x0x1x2xf64>, "
                    "tensor<1x0x1x2xf64> -> tensor<1x1x1x2xf64>",
                    {f64({1, 1, 1, 2}, {1, 2}), f64({1, 0, 1, 2}, {})}, "tensor<1x1x1x2xf64>"),
              {0, 0});
}

TEST_F(AttentionTest, NowhereToAttendIsUniform) {
  // numpy: v.mean(1, keepdims=True) with v = np.array([1., 2, 6]).reshape(1, 3, 1, 1); causality holds nothing back.
  Tensor q = f64({1, 1, 1, 1}, 1), v = f64({1, 3, 1, 1}, {1, 2, 6});
  expectNear(runOp("ht.attention %0, %1, %1 mask %2 : tensor<1x1x1x1xi1> scale 1.0 causal uniform : "
                   "tensor<1x1x1x1xf64>, tensor<1x3x1x1xf64>, tensor<1x3x1x1xf64> -> tensor<1x1x1x1xf64>",
                   {q, v, i1({1, 1, 1, 1}, {0})}, "tensor<1x1x1x1xf64>"),
             {3.0}, 1e-14);
}

TEST_F(AttentionTest, MaskedNaNHasNoPart) {
  Tensor x = f64({1, 1, 1, 1}, 1), k = f64({1, 2, 1, 1}, {1, kNaN});
  expectEqual(runOp("ht.attention %0, %1, %1 mask %2 : tensor<1x1x1x2xi1> scale 1.0 : tensor<1x1x1x1xf64>, "
                    "tensor<1x2x1x1xf64>, tensor<1x2x1x1xf64> -> tensor<1x1x1x1xf64>",
                    {x, k, i1({1, 1, 1, 2}, {1, 0})}, "tensor<1x1x1x1xf64>"),
              {1});
  expectEqual(runOp("ht.attention %0, %1, %1 scale 1.0 : tensor<1x1x1x1xf64>, tensor<1x2x1x1xf64>, "
                    "tensor<1x2x1x1xf64> -> tensor<1x1x1x1xf64>",
                    {x, k}, "tensor<1x1x1x1xf64>"),
              {kNaN});
  // By a bias: what is added decides, as where the mask adds it.
  Tensor keys = f64({1, 2, 1, 1}, {1, 1}), values = f64({1, 2, 1, 1}, {5, kNaN});
  expectEqual(runOp("ht.attention %0, %1, %2 bias %3 : tensor<1x1x1x2xf64> scale 1.0 : tensor<1x1x1x1xf64>, "
                    "tensor<1x2x1x1xf64>, tensor<1x2x1x1xf64> -> tensor<1x1x1x1xf64>",
                    {x, keys, values, f64({1, 1, 1, 2}, {0, -kInfinity})}, "tensor<1x1x1x1xf64>"),
              {5});
}

TEST_F(TransformerTest, Glu) {
  Tensor gate = f64({3}, {-1, 0.5, 3}), up = f64({3}, {2, 2, -1});
  auto glu = [&](llvm::StringRef activation) {
    return runOp(("ht.glu " + activation + " %0, %1 : tensor<3xf64>").str(), {gate, up}, "tensor<3xf64>");
  };
  // The values of ElementwiseTest times up.
  expectNear(glu("silu"), {-0.5378828427399902, 0.6224593312018546, -2.8577223804672998}, 1e-15);
  expectNear(glu("gelu"), {-0.31731050786291415, 0.6914624612740131, -2.99595030590511}, 1e-15);
  expectNear(glu("gelu_tanh"), {-0.3176160187834446, 0.6914280196502879, -2.996362607918227}, 1e-14);
  expectNear(glu("relu"), {0, 1, -3}, 0);
  expectNear(glu("sigmoid"), {0.5378828427399902, 1.2449186624037092, -0.9525741268224334}, 1e-15);
}

//===----------------------------------------------------------------------===//
// Caches
//===----------------------------------------------------------------------===//

constexpr const char *kUpdate = R"(
  func.func @f(%state: tensor<3x4x2xf32>, %x: tensor<2x2x2xf32>, %n: tensor<2xi64>, %p: tensor<2xi64>)
      -> tensor<3x4x2xf32> {
    %y = ht.update %state, %x sequences %n start %p
        : tensor<3x4x2xf32>, tensor<2x2x2xf32>, tensor<2xi64>, tensor<2xi64>
    return %y : tensor<3x4x2xf32>
  })";

TEST_F(EvaluateTest, UpdateWritesTokensOfItsSequences) {
  Tensor state = Tensor::allocate(ElementKind::F32, {3, 4, 2});
  Tensor x = f32({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  // y = np.zeros((3, 4, 2)); y[2, 1:3] = x[0]; y[0, 2:4] = x[1]
  expectNear(run(kUpdate, {state, x, i64({2}, {2, 0}), i64({2}, {1, 2})}),
             {0, 0, 0, 0, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0}, 0);
  EXPECT_NE(getError(kUpdate, {state, x, i64({2}, {2, 3}), i64({2}, {1, 2})}).find("index 3 is outside [-3, 3)"),
            std::string::npos);
  EXPECT_NE(getError(kUpdate, {state, x, i64({2}, {2, 0}), i64({2}, {1, 3})}).find("index 4 is outside [-4, 4)"),
            std::string::npos);
}

} // namespace
} // namespace halftone::evaluate
