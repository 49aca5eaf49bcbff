// The time limit of a case, checked by arms once a step; and the user's wish to end it, likewise.
#pragma once

#include <chrono>
#include <functional>
#include <limits>
#include <utility>

#include "base/error.h"

namespace peakbench {

class Deadline {
public:
  Deadline() = default; // never
  // `stopped`: asked at every check().
  explicit Deadline(double seconds, std::function<bool()> stopped = {})
      : limit_seconds_(seconds), stopped_(std::move(stopped)),
        start_(std::chrono::steady_clock::now()) {}

  double elapsed_seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  // Throws TimedOut once the limit has passed, Interrupted once it was stopped.
  void check() const {
    if (stopped_ && stopped_())
      throw Interrupted("interrupted");
    if (elapsed_seconds() > limit_seconds_)
      throw TimedOut("time limit of " + std::to_string(limit_seconds_) + " s reached");
  }

private:
  double limit_seconds_ = std::numeric_limits<double>::infinity();
  std::function<bool()> stopped_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

} // namespace peakbench
