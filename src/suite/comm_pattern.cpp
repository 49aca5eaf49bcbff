#include "suite/comm_pattern.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

namespace peakbench::suite {

namespace {

constexpr int kWeights = 101; // ranks that far apart give the same

float weight(int rank) { return static_cast<float>(rank % kWeights + 1); }

// Of ranks 0 to ranks - 1.
float weights(int ranks) {
  const std::int64_t rounds = ranks / kWeights, rest = ranks % kWeights;
  return static_cast<float>(rounds * (kWeights * (kWeights + 1) / 2) + rest * (rest + 1) / 2);
}

template <class Expected>
std::string first_wrong(const at::Tensor& values, Expected expected) {
  const float* found = values.const_data_ptr<float>();
  const std::int64_t count = values.numel();
  for (std::int64_t i = 0; i < count; ++i)
    if (const float wanted = expected(i); found[i] != wanted)
      return fmt::format("element {} of {} is {} instead of {}", i, count, found[i], wanted);
  return "";
}

} // namespace

CommPattern::Parts CommPattern::parts(std::int64_t position) const {
  // Fibonacci hashing: the upper bits of a product with 2^64 / golden ratio.
  const std::uint64_t hash =
      (static_cast<std::uint64_t>(position) + (round_ << 40) + 1) * 0x9E3779B97F4A7C15u;
  return {static_cast<float>(hash >> 58), static_cast<float>((hash >> 55 & 7) + 1)};
}

float CommPattern::value(int rank, std::int64_t position) const {
  const Parts at = parts(position);
  return at.base + weight(rank) * at.factor;
}

float CommPattern::sum(int ranks, std::int64_t position) const {
  const Parts at = parts(position);
  return static_cast<float>(ranks) * at.base + weights(ranks) * at.factor;
}

void CommPattern::fill(int rank, at::Tensor& values) const {
  float* out = values.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i)
    out[i] = value(rank, i);
}

std::string wrong_parts(const CommPattern& pattern, const at::Tensor& all, int ranks) {
  const std::int64_t part = all.numel() / ranks;
  for (int rank = 0; rank < ranks; ++rank)
    if (const std::string wrong = wrong_copy(pattern, all.narrow(0, rank * part, part), rank);
        !wrong.empty())
      return fmt::format("in the part of rank {}, {}", rank, wrong);
  return "";
}

std::string wrong_sum(const CommPattern& pattern, const at::Tensor& sum, int ranks) {
  return first_wrong(sum, [&](std::int64_t i) { return pattern.sum(ranks, i); });
}

std::string wrong_copy(const CommPattern& pattern, const at::Tensor& copy, int rank) {
  return first_wrong(copy, [&](std::int64_t i) { return pattern.value(rank, i); });
}

} // namespace peakbench::suite
