#include "ep/random.h"

#include <ATen/ATen.h>
#include <Random123/philox.h>

#include <array>
#include <cmath>
#include <numbers>

namespace peakbench::ep {

namespace {

using Four = std::array<double, 4>; // uniform in (0, 1)

Four draw_four(const RandomKey& key, std::uint64_t counter) {
  const r123::Philox4x32::ctr_type block = {{static_cast<std::uint32_t>(counter),
                                             static_cast<std::uint32_t>(counter >> 32), key.index,
                                             key.purpose}};
  const r123::Philox4x32::key_type words = {
      {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)}};
  const auto bits = r123::Philox4x32()(block, words);
  Four result{};
  for (std::size_t i = 0; i < 4; ++i)
    result[i] = (static_cast<double>(bits[i]) + 0.5) * 0x1p-32;
  return result;
}

Four uniform_four(const RandomKey& key, std::uint64_t counter, double bound) {
  Four values = draw_four(key, counter);
  for (double& value : values)
    value = bound * (2 * value - 1);
  return values;
}

// Box-Muller, twice.
Four normal_four(const RandomKey& key, std::uint64_t counter, double deviation) {
  const Four u = draw_four(key, counter);
  Four values{};
  for (std::size_t i = 0; i < 4; i += 2) {
    const double radius = deviation * std::sqrt(-2 * std::log(u[i]));
    const double angle = 2 * std::numbers::pi * u[i + 1];
    values[i] = radius * std::cos(angle);
    values[i + 1] = radius * std::sin(angle);
  }
  return values;
}

template <typename Scalar, typename Draw>
void fill_elements(Scalar* out, std::int64_t count, const Draw& draw) {
  for (std::int64_t i = 0; i < count; i += 4) {
    const Four values = draw(static_cast<std::uint64_t>(i / 4));
    const std::int64_t end = std::min<std::int64_t>(count, i + 4);
    for (std::int64_t j = i; j < end; ++j)
      out[j] = static_cast<Scalar>(values[static_cast<std::size_t>(j - i)]);
  }
}

// In place where that is possible, so that drawing weights on the CPU needs no memory of its own.
template <typename Draw>
void fill(const at::Tensor& tensor, const Draw& draw) {
  if (tensor.device().is_cpu() && tensor.is_contiguous() && tensor.scalar_type() == at::kFloat)
    return fill_elements(tensor.data_ptr<float>(), tensor.numel(), draw);
  if (tensor.device().is_cpu() && tensor.is_contiguous() && tensor.scalar_type() == at::kDouble)
    return fill_elements(tensor.data_ptr<double>(), tensor.numel(), draw);
  at::Tensor drawn = at::empty(tensor.sizes(), at::kDouble);
  fill_elements(drawn.data_ptr<double>(), drawn.numel(), draw);
  tensor.copy_(drawn);
}

} // namespace

void fill_uniform(const at::Tensor& tensor, double bound, const RandomKey& key) {
  fill(tensor, [&](std::uint64_t counter) { return uniform_four(key, counter, bound); });
}

void fill_normal(const at::Tensor& tensor, double deviation, const RandomKey& key) {
  fill(tensor, [&](std::uint64_t counter) { return normal_four(key, counter, deviation); });
}

void fill_integers(const at::Tensor& tensor, std::int64_t limit, const RandomKey& key) {
  at::Tensor drawn = at::empty(tensor.sizes(), at::kLong);
  fill_elements(drawn.data_ptr<std::int64_t>(), drawn.numel(), [&](std::uint64_t counter) {
    Four values = draw_four(key, counter);
    for (double& value : values)
      value = std::floor(value * static_cast<double>(limit));
    return values;
  });
  tensor.copy_(drawn);
}

} // namespace peakbench::ep
