// The kernel against plain loops over all layers in float64.
#include "kernels/ep_settle.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/kernels/ep_settle_reference.h"

namespace peakbench::kernels {
namespace {

using testing::distance;
using testing::minus;
using Shape = testing::ConeShape;
using Reference = testing::ConeReference;

struct Problem : testing::ConeProblem {
  explicit Problem(const Shape& shape) : ConeProblem(shape) {
    host_weights = weights; // what a test changes is changed for both
    host_biases = biases;
  }

  // Displacements and errors of the kernel, [layer][rows, outputs], from `first` on.
  struct Result {
    std::vector<at::Tensor> displacement, error;
  };
  Result run(int threads) const {
    const EpLayout layout = ep_layout(call, threads);
    // NaN where nothing may be read before it was written.
    at::Tensor memory = at::full({layout.floats}, NAN, at::kFloat);
    ep_forward(call, layout, memory.data_ptr<float>());
    ep_settle(call, layout, 0, steps / 2, memory.data_ptr<float>());
    ep_settle(call, layout, steps / 2, steps, memory.data_ptr<float>());
    Result result;
    const auto read = [&](const std::vector<std::int64_t>& offsets) {
      std::vector<at::Tensor> blocks;
      for (std::size_t i = 0; i < offsets.size(); ++i) {
        const std::int64_t width = call.layers[static_cast<std::size_t>(call.first) + i].outputs;
        const at::Tensor all =
            memory.as_strided({layout.groups, layout.group_rows, width},
                              {layout.group_floats, 1, layout.group_rows}, offsets[i]);
        const at::Tensor flat = all.reshape({-1, width});
        EXPECT_EQ(flat.slice(0, call.rows).count_nonzero().item<std::int64_t>(), 0)
            << "padding rows never move";
        blocks.push_back(flat.slice(0, 0, call.rows).clone());
      }
      return blocks;
    };
    result.displacement = read(layout.displacement);
    ep_errors(call, layout, memory.data_ptr<float>());
    result.error = read(layout.velocity);
    return result;
  }
};

class EpSettleKernel : public ::testing::TestWithParam<Shape> {};

TEST_P(EpSettleKernel, EqualsPlainLoopsInFloat64) {
  const Problem problem(GetParam());
  for (const int threads : {1, 2}) {
    const Problem::Result result = problem.run(threads);
    for (const std::int64_t row : {std::int64_t{0}, problem.call.rows / 2, problem.call.rows - 1}) {
      const Reference reference(problem, row);
      for (std::size_t i = 0; i < result.error.size(); ++i) {
        const std::size_t layer = static_cast<std::size_t>(problem.call.first) + i;
        EXPECT_LT(distance(result.displacement[i], row,
                           minus(reference.states[layer], reference.free[layer])),
                  2e-4)
            << "layer " << layer << ", row " << row;
        EXPECT_LT(distance(result.error[i], row, reference.errors[layer]), 2e-4)
            << "layer " << layer << ", row " << row;
      }
    }
  }
}

class EpSettleControl : public ::testing::TestWithParam<Shape> {};

TEST_P(EpSettleControl, ThePublishedGradientFailsTheSameCheck) {
  const Problem problem(GetParam());
  const Problem::Result result = problem.run(1);
  const Reference published(problem, 0, true);
  const std::size_t layer = static_cast<std::size_t>(GetParam().depth) - 2;
  EXPECT_GT(distance(result.displacement[layer - static_cast<std::size_t>(problem.call.first)], 0,
                     minus(published.states[layer], published.free[layer])) +
                (published.states[layer] == published.free[layer] ? 1 : 0),
            0.1);
}

// Units that are inactive in all rows take no part in the products, until one of them moves.
TEST(EpSettleSilentUnits, EqualPlainLoopsInFloat64) {
  Problem problem({5, 40, 12, 6, 20, 9, true});
  problem.call.beta = 5; // far enough for units to wake up and to fall silent
  for (at::Tensor& bias : problem.biases)
    bias.sub_(at::linspace(-1, 3, bias.size(0)));
  problem.input.select(1, 3).zero_();
  const Problem::Result result = problem.run(1);
  std::int64_t silent = 0, woken = 0;
  for (const std::int64_t row : {0, 9, 19}) {
    const Reference reference(problem, row);
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_LT(
          distance(result.displacement[i], row, minus(reference.states[i], reference.free[i])),
          2e-4)
          << "layer " << i << ", row " << row;
      EXPECT_LT(distance(result.error[i], row, reference.errors[i]), 2e-4);
      for (std::size_t k = 0; k < reference.free[i].size(); ++k) {
        silent += reference.free[i][k] <= 0 && reference.states[i][k] <= 0;
        woken += reference.free[i][k] <= 0 && reference.states[i][k] > 0;
      }
    }
  }
  EXPECT_GT(silent, 100) << "the case has silent units";
  EXPECT_GT(woken, 0) << "and some that wake up";
}

TEST_P(EpSettleKernel, DoesNotDependOnGroupsOrThreads) {
  const Problem problem(GetParam());
  const Problem::Result one = problem.run(1), many = problem.run(64);
  for (std::size_t i = 0; i < one.error.size(); ++i) {
    EXPECT_TRUE(at::equal(one.displacement[i], many.displacement[i]));
    EXPECT_TRUE(at::equal(one.error[i], many.error[i]));
  }
}

// ep_factors: the same errors, and activations, row by row.
TEST_P(EpSettleKernel, FactorsAreErrorsAndActivationsRowByRow) {
  const Problem problem(GetParam());
  const Problem::Result result = problem.run(2);
  const EpLayout layout = ep_layout(problem.call, 2);
  at::Tensor memory = at::full({layout.floats}, NAN, at::kFloat);
  float* data = memory.data_ptr<float>();
  ep_forward(problem.call, layout, data);
  const auto block = [&](std::int64_t group, std::int64_t offset, std::int64_t width, bool turned) {
    const at::Tensor view = memory.as_strided({layout.group_rows, width},
                                              turned ? at::IntArrayRef{width, 1}
                                                     : at::IntArrayRef{1, layout.group_rows},
                                              group * layout.group_floats + offset);
    const std::int64_t begin = group * layout.group_rows;
    return view.slice(0, 0, std::min(layout.group_rows, problem.call.rows - begin)).clone();
  };
  const auto all = [&](std::int64_t offset, std::int64_t width, bool turned) {
    std::vector<at::Tensor> rows;
    for (std::int64_t group = 0; group < layout.groups; ++group)
      rows.push_back(block(group, offset, width, turned));
    return at::cat(rows);
  };
  const auto width = [&](std::size_t i) {
    return problem.call.layers[static_cast<std::size_t>(problem.call.first) + i].outputs;
  };
  const std::int64_t entering =
      problem.call.layers[static_cast<std::size_t>(problem.call.first)].inputs;
  const at::Tensor entered = all(layout.entering, entering, false);
  std::vector<at::Tensor> free;
  for (std::size_t i = 0; i < result.error.size(); ++i)
    free.push_back(all(layout.free[i], width(i), false));
  EXPECT_TRUE(ep_phase(problem.call, layout, problem.steps, data));
  ep_factors(problem.call, layout, data);
  EXPECT_TRUE(at::equal(all(layout.entering, entering, true), entered));
  for (std::size_t i = 0; i < result.error.size(); ++i) {
    EXPECT_TRUE(at::equal(all(layout.velocity[i], width(i), true), result.error[i])) << i;
    EXPECT_TRUE(at::equal(all(layout.displacement[i], width(i), true),
                          at::relu(free[i] + result.displacement[i])))
        << i;
  }
}

TEST(EpSettlePhase, SeesOneNumberThatIsNotFinite) {
  Problem problem({4, 24, 12, 6, 20, 3, true});
  const EpLayout layout = ep_layout(problem.call, 2);
  at::Tensor memory = at::empty({layout.floats});
  EXPECT_TRUE(ep_phase(problem.call, layout, 3, memory.data_ptr<float>()));
  problem.weights[2][5][7] = INFINITY;
  EXPECT_FALSE(ep_phase(problem.call, layout, 3, memory.data_ptr<float>()));
  problem.weights[2][5][7] = 0;
  problem.input[19][0] = NAN;
  EXPECT_FALSE(ep_phase(problem.call, layout, 3, memory.data_ptr<float>()));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, EpSettleKernel,
    ::testing::Values(Shape{8, 32, 20, 10, 32, 4, true}, Shape{8, 32, 20, 10, 32, 4, false},
                      Shape{5, 19, 7, 3, 33, 9, true}, Shape{5, 19, 7, 3, 33, 9, false},
                      Shape{2, 5, 3, 2, 1, 3, true}, Shape{3, 17, 40, 11, 50, 1, true},
                      Shape{4, 16, 16, 16, 16, 4, false}, Shape{3, 64, 30, 10, 7, 5, true},
                      Shape{4, 200, 30, 10, 3, 3, true}, Shape{2, 130, 30, 10, 1, 1, true},
                      Shape{4, 40, 30, 10, 100, 3, true}),
    [](const auto& shape) {
      const Shape& s = shape.param;
      return "depth" + std::to_string(s.depth) + "_width" + std::to_string(s.width) + "_rows" +
             std::to_string(s.rows) + (s.cross_entropy ? "_cross_entropy" : "_mse");
    });

INSTANTIATE_TEST_SUITE_P(Losses, EpSettleControl,
                         ::testing::Values(Shape{8, 32, 20, 10, 32, 4, true},
                                           Shape{5, 19, 7, 3, 33, 9, false}),
                         [](const auto& shape) {
                           return shape.param.cross_entropy ? "cross_entropy" : "mse";
                         });

} // namespace
} // namespace peakbench::kernels
