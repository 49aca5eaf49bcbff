// SIGINT, SIGTERM and SIGUSR1 (which mpirun passes on and batch systems send before the limit): the
// current case may come to its end, the results are flushed, and the run ends. A second signal
// drops the current case; a third one ends the process at once.
#pragma once

namespace peakbench::suite {

class InterruptWatch {
public:
  InterruptWatch();
  ~InterruptWatch(); // the former handlers
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
  static bool interrupted(); // once
  static bool at_once();     // twice or more
};

} // namespace peakbench::suite
