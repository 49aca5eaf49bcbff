#include "suite/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace peakbench::suite {

std::string clock_text(double seconds) {
  const auto whole = static_cast<long>(std::lround(std::max(0.0, seconds)));
  if (whole >= 3600)
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

namespace {

constexpr std::size_t kShownRanks = 3;
constexpr std::size_t kTerminalColumns = 200; // a line that wraps could not be drawn over

std::string running_text(std::vector<RunningLine> running) {
  std::ranges::stable_sort(running, std::greater{}, &RunningLine::seconds);
  std::string text;
  for (std::size_t i = 0; i < std::min(kShownRanks, running.size()); ++i)
    text += fmt::format("{}rank {} at {} for {}", i ? ", " : "", running[i].rank, running[i].label,
                        clock_text(running[i].seconds));
  if (running.size() > kShownRanks)
    text += fmt::format(" and {} more", running.size() - kShownRanks);
  return text;
}

} // namespace

Progress::Progress(std::ostream& out, bool terminal, std::size_t total, double total_cost,
                   double quiet_seconds)
    : out_(out), terminal_(terminal), quiet_seconds_(quiet_seconds), total_(total),
      total_cost_(total_cost) {}

double Progress::seconds_left() const {
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  if (done_cost_ <= 0)
    return 0;
  return elapsed.count() * std::max(0.0, total_cost_ - done_cost_) / done_cost_;
}

void Progress::show(const FinishedCase& one) {
  ++done_;
  done_cost_ += one.cost;
  const bool good = one.status == "ok" && !one.validity.starts_with("INVALID");
  std::string line = fmt::format("[{:{}}/{}] rank {}  {}", done_, std::to_string(total_).size(),
                                 total_, one.rank, one.label);
  if (one.status == "ok")
    line += fmt::format("  {:.3g} s", one.seconds);
  if (one.status != "ok")
    line += fmt::format("  {}: {}", one.status, one.reason);
  if (!good && one.status == "ok")
    line += "  " + one.validity;
  line += fmt::format("  {} left", clock_text(seconds_left()));
  if (terminal_) {
    // What went wrong stays to be read; the rest is drawn over.
    out_ << (drawn_ ? "\r\033[K" : "") << line << (good ? "" : "\n");
    drawn_ = good;
    last_ = good ? line : "";
  } else {
    out_ << line << '\n';
  }
  said_ = std::chrono::steady_clock::now();
  out_.flush();
}

void Progress::show_running(std::vector<RunningLine> running) {
  const std::string text = running_text(std::move(running));
  if (text.empty())
    return;
  if (terminal_) {
    const std::string line = (last_.empty() ? "" : last_ + "  ") + text;
    out_ << "\r\033[K" << line.substr(0, kTerminalColumns);
    drawn_ = true;
  } else {
    const auto now = std::chrono::steady_clock::now();
    if (std::chrono::duration<double>(now - said_).count() < quiet_seconds_)
      return;
    said_ = now;
    out_ << "running: " << text << '\n';
  }
  out_.flush();
}

void Progress::end() {
  if (drawn_)
    out_ << "\r\033[K";
  out_.flush();
  drawn_ = false;
}

} // namespace peakbench::suite
