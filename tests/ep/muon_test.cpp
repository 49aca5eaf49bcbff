#include "ep/muon.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "ep/problem.h"

namespace peakbench::ep {
namespace {

using Rows = std::vector<std::vector<double>>;

Rows product(const Rows& a, const Rows& b) {
  Rows c(a.size(), std::vector<double>(b[0].size()));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < b[0].size(); ++j)
      for (std::size_t k = 0; k < b.size(); ++k)
        c[i][j] += a[i][k] * b[k][j];
  return c;
}

Rows transposed(const Rows& a) {
  Rows t(a[0].size(), std::vector<double>(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = 0; j < a[0].size(); ++j)
      t[j][i] = a[i][j];
  return t;
}

// The textbook iteration, in float64 and loops.
at::Tensor slow(const at::Tensor& matrix, double a, double b, double c, int steps) {
  const auto rows = static_cast<std::size_t>(matrix.size(0));
  const auto columns = static_cast<std::size_t>(matrix.size(1));
  Rows x(rows, std::vector<double>(columns));
  double squares = 0;
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) {
      x[i][j] = matrix[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(j)].item<double>();
      squares += x[i][j] * x[i][j];
    }
  for (auto& row : x)
    for (double& value : row)
      value /= std::sqrt(squares);
  for (int step = 0; step < steps; ++step) {
    const Rows gram = product(x, transposed(x));
    const Rows first = product(gram, x), second = product(gram, first);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < columns; ++j)
        x[i][j] = a * x[i][j] + b * first[i][j] + c * second[i][j];
  }
  at::Tensor result = at::empty({matrix.size(0), matrix.size(1)}, at::kDouble);
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j)
      result[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(j)] = x[i][j];
  return result;
}

at::Tensor sample(std::int64_t rows, std::int64_t columns, at::ScalarType dtype) {
  at::manual_seed(rows * 31 + columns);
  return at::randn({rows, columns}, at::kDouble).to(dtype);
}

TEST(Muon, EqualsTheSlowIteration) {
  for (const auto& [rows, columns] : {std::pair{12, 12}, {7, 15}, {15, 7}, {2, 5}}) {
    for (const auto& [dtype, tolerance] : {std::pair{at::kDouble, 1e-12}, {at::kFloat, 1e-4}}) {
      const at::Tensor matrix = sample(rows, columns, dtype);
      EXPECT_LT(testing::relative_distance(orthogonalize(matrix, NewtonSchulz::quintic),
                                           slow(matrix, 3.4445, -4.7750, 2.0315, 5)),
                tolerance);
      EXPECT_LT(testing::relative_distance(orthogonalize(matrix, NewtonSchulz::cubic),
                                           slow(matrix, 1.5, -0.5, 0, 5)),
                tolerance);
      EXPECT_GT(testing::relative_distance(orthogonalize(matrix, NewtonSchulz::cubic),
                                           slow(matrix, 1.5, -0.5, 0, 4)),
                1e-9)
          << "one step less is told apart";
    }
  }
}

TEST(Muon, SingularValuesComeNearOne) {
  for (const auto& [rows, columns] : {std::pair{24, 24}, {16, 48}, {48, 16}}) {
    const at::Tensor matrix = sample(rows, columns, at::kDouble);
    const auto [u, values, v] = at::linalg_svd(matrix, false);
    // Square random matrices have some singular values too small for five steps: take them away.
    const at::Tensor conditioned = at::mm(u * values.clamp_min(0.5), v);
    const at::Tensor result =
        std::get<1>(at::linalg_svd(orthogonalize(conditioned, NewtonSchulz::quintic), false));
    EXPECT_GT(result.min().item<double>(), 0.65);
    EXPECT_LT(result.max().item<double>(), 1.2);
    const at::Tensor unchanged = std::get<1>(at::linalg_svd(conditioned, false));
    EXPECT_GT(unchanged.max().item<double>(), 1.2) << "the same check refuses the matrix itself";
  }
}

TEST(Muon, KeepsTheDirectionsOfALowRankGradient) {
  const at::Tensor left = sample(20, 3, at::kDouble), right = sample(3, 20, at::kDouble);
  const at::Tensor values =
      std::get<1>(at::linalg_svd(orthogonalize(at::mm(left, right), NewtonSchulz::quintic), false));
  EXPECT_GT(values[2].item<double>(), 0.65);
  EXPECT_LT(values[3].item<double>(), 1e-6);
}

TEST(Muon, DoesNotDependOnTheScale) {
  const at::Tensor matrix = sample(10, 10, at::kFloat);
  const at::Tensor expected = orthogonalize(matrix, NewtonSchulz::quintic);
  for (const double scale : {1e-30, 1e-12, 1e20})
    EXPECT_LT(
        testing::relative_distance(orthogonalize(matrix * scale, NewtonSchulz::quintic), expected),
        1e-3)
        << scale;
  // The published form takes norms below 1e-4 as 1e-4.
  EXPECT_LT(orthogonalize(matrix * 1e-12, NewtonSchulz::cubic).abs().max().item<double>(), 1e-6);
}

TEST(Muon, ZeroStaysZero) {
  for (const NewtonSchulz iteration : {NewtonSchulz::quintic, NewtonSchulz::cubic})
    EXPECT_EQ(orthogonalize(at::zeros({4, 6}), iteration).count_nonzero().item<std::int64_t>(), 0);
}

} // namespace
} // namespace peakbench::ep
