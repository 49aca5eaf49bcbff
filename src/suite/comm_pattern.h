// What ranks give to a collective, and what has to come out: values that differ by rank, position
// and round, so that a result that is wrong, in the wrong place, or of the round before shows.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <string>

namespace peakbench::suite {

// Whole numbers, and small enough for float32 to sum those of 20,000 ranks exactly, in any order.
// value = base(position) + (rank mod 101 + 1) x factor(position), with base below 64 and factor 1
// to 8 from a hash of position and round.
class CommPattern {
public:
  explicit CommPattern(std::uint64_t round) : round_(round) {}
  float value(int rank, std::int64_t position) const;
  float sum(int ranks, std::int64_t position) const; // over ranks 0 to ranks - 1

  // What rank `rank` gives: float32 [count], on the host.
  void fill(int rank, at::Tensor& values) const;

private:
  struct Parts {
    float base, factor;
  };
  Parts parts(std::int64_t position) const;
  std::uint64_t round_;
};

// Each says what is wrong first, empty if nothing is: in an all-gather, where the value of position
// i on rank r is at [r n + i]; in a sum over ranks; in what rank `rank` alone has given.
std::string wrong_parts(const CommPattern& pattern, const at::Tensor& all, int ranks);
std::string wrong_sum(const CommPattern& pattern, const at::Tensor& sum, int ranks);
std::string wrong_copy(const CommPattern& pattern, const at::Tensor& copy, int rank);

} // namespace peakbench::suite
