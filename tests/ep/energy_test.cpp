// The exact gradients of ep.md against central differences of the energy, in float64 at random
// states.
#include "ep/energy.h"

#include <gtest/gtest.h>

#include "ep/problem.h"

namespace peakbench::ep {
namespace {

using testing::Case;
using testing::relative_distance;
using testing::small_settings;

constexpr double kBeta = 0.7;

struct Variant {
  const char* name;
  Loss loss;
  double temperature;
  Profile profile;
};

class Energy : public ::testing::TestWithParam<Variant> {
protected:
  Energy() : test(chosen()), states(forward_states(test.network, test.batch.input)) {}

  static Settings chosen() {
    Settings settings = small_settings();
    settings.loss = GetParam().loss;
    settings.temperature = GetParam().temperature;
    settings.profile = GetParam().profile;
    return settings;
  }

  // Away from equilibrium: every residual is of the size of the states.
  void randomize() {
    at::manual_seed(3);
    for (at::Tensor& state : states)
      state.add_(at::randn_like(state));
  }

  double batch_energy(double beta = kBeta) const {
    return energy(test.settings, test.network, test.batch, states, beta) *
           static_cast<double>(test.settings.batch);
  }

  // d(B E) / d tensor by central differences.
  at::Tensor differences(at::Tensor tensor, double beta = kBeta) const {
    const double step = 1e-6;
    at::Tensor result = at::empty_like(tensor);
    auto* values = tensor.data_ptr<double>();
    for (std::int64_t i = 0; i < tensor.numel(); ++i) {
      const double value = values[i];
      values[i] = value + step;
      const double above = batch_energy(beta);
      values[i] = value - step;
      const double below = batch_energy(beta);
      values[i] = value;
      result.data_ptr<double>()[i] = (above - below) / (2 * step);
    }
    return result;
  }

  bool is_output(std::size_t i) const { return i + 1 == states.size(); }
  at::Tensor entering(std::size_t i) const {
    return i == 0 ? test.batch.input : activate(states[i - 1]);
  }
  at::Tensor error(std::size_t i) const {
    const at::Tensor prediction = predict(test.network.layers[i], entering(i));
    return is_output(i) ? OutputLayer(test.settings).error(states[i], prediction)
                        : states[i] - prediction;
  }
  // B dE/ds_i; `published` leaves out what the layer above says.
  at::Tensor force(std::size_t i, double beta, bool published = false) const {
    if (is_output(i))
      return OutputLayer(test.settings)
          .force(states[i], predict(test.network.layers[i], entering(i)), test.batch.target, beta);
    if (published)
      return error(i);
    return error(i) - pull_back(error(i + 1), test.network.layers[i + 1].weight, states[i]);
  }

  Case test;
  std::vector<at::Tensor> states;
};

TEST_P(Energy, StateGradientsEqualDifferences) {
  randomize();
  for (std::size_t i = 0; i < states.size(); ++i)
    EXPECT_LT(relative_distance(force(i, kBeta), differences(states[i])), 1e-7)
        << "layer " << i + 1;
}

TEST_P(Energy, WeightGradientsEqualDifferences) {
  randomize();
  for (std::size_t i = 0; i < states.size(); ++i) {
    const Layer& layer = test.network.layers[i];
    EXPECT_LT(relative_distance(-at::mm(error(i).t(), entering(i)), differences(layer.weight)),
              1e-7)
        << "layer " << i + 1;
    EXPECT_LT(relative_distance(-error(i).sum(0), differences(layer.bias)), 1e-7)
        << "layer " << i + 1;
  }
}

// The negative control: what was published as the analytic gradient lacks relu' W^T e.
TEST_P(Energy, PublishedStateGradientsDiffer) {
  randomize();
  for (std::size_t i = 0; i + 1 < states.size(); ++i)
    EXPECT_GT(relative_distance(force(i, kBeta, true), differences(states[i])), 0.01)
        << "layer " << i + 1;
}

// Where it was checked when it was published, it holds: all residuals are zero there.
TEST_P(Energy, PublishedStateGradientsHoldAtTheForwardPassOnly) {
  for (std::size_t i = 0; i + 1 < states.size(); ++i)
    EXPECT_LT((force(i, kBeta, true) - force(i, kBeta)).abs().max().item<double>(), 1e-7);
  randomize();
  EXPECT_GT((force(0, kBeta, true) - force(0, kBeta)).abs().max().item<double>(), 0.1);
}

TEST_P(Energy, ForwardPassIsTheFreeEquilibrium) {
  const double tolerance = GetParam().profile == Profile::clean ? 0 : 1e-7; // log(q + 1e-8)
  for (std::size_t i = 0; i < states.size(); ++i) {
    EXPECT_LE(error(i).abs().max().item<double>(), tolerance);
    EXPECT_LE(force(i, 0).abs().max().item<double>(), tolerance);
  }
  EXPECT_GT(force(states.size() - 1, kBeta).abs().max().item<double>(), 1e-3);
}

INSTANTIATE_TEST_SUITE_P(
    Variants, Energy,
    ::testing::Values(Variant{"mse", Loss::mse, 1, Profile::clean},
                      Variant{"cross_entropy", Loss::cross_entropy, 1, Profile::clean},
                      Variant{"temperature_2", Loss::cross_entropy, 2, Profile::clean},
                      Variant{"compat", Loss::cross_entropy, 1, Profile::compat}),
    [](const auto& variant) { return variant.param.name; });

TEST(OutputLayer, DifferenceFormEqualsThePlainOne) {
  at::manual_seed(1);
  for (const Loss loss : {Loss::mse, Loss::cross_entropy}) {
    Settings settings = small_settings();
    settings.loss = loss;
    settings.temperature = 1.5;
    const OutputLayer output(settings);
    const at::Tensor prediction = at::randn({6, 4}, at::kDouble),
                     target = at::softmax(prediction, 1);
    const at::Tensor difference = at::randn_like(prediction), state = prediction + difference;
    EXPECT_LT(relative_distance(output.force_from_difference(difference, prediction, target, 0.5),
                                output.force(state, prediction, target, 0.5)),
              1e-13);
    EXPECT_LT(relative_distance(output.error_from_difference(difference, prediction),
                                output.error(state, prediction)),
              1e-13);
  }
}

// What it is for: float32 keeps a small difference that s - h would round away.
TEST(OutputLayer, DifferenceFormKeepsSmallSignalsInFloat32) {
  at::manual_seed(1);
  const OutputLayer output(small_settings());
  const at::Tensor prediction = at::randn({6, 4}), target = at::zeros({6, 4});
  const at::Tensor difference = at::randn({6, 4}) * 1e-6;
  const at::Tensor exact = output.force_from_difference(
      difference.to(at::kDouble), prediction.to(at::kDouble), target.to(at::kDouble), 0);
  EXPECT_LT(
      relative_distance(output.force_from_difference(difference, prediction, target, 0), exact),
      1e-6);
  EXPECT_GT(relative_distance(output.force(prediction + difference, prediction, target, 0), exact),
            1e-3);
}

TEST(EffectiveRate, CompatDividesByTheBatch) {
  Settings settings = small_settings();
  EXPECT_EQ(effective_rate(settings), settings.rate);
  settings.profile = Profile::compat;
  EXPECT_EQ(effective_rate(settings), settings.rate / 6);
}

} // namespace
} // namespace peakbench::ep
