// A random network for the GPU's ep_settle, and the same by plain loops over all layers in float64,
// as ep.md writes it: states themselves, no light cone.
#pragma once

#include <ATen/ATen.h>

#include <cmath>
#include <vector>

#include "kernels/ep_settle.h"

namespace peakbench::kernels::testing {

using Matrix = std::vector<std::vector<double>>; // [layers][width]

struct ConeShape {
  std::int64_t depth, width, input, classes, rows, steps;
  bool cross_entropy;
};

struct ConeProblem {
  explicit ConeProblem(const ConeShape& shape, at::Device device = at::kCPU) : steps(shape.steps) {
    at::manual_seed(static_cast<std::uint64_t>(shape.width * 7 + shape.rows));
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
      host_weights.push_back(at::randn({out, in}) * std::sqrt(2.0 / static_cast<double>(in)));
      host_biases.push_back(at::randn({out}) * 0.1);
      weights.push_back(host_weights.back().to(device, at::kFloat, false, true));
      biases.push_back(host_biases.back().to(device, at::kFloat, false, true));
      call.layers.push_back(
          {weights.back().data_ptr<float>(), biases.back().data_ptr<float>(), in, out});
    }
    host_input = at::randn({shape.rows, shape.input});
    host_target = at::softmax(at::randn({shape.rows, shape.classes}), 1);
    input = host_input.to(device);
    target = host_target.to(device);
    call.input = input.data_ptr<float>();
    call.target = target.data_ptr<float>();
  }
  std::int64_t depth() const { return static_cast<std::int64_t>(weights.size()); }

  EpSettle call;
  std::int64_t steps;
  std::vector<at::Tensor> host_weights, host_biases, weights, biases;
  at::Tensor host_input, host_target, input, target;
};

// One row.
class ConeReference {
public:
  ConeReference(const ConeProblem& problem, std::int64_t row, bool published = false)
      : p_(problem), row_(row), published_(published) {
    for (std::size_t i = 0; i < p_.weights.size(); ++i) {
      states.push_back(predict(i));
      velocity.emplace_back(states[i].size(), 0.0);
    }
    free = states;
    for (std::int64_t t = 0; t < p_.steps; ++t)
      step();
    for (std::size_t i = 0; i < states.size(); ++i)
      errors.push_back(error(i));
  }

  Matrix states, free, errors, velocity;

private:
  static double element(const at::Tensor& matrix, std::int64_t row, std::size_t column) {
    return static_cast<double>(
        matrix.const_data_ptr<float>()[row * matrix.size(-1) + static_cast<std::int64_t>(column)]);
  }
  std::vector<double> predict(std::size_t i) const {
    const at::Tensor& w = p_.host_weights[i];
    std::vector<double> h(static_cast<std::size_t>(w.size(0)));
    for (std::size_t o = 0; o < h.size(); ++o) {
      h[o] = element(p_.host_biases[i], 0, o);
      for (std::size_t k = 0; k < static_cast<std::size_t>(w.size(1)); ++k)
        h[o] += element(w, static_cast<std::int64_t>(o), k) *
                (i == 0 ? element(p_.host_input, row_, k) : std::max(0.0, states[i - 1][k]));
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
  std::vector<double> error(std::size_t i) const {
    const std::vector<double> h = predict(i);
    std::vector<double> e(h.size());
    for (std::size_t k = 0; k < e.size(); ++k)
      e[k] = states[i][k] - h[k];
    if (i + 1 < states.size() || !p_.call.cross_entropy)
      return e;
    const double tau = static_cast<double>(p_.call.temperature);
    const std::vector<double> p = softmax(h, tau), q = softmax(states[i], tau);
    double mean = 0;
    for (std::size_t k = 0; k < e.size(); ++k)
      mean += p[k] * (std::log(p[k]) - std::log(q[k]));
    for (std::size_t k = 0; k < e.size(); ++k)
      e[k] = -p[k] * (std::log(p[k]) - std::log(q[k]) - mean) / tau;
    return e;
  }
  std::vector<double> output_force(const std::vector<double>& e) const {
    const std::size_t last = states.size() - 1;
    const double beta = static_cast<double>(p_.call.beta);
    const double tau = static_cast<double>(p_.call.temperature);
    const std::vector<double> p = softmax(predict(last), tau), q = softmax(states[last], tau),
                              share = softmax(states[last], 1);
    std::vector<double> force(e.size());
    for (std::size_t k = 0; k < e.size(); ++k) {
      const double y = element(p_.host_target, row_, k);
      force[k] = p_.call.cross_entropy ? (q[k] - p[k]) / tau + beta * (share[k] - y)
                                       : e[k] + 2 * beta * (states[last][k] - y);
    }
    return force;
  }
  void step() {
    const std::size_t last = states.size() - 1;
    Matrix force(states.size()), e(states.size());
    for (std::size_t i = 0; i <= last; ++i)
      e[i] = force[i] = error(i);
    force[last] = output_force(e[last]);
    for (std::size_t i = 0; i < last && !published_; ++i)
      for (std::size_t k = 0; k < force[i].size(); ++k)
        for (std::size_t o = 0; o < e[i + 1].size(); ++o)
          if (states[i][k] > 0)
            force[i][k] -=
                element(p_.host_weights[i + 1], static_cast<std::int64_t>(o), k) * e[i + 1][o];
    for (std::size_t i = 0; i <= last; ++i)
      for (std::size_t k = 0; k < states[i].size(); ++k) {
        velocity[i][k] = static_cast<double>(p_.call.momentum) * velocity[i][k] + force[i][k];
        states[i][k] -= static_cast<double>(p_.call.rate) * velocity[i][k];
      }
  }

  const ConeProblem& p_;
  std::int64_t row_;
  bool published_;
};

// Largest |block - expected| of a row, relative to the largest |expected|; NaN is far away.
inline double distance(const at::Tensor& block, std::int64_t row,
                       const std::vector<double>& expected) {
  double difference = 0, largest = 0;
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const double got = block[row][static_cast<std::int64_t>(k)].item<double>();
    difference = std::isnan(got) ? INFINITY : std::max(difference, std::abs(got - expected[k]));
    largest = std::max(largest, std::abs(expected[k]));
  }
  return difference / std::max(largest, 1e-30);
}

inline std::vector<double> minus(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t k = 0; k < a.size(); ++k)
    a[k] -= b[k];
  return a;
}

} // namespace peakbench::kernels::testing
