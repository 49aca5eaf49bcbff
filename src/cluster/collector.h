// Brings every rank's finished cases to rank 0 while rank 0 computes its own: a thread there
// receives messages and hands them, one at a time, to `sink` (which writes and flushes).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cluster/session.h"

namespace peakbench::cluster {

class Collector {
public:
  // Collective. `sink(rank, message)` runs on rank 0 only, in the collecting thread; an exception
  // in it is rethrown by finish() on rank 0 and stops the run (stopped() becomes true).
  Collector(const Session& session, std::function<void(int rank, const std::string& message)> sink);
  ~Collector();
  // From any rank; does not wait for rank 0 to write.
  void send(std::string message);
  // Asks every rank to start nothing new (a signal arrived here); stopped() becomes true
  // everywhere.
  void request_stop();
  bool stopped() const;
  // Collective: returns once everything sent has been handed to the sink.
  void finish();

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace peakbench::cluster
