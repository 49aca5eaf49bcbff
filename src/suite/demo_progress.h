// What the demo shows while it measures: a bar on a terminal, a line per arm in a log.
#pragma once

#include <chrono>
#include <ostream>
#include <string>

#include "results/records.h"

namespace peakbench::suite {

class DemoProgress {
public:
  DemoProgress(std::ostream& out, bool terminal) : out_(out), terminal_(terminal) {}
  void begin(std::size_t cases, double total_cost);
  // `label`: what is measured now; `cost`: its share of the total.
  void start(const std::string& label, double cost);
  void finish(const results::EabCase& record);
  void tick(); // now and then, from within
  void end();  // leaves a clean line

private:
  using Clock = std::chrono::steady_clock;
  void draw();
  double share_done() const;

  std::ostream& out_;
  bool terminal_, drawn_ = false;
  std::size_t done_ = 0, cases_ = 0;
  double total_cost_ = 0, done_cost_ = 0, cost_ = 0;
  double seconds_per_cost_ = 1; // as the finished arms had it
  std::string label_;
  Clock::time_point start_, case_start_, last_draw_;
};

} // namespace peakbench::suite
