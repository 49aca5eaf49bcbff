// The kernel against the textbook iteration in float64.
#include "kernels/newton_schulz.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <vector>

#include <hwy/targets.h>

namespace peakbench::kernels {
namespace {

constexpr NewtonSchulzRule kQuintic{3.4445F, -4.7750F, 2.0315F, 5};
constexpr NewtonSchulzRule kCubic{1.5F, -0.5F, 0, 5, 1e-4F, 1e4F};

// X <- a X + (b A + c A A) X, A = X X^T, whatever the shape.
at::Tensor textbook(const at::Tensor& matrix, const NewtonSchulzRule& rule) {
  at::Tensor x = matrix.to(at::kDouble);
  at::Tensor norm = x.norm();
  if (rule.least_norm > 0)
    norm = norm.clamp(rule.least_norm, rule.largest_norm);
  x = x / norm.clamp_min(1e-300);
  for (int step = 0; step < rule.steps; ++step) {
    const at::Tensor a = at::mm(x, x.t());
    x = rule.a * x + at::mm(rule.b * a + rule.c * at::mm(a, a), x);
  }
  return x;
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  return ((a.to(at::kDouble) - b).norm() / b.norm()).item<double>();
}

struct Outcome {
  std::vector<at::Tensor> results;
  std::int64_t floats = 0;
};

Outcome run(const std::vector<at::Tensor>& sources, const NewtonSchulzRule& rule) {
  Outcome outcome;
  std::vector<NewtonSchulzMatrix> matrices;
  for (const at::Tensor& source : sources) {
    outcome.results.push_back(at::full_like(source, NAN));
    matrices.push_back({source.size(0), source.size(1), source.const_data_ptr<float>(),
                        outcome.results.back().data_ptr<float>()});
  }
  outcome.floats = newton_schulz_floats(matrices);
  // NaN where nothing may be read before it was written, and beyond what may be touched.
  at::Tensor workspace = at::full({outcome.floats + 64}, NAN, at::kFloat);
  newton_schulz(matrices, rule, workspace.data_ptr<float>());
  EXPECT_TRUE(workspace.slice(0, outcome.floats, outcome.floats + 64).isnan().all().item<bool>())
      << "wrote beyond its memory";
  return outcome;
}

at::Tensor sample(std::int64_t rows, std::int64_t columns) {
  at::manual_seed(static_cast<std::uint64_t>(rows * 1000 + columns));
  return at::randn({rows, columns});
}

class Threads {
public:
  explicit Threads(int count) : before_(at::get_num_threads()) { at::set_num_threads(count); }
  ~Threads() { at::set_num_threads(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

private:
  int before_;
};

class NewtonSchulzKernel : public ::testing::TestWithParam<std::pair<std::int64_t, std::int64_t>> {
};

TEST_P(NewtonSchulzKernel, EqualsTheTextbookInFloat64) {
  const at::Tensor matrix = sample(GetParam().first, GetParam().second);
  for (const NewtonSchulzRule& rule : {kQuintic, kCubic}) {
    const at::Tensor expected = textbook(matrix, rule);
    EXPECT_LT(distance(run({matrix}, rule).results[0], expected), 1e-4);
    NewtonSchulzRule other = rule;
    other.b *= 1.001F;
    EXPECT_GT(distance(run({matrix}, other).results[0], expected), 1e-4)
        << "a thousandth in a coefficient is told apart";
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, NewtonSchulzKernel,
                         ::testing::Values(std::pair{1, 1}, std::pair{1, 9}, std::pair{7, 2},
                                           std::pair{10, 128}, std::pair{31, 33}, std::pair{64, 64},
                                           std::pair{128, 128}, std::pair{128, 300},
                                           std::pair{300, 128}, std::pair{200, 200}),
                         [](const auto& shape) {
                           return std::to_string(shape.param.first) + "x" +
                                  std::to_string(shape.param.second);
                         });

// What a network hands over: several matrices of each of a few shapes.
std::vector<at::Tensor> network() {
  std::vector<at::Tensor> sources{sample(10, 64)};
  for (std::int64_t i = 0; i < 5; ++i)
    sources.push_back(sample(64, 64) * static_cast<double>(i + 1));
  sources.push_back(sample(64, 90));
  return sources;
}

TEST(NewtonSchulz, NeitherResultsNorMemoryDependOnThreadsOrCompany) {
  const std::vector<at::Tensor> sources = network();
  Outcome one;
  {
    const Threads threads(1);
    one = run(sources, kQuintic);
  }
  for (const int count : {2, 3, 9}) {
    const Threads threads(count);
    const Outcome many = run(sources, kQuintic);
    EXPECT_EQ(many.floats, one.floats);
    for (std::size_t i = 0; i < sources.size(); ++i)
      EXPECT_TRUE(at::equal(many.results[i], one.results[i])) << "matrix " << i;
  }
  for (std::size_t i = 0; i < sources.size(); ++i)
    EXPECT_TRUE(at::equal(run({sources[i]}, kQuintic).results[0], one.results[i]));
}

TEST(NewtonSchulz, MemoryIsOfTwoMatricesHoweverManyThereAre) {
  const auto floats = [](std::size_t count) {
    std::vector<NewtonSchulzMatrix> matrices(count);
    for (NewtonSchulzMatrix& matrix : matrices)
      matrix.rows = matrix.columns = 128;
    return newton_schulz_floats(matrices);
  };
  EXPECT_EQ(floats(2), 2 * floats(1));
  EXPECT_EQ(floats(30), floats(2));
  EXPECT_LE(floats(30) * 4, 450000);
}

TEST(NewtonSchulz, EqualsTheTextbookOnEveryInstructionSet) {
  const at::Tensor square = sample(70, 70), wide = sample(30, 65);
  for (std::int64_t left = hwy::SupportedTargets(); left != 0; left &= left - 1) {
    const std::int64_t target = left & -left;
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    const Outcome result = run({square, wide}, kQuintic);
    EXPECT_LT(distance(result.results[0], textbook(square, kQuintic)), 1e-4)
        << hwy::TargetName(target);
    EXPECT_LT(distance(result.results[1], textbook(wide, kQuintic)), 1e-4)
        << hwy::TargetName(target);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST(NewtonSchulz, AddsToTheTarget) {
  for (const at::Tensor& source : {sample(40, 40), sample(20, 50), sample(50, 20)}) {
    at::Tensor target = sample(source.size(0), source.size(1)) * 3;
    const at::Tensor expected = target - 0.25 * run({source}, kQuintic).results[0];
    const NewtonSchulzMatrix matrix{
        source.size(0),           source.size(1), source.const_data_ptr<float>(),
        target.data_ptr<float>(), -0.25F,         true};
    at::Tensor workspace = at::empty({newton_schulz_floats({&matrix, 1})});
    newton_schulz({&matrix, 1}, kQuintic, workspace.data_ptr<float>());
    EXPECT_TRUE(at::allclose(target, expected, 1e-5, 1e-6));
  }
}

TEST(NewtonSchulz, NotANumberStaysVisible) {
  at::Tensor matrix = sample(20, 20);
  matrix[3][4] = NAN;
  EXPECT_TRUE(run({matrix}, kQuintic).results[0].isnan().any().item<bool>());
}

} // namespace
} // namespace peakbench::kernels
