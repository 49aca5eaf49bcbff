#include "suite/demo_progress.h"

#include <fmt/format.h>

#include <algorithm>

namespace peakbench::suite {

namespace {

constexpr int kBarWidth = 24;
constexpr double kRedrawSeconds = 0.2;

double seconds_since(std::chrono::steady_clock::time_point from) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

} // namespace

void DemoProgress::begin(std::size_t cases, double total_cost) {
  cases_ = cases;
  total_cost_ = total_cost;
  done_ = 0;
  done_cost_ = 0;
  start_ = Clock::now();
}

void DemoProgress::start(const std::string& label, double cost) {
  label_ = label;
  cost_ = cost;
  case_start_ = Clock::now();
  draw();
}

double DemoProgress::share_done() const {
  if (!(total_cost_ > 0))
    return 0;
  // Within a case by the clock, but never to its end.
  const double expected = std::max(1e-9, cost_ * seconds_per_cost_);
  const double within = std::min(0.95, seconds_since(case_start_) / expected);
  return std::min(1.0, (done_cost_ + within * cost_) / total_cost_);
}

void DemoProgress::draw() {
  if (!terminal_)
    return;
  const int filled = static_cast<int>(share_done() * kBarWidth);
  out_ << fmt::format("\r\033[K[{}{}] {}/{}  {}  {:.0f} s", std::string(filled, '#'),
                      std::string(kBarWidth - filled, '-'), done_, cases_, label_,
                      seconds_since(start_))
       << std::flush;
  drawn_ = true;
  last_draw_ = Clock::now();
}

void DemoProgress::tick() {
  if (terminal_ && seconds_since(last_draw_) >= kRedrawSeconds)
    draw();
}

void DemoProgress::finish(const results::EabCase& record) {
  ++done_;
  done_cost_ += cost_;
  cost_ = 0;
  if (done_cost_ > 0)
    seconds_per_cost_ = seconds_since(start_) / done_cost_;
  const bool ok = record.status == "ok";
  if (terminal_ && ok)
    return draw();
  if (terminal_)
    end();
  out_ << fmt::format("[{}/{}] {}: ", done_, cases_, label_)
       << (ok ? fmt::format("{:.3g} s, peak {:.4g} MB beyond the weights", record.wall_seconds,
                            static_cast<double>(record.peak_bytes) / 1e6)
              : record.status + ": " + record.reason)
       << std::endl;
}

void DemoProgress::end() {
  if (drawn_)
    out_ << "\r\033[K" << std::flush;
  drawn_ = false;
}

} // namespace peakbench::suite
