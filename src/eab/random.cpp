#include "eab/random.h"

#include <Random123/philox.h>

#include <cmath>
#include <cstring>
#include <string_view>

#include "base/hash.h"

namespace peakbench::eab {

namespace {

template <std::size_t N>
std::uint64_t hash_words(const std::array<std::uint64_t, N>& words) {
  char bytes[N * sizeof(std::uint64_t)];
  std::memcpy(bytes, words.data(), sizeof(bytes));
  return hash64({bytes, sizeof(bytes)});
}

double uniform_of(std::uint32_t high, std::uint32_t low) {
  // The middle of one of 2^52 equal cells: never 0 or 1, and exact in a double.
  const std::uint64_t cell = ((static_cast<std::uint64_t>(high) << 32) | low) >> 12;
  return (static_cast<double>(cell) + 0.5) * 0x1p-52;
}

} // namespace

Lineage child_lineage(Lineage parent, std::int64_t position, std::int32_t token) {
  return hash_words<3>(
      {parent, static_cast<std::uint64_t>(position), static_cast<std::uint64_t>(token)});
}

Lineage sample_lineage(std::int64_t index) {
  return hash_words<2>({kRootLineage, static_cast<std::uint64_t>(index)});
}

RandomKey::RandomKey(std::uint64_t seed, std::uint64_t prompt_key) {
  const std::uint64_t key = hash_words<2>({seed, prompt_key});
  key_ = {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
}

std::array<double, 2> RandomKey::uniforms(Lineage lineage, std::int64_t position,
                                          std::uint32_t index) const {
  const r123::Philox4x32 philox;
  const r123::Philox4x32::ctr_type counter = {{static_cast<std::uint32_t>(lineage),
                                               static_cast<std::uint32_t>(lineage >> 32),
                                               static_cast<std::uint32_t>(position), index}};
  const r123::Philox4x32::key_type key = {{key_[0], key_[1]}};
  const r123::Philox4x32::ctr_type words = philox(counter, key);
  return {uniform_of(words[0], words[1]), uniform_of(words[2], words[3])};
}

double gumbel(double uniform) { return -std::log(-std::log(uniform)); }

} // namespace peakbench::eab
