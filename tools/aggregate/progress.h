// How far reading many files has come: a line that redraws itself on a terminal, a line now and
// then in a log. Nothing where it takes no time.
#pragma once

#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>

namespace peakbench::aggregate {

class Progress {
public:
  // `out` is the standard error: is it a terminal? `verb`: "read" | "merged".
  Progress(std::ostream& out, std::string verb, std::size_t total);
  Progress(std::ostream& out, std::string verb, std::size_t total, bool terminal,
           double quiet_seconds);
  ~Progress() { end(); }

  void show(std::size_t done);
  void end(); // leaves a clean line

private:
  using Clock = std::chrono::steady_clock;

  std::ostream& out_;
  std::string verb_;
  std::size_t total_;
  bool terminal_, drawn_ = false;
  double quiet_seconds_; // between two lines
  Clock::time_point start_ = Clock::now(), said_ = start_;
};

} // namespace peakbench::aggregate
