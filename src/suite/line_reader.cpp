#include "suite/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "suite/interrupt.h"

namespace peakbench::suite {

namespace {
constexpr int kLookMilliseconds = 100; // between looks at signals
}

LineReader::Got LineReader::read(std::string& line) {
  for (;;) {
    if (const std::size_t end = waiting_.find('\n'); end != waiting_.npos) {
      line = waiting_.substr(0, end);
      waiting_.erase(0, end + 1);
      if (line.ends_with('\r'))
        line.pop_back();
      return Got::line;
    }
    if (ended_) {
      line = std::move(waiting_); // a last line without an end
      waiting_.clear();
      return line.empty() ? Got::end : Got::line;
    }
    // Unlike read(), poll() returns when a signal was handled; but not if that was in another
    // thread, or right before it began to wait. Hence a look now and then.
    pollfd input{descriptor_, POLLIN, 0};
    if (InterruptWatch::interrupted())
      return Got::interrupted;
    const int ready = poll(&input, 1, kLookMilliseconds);
    if (ready < 0 && errno == EINTR)
      return Got::interrupted;
    if (ready == 0)
      continue;
    if (ready < 0) {
      ended_ = true;
      continue;
    }
    char buffer[4096];
    const ssize_t count = ::read(descriptor_, buffer, sizeof buffer);
    if (count > 0)
      waiting_.append(buffer, static_cast<std::size_t>(count));
    else if (count == 0 || errno != EINTR)
      ended_ = true;
  }
}

} // namespace peakbench::suite
