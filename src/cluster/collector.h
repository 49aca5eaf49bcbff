// Brings every rank's finished cases to rank 0 while rank 0 computes its own: a thread there
// receives messages and hands them, one at a time, to `sink` (which writes and flushes).
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cluster/session.h"
#include "cluster/tensor_channel.h"

namespace peakbench::cluster {

// What a rank has sent to rank 0, and how long that took (waiting for rank 0 to take it included).
struct Traffic {
  std::int64_t bytes = 0;
  double seconds = 0;
};

class Collector {
public:
  using Sink = std::function<void(int rank, const std::string& message)>;
  using TensorSink =
      std::function<void(int rank, const std::string& message, const std::vector<double>& tensor)>;
  // Collective. `sink(rank, message)` runs on rank 0 only, in the collecting thread; an exception
  // in it is rethrown by finish() on rank 0 and stops the run (stopped() becomes true).
  Collector(const Session& session, Sink sink);
  // With tensors beside the messages, through a channel that is used by nobody else meanwhile.
  Collector(const Session& session, TensorSink sink, TensorChannel& channel);
  ~Collector();
  // From any rank; does not wait for rank 0 to write.
  void send(std::string message);
  // With a tensor (float64 [n]) waits until rank 0 has taken it, not until it is written: nothing
  // of it lives here afterwards.
  void send(std::string message, const at::Tensor& tensor);
  // Asks every rank to start nothing new (a signal arrived here); stopped() becomes true
  // everywhere.
  void request_stop();
  bool stopped() const;
  // Collective: returns once everything sent has been handed to the sink.
  void finish();
  // After finish(). Nothing on rank 0, which sends to nobody.
  Traffic sent() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace peakbench::cluster
