// The kernel against plain loops over all layers in float64.
#include "kernels/ep_settle.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace peakbench::kernels {
namespace {

using Matrix = std::vector<std::vector<double>>; // [rows][width]

struct Shape {
  std::int64_t depth, width, input, classes, rows, steps;
  bool cross_entropy;
};

class Problem {
public:
  explicit Problem(const Shape& shape) : steps(shape.steps) {
    at::manual_seed(shape.width * 7 + shape.rows);
    call.rows = shape.rows;
    call.first = std::max<std::int64_t>(0, shape.depth - shape.steps);
    call.cross_entropy = shape.cross_entropy;
    call.temperature = shape.cross_entropy ? 1.3F : 1.0F;
    call.beta = 0.5F;
    call.rate = 0.15F;
    call.momentum = 0.5F;
    for (std::int64_t i = 0; i < shape.depth; ++i) {
      const std::int64_t in = i == 0 ? shape.input : shape.width;
      const std::int64_t out = i + 1 == shape.depth ? shape.classes : shape.width;
      weights.push_back(at::randn({out, in}) * std::sqrt(2.0 / static_cast<double>(in)));
      biases.push_back(at::randn({out}) * 0.1);
      call.layers.push_back(
          {weights.back().data_ptr<float>(), biases.back().data_ptr<float>(), in, out});
    }
    input = at::randn({shape.rows, shape.input});
    target = at::softmax(at::randn({shape.rows, shape.classes}), 1);
    call.input = input.data_ptr<float>();
    call.target = target.data_ptr<float>();
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

  EpSettle call;
  std::int64_t steps;
  std::vector<at::Tensor> weights, biases;
  at::Tensor input, target;
};

// One row, all layers, plain states: s_i themselves in float64, as ep.md writes it.
class Reference {
public:
  Reference(const Problem& problem, std::int64_t row, bool published = false)
      : p_(problem), row_(row), published_(published) {
    for (std::size_t i = 0; i < p_.weights.size(); ++i) {
      states.push_back(predict(i));
      velocity_.emplace_back(states[i].size(), 0.0);
    }
    free = states;
    for (std::int64_t t = 0; t < p_.steps; ++t)
      step();
    for (std::size_t i = 0; i < states.size(); ++i)
      errors.push_back(error(i));
  }

  Matrix states, free, errors;

private:
  std::vector<double> predict(std::size_t i) const {
    const at::Tensor &w = p_.weights[i], &b = p_.biases[i];
    std::vector<double> h(static_cast<std::size_t>(w.size(0)));
    for (std::size_t o = 0; o < h.size(); ++o) {
      h[o] = static_cast<double>(b.data_ptr<float>()[o]);
      for (std::int64_t k = 0; k < w.size(1); ++k) {
        const double a = i == 0
                             ? static_cast<double>(p_.input.data_ptr<float>()[row_ * w.size(1) + k])
                             : std::max(0.0, states[i - 1][static_cast<std::size_t>(k)]);
        h[o] +=
            static_cast<double>(w.data_ptr<float>()[static_cast<std::int64_t>(o) * w.size(1) + k]) *
            a;
      }
    }
    return h;
  }
  static std::vector<double> softmax(std::vector<double> x, double temperature) {
    double sum = 0;
    for (double& value : x)
      sum += value = std::exp(value / temperature);
    for (double& value : x)
      value /= sum;
    return x;
  }
  double target(std::size_t k) const {
    return static_cast<double>(
        p_.target.data_ptr<float>()[row_ * p_.target.size(1) + static_cast<std::int64_t>(k)]);
  }
  std::vector<double> error(std::size_t i) const {
    std::vector<double> h = predict(i), e(h.size());
    const double tau = static_cast<double>(p_.call.temperature);
    if (i + 1 < states.size() || !p_.call.cross_entropy) {
      for (std::size_t k = 0; k < e.size(); ++k)
        e[k] = states[i][k] - h[k];
      return e;
    }
    const std::vector<double> p = softmax(h, tau), q = softmax(states[i], tau);
    double mean = 0;
    for (std::size_t k = 0; k < e.size(); ++k)
      mean += p[k] * (std::log(p[k]) - std::log(q[k]));
    for (std::size_t k = 0; k < e.size(); ++k)
      e[k] = -p[k] * (std::log(p[k]) - std::log(q[k]) - mean) / tau;
    return e;
  }
  void step() {
    const std::size_t last = states.size() - 1;
    const double beta = static_cast<double>(p_.call.beta),
                 tau = static_cast<double>(p_.call.temperature);
    Matrix force(states.size()), e(states.size());
    for (std::size_t i = 0; i <= last; ++i)
      e[i] = error(i);
    for (std::size_t i = 0; i <= last; ++i) {
      force[i] = e[i];
      if (i == last) {
        const std::vector<double> p = softmax(predict(i), tau), q = softmax(states[i], tau),
                                  share = softmax(states[i], 1);
        for (std::size_t k = 0; k < force[i].size(); ++k)
          force[i][k] = p_.call.cross_entropy ? (q[k] - p[k]) / tau + beta * (share[k] - target(k))
                                              : e[i][k] + 2 * beta * (states[i][k] - target(k));
        continue;
      }
      const at::Tensor& above = p_.weights[i + 1];
      for (std::size_t k = 0; k < force[i].size() && !published_; ++k)
        for (std::int64_t o = 0; o < above.size(0); ++o)
          if (states[i][k] > 0)
            force[i][k] -=
                static_cast<double>(
                    above.data_ptr<float>()[o * above.size(1) + static_cast<std::int64_t>(k)]) *
                e[i + 1][static_cast<std::size_t>(o)];
    }
    for (std::size_t i = 0; i <= last; ++i)
      for (std::size_t k = 0; k < states[i].size(); ++k) {
        velocity_[i][k] = static_cast<double>(p_.call.momentum) * velocity_[i][k] + force[i][k];
        states[i][k] -= static_cast<double>(p_.call.rate) * velocity_[i][k];
      }
  }

  const Problem& p_;
  std::int64_t row_;
  bool published_;
  Matrix velocity_;
};

// Largest |kernel - reference| of a row, relative to the largest |reference| of the layer's row.
double distance(const at::Tensor& block, std::int64_t row, const std::vector<double>& expected) {
  double difference = 0, largest = 0;
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const double got = block[row][static_cast<std::int64_t>(k)].item<double>();
    difference = std::max(difference, std::abs(got - expected[k]));
    largest = std::max(largest, std::abs(expected[k]));
  }
  return difference / std::max(largest, 1e-30);
}

std::vector<double> minus(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t k = 0; k < a.size(); ++k)
    a[k] -= b[k];
  return a;
}

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
  ep_settle(problem.call, layout, 0, problem.steps, data);
  ep_errors(problem.call, layout, data);
  ep_factors(problem.call, layout, data);
  EXPECT_TRUE(at::equal(all(layout.entering, entering, true), entered));
  for (std::size_t i = 0; i < result.error.size(); ++i) {
    EXPECT_TRUE(at::equal(all(layout.velocity[i], width(i), true), result.error[i])) << i;
    EXPECT_TRUE(at::equal(all(layout.displacement[i], width(i), true),
                          at::relu(free[i] + result.displacement[i])))
        << i;
  }
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
