#include "aggregate/progress.h"

#include <fmt/format.h>
#include <unistd.h>

namespace peakbench::aggregate {

namespace {
constexpr double kRedrawSeconds = 0.2, kLogSeconds = 10;
}

Progress::Progress(std::ostream& out, std::string verb, std::size_t total)
    : Progress(out, std::move(verb), total, isatty(STDERR_FILENO) != 0,
               isatty(STDERR_FILENO) != 0 ? kRedrawSeconds : kLogSeconds) {}

Progress::Progress(std::ostream& out, std::string verb, std::size_t total, bool terminal,
                   double quiet_seconds)
    : out_(out), verb_(std::move(verb)), total_(total), terminal_(terminal),
      quiet_seconds_(quiet_seconds) {}

void Progress::show(std::size_t done) {
  const auto now = Clock::now();
  const auto seconds_since = [&](Clock::time_point then) {
    return std::chrono::duration<double>(now - then).count();
  };
  if (done >= total_ || seconds_since(said_) < quiet_seconds_)
    return;
  said_ = now;
  const double seconds = seconds_since(start_);
  std::string text = fmt::format("{} {} of {} files", verb_, done, total_);
  if (done > 0)
    text += fmt::format(", about {:.0f} s left",
                        seconds * static_cast<double>(total_ - done) / static_cast<double>(done));
  // Carriage return and "erase to the end of the line".
  out_ << (terminal_ ? "\r" + text + "\033[K" : text + "\n") << std::flush;
  drawn_ = terminal_;
}

void Progress::end() {
  if (drawn_)
    out_ << "\r\033[K" << std::flush;
  drawn_ = false;
}

} // namespace peakbench::aggregate
