#include "llm/rope.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

#include "base/error.h"

namespace peakbench::llm {

namespace {

// Long waves are slowed down by `factor`, short ones kept, those between blended.
double llama3(double frequency, const RopeScaling& scaling) {
  const auto context = static_cast<double>(scaling.original_context);
  const double wavelength = 2 * std::numbers::pi / frequency;
  if (wavelength < context / scaling.high_frequency_factor)
    return frequency;
  if (wavelength > context / scaling.low_frequency_factor)
    return frequency / scaling.factor;
  const double kept = (context / wavelength - scaling.low_frequency_factor) /
                      (scaling.high_frequency_factor - scaling.low_frequency_factor);
  return (1 - kept) * frequency / scaling.factor + kept * frequency;
}

} // namespace

Rope::Rope(const ModelConfig& config) {
  const std::int64_t pairs = config.head_width / 2;
  const RopeScaling& scaling = config.rope_scaling;
  if (!config.rope_factors.empty() &&
      static_cast<std::int64_t>(config.rope_factors.size()) != pairs)
    throw UserError("The model has " + std::to_string(config.rope_factors.size()) +
                        " rotary factors",
                    "a head has " + std::to_string(pairs) + " pairs", "");
  for (std::int64_t i = 0; i < pairs; ++i) {
    double frequency = std::pow(config.rope_theta, -2.0 * static_cast<double>(i) /
                                                       static_cast<double>(config.head_width));
    if (!config.rope_factors.empty())
      frequency /= config.rope_factors[static_cast<std::size_t>(i)];
    if (scaling.kind == "linear")
      frequency /= scaling.factor;
    else if (scaling.kind == "llama3")
      frequency = llama3(frequency, scaling);
    else if (scaling.kind != "none")
      throw UserError("Rotary scaling '" + scaling.kind + "' is not supported", "",
                      "Supported: none, linear, llama3");
    frequencies_.push_back(frequency);
  }
}

at::Tensor Rope::table(std::span<const std::int64_t> positions, at::Device device) const {
  const auto count = static_cast<std::int64_t>(positions.size());
  const auto pairs = static_cast<std::int64_t>(frequencies_.size());
  at::Tensor table = at::empty({2, count, pairs}, at::kFloat);
  float* cosine = table.data_ptr<float>();
  float* sine = cosine + count * pairs;
  for (const std::int64_t position : positions) {
    angles(position, cosine, sine);
    cosine += pairs;
    sine += pairs;
  }
  return table.to(device);
}

void Rope::angles(std::int64_t position, float* cosines, float* sines) const {
  for (const double frequency : frequencies_) {
    const double angle = static_cast<double>(position) * frequency;
    *cosines++ = static_cast<float>(std::cos(angle));
    *sines++ = static_cast<float>(std::sin(angle));
  }
}

} // namespace peakbench::llm
