// SIGINT, SIGTERM and SIGUSR1 (which mpirun passes on and batch systems send before the limit): the
// current case is finished, the results are flushed, and the run ends. A second signal ends at
// once.
#pragma once

namespace peakbench::suite {

class InterruptWatch {
public:
  InterruptWatch();
  ~InterruptWatch(); // the former handlers
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
  static bool interrupted();
};

} // namespace peakbench::suite
