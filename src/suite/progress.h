// What rank 0 shows while the run goes on: a line that redraws itself on a terminal, a line per
// case in a log.
#pragma once

#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>

namespace peakbench::suite {

struct FinishedCase {
  int rank = 0;
  std::string label, status, reason, validity;
  double seconds = 0; // the median
  double cost = 0;    // what was estimated, for the time left
};

class Progress {
public:
  Progress(std::ostream& out, bool terminal, std::size_t total, double total_cost);
  void show(const FinishedCase& one);
  void end(); // leaves a clean line

private:
  double seconds_left() const;

  std::ostream& out_;
  bool terminal_, drawn_ = false;
  std::size_t done_ = 0, total_;
  double done_cost_ = 0, total_cost_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// "0:07", "12:30", "3:05:00"
std::string clock_text(double seconds);

} // namespace peakbench::suite
