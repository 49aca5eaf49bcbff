// The time limit of a case, checked by arms once a step.
#pragma once

#include <chrono>
#include <limits>

#include "base/error.h"

namespace peakbench {

class Deadline {
public:
  Deadline() = default; // never
  explicit Deadline(double seconds)
      : limit_seconds_(seconds), start_(std::chrono::steady_clock::now()) {}

  double elapsed_seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  // Throws TimedOut once the limit has passed.
  void check() const {
    if (elapsed_seconds() > limit_seconds_)
      throw TimedOut("time limit of " + std::to_string(limit_seconds_) + " s reached");
  }

private:
  double limit_seconds_ = std::numeric_limits<double>::infinity();
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

} // namespace peakbench
