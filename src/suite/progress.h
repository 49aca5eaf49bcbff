// What rank 0 shows while the run goes on: a line that redraws itself on a terminal, a line per
// case in a log.
#pragma once

#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

namespace peakbench::suite {

struct FinishedCase {
  int rank = 0;
  std::string label, status, reason, validity;
  double seconds = 0; // the median
  double cost = 0;    // what was estimated, for the time left
};

struct RunningLine {
  int rank = 0;
  std::string label;
  double seconds = 0; // so far
};

class Progress {
public:
  // `quiet_seconds`: after which a log says what takes so long.
  Progress(std::ostream& out, bool terminal, std::size_t total, double total_cost,
           double quiet_seconds = 30);
  void show(const FinishedCase& one);
  // "rank 3 at ep ep_autograd depth 1000 for 2:10": those that have run longest, behind the last
  // finished case on a terminal, in a line of their own in a log.
  void show_running(std::vector<RunningLine> running);
  void end(); // leaves a clean line

private:
  double seconds_left() const;

  std::ostream& out_;
  bool terminal_, drawn_ = false;
  double quiet_seconds_;
  std::string last_; // what is drawn, without what runs
  std::size_t done_ = 0, total_;
  double done_cost_ = 0, total_cost_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now(), said_ = start_;
};

// "0:07", "12:30", "3:05:00"
std::string clock_text(double seconds);

} // namespace peakbench::suite
