// Brings every rank's finished cases to rank 0 while rank 0 computes its own: a thread there
// receives messages and hands them, one at a time, to `sink` (which writes and flushes).
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
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

// What rank 0 knows of a rank by its signs of life.
struct RankSign {
  std::uint64_t doing = 0; // see Collector::doing()
  double seconds = 0;      // for so long
  bool lost = false;
};

// Rank 0 looks after the others. All of it is called there, in the collecting thread.
struct CollectorWatch {
  // A rank is lost once rank 0 has listened for so long without a sign of life of it. (Time in
  // which rank 0 itself stood still, with a slow disk or the whole job, does not count.)
  double lost_after_seconds = std::numeric_limits<double>::infinity();
  std::function<void(int rank, const RankSign&)> lost = {};            // once per rank
  std::function<void(const std::vector<RankSign>&)> every_second = {}; // one entry per rank
};

class Collector {
public:
  using Sink = std::function<void(int rank, const std::string& message)>;
  using TensorSink =
      std::function<void(int rank, const std::string& message, const std::vector<double>& tensor)>;
  // Collective. `sink(rank, message)` runs on rank 0 only, in the collecting thread; an exception
  // in it is rethrown by finish() on rank 0 and stops the run (stopped() becomes true).
  Collector(const Session& session, Sink sink, CollectorWatch watch = {});
  // With tensors beside the messages, through a channel that is used by nobody else meanwhile.
  Collector(const Session& session, TensorSink sink, TensorChannel& channel,
            CollectorWatch watch = {});
  ~Collector();
  // From any rank; does not wait for rank 0 to write.
  void send(std::string message);
  // With a tensor (float64 [n]) waits until rank 0 has taken it, not until it is written: nothing
  // of it lives here afterwards.
  void send(std::string message, const at::Tensor& tensor);
  // How many of this rank's messages the sink has taken, as far as is known here.
  std::size_t taken() const;
  // What this rank does from now on, for rank 0 to show and to blame; 0: nothing.
  void doing(std::uint64_t what);
  // Asks every rank to start nothing new (a signal arrived here); stopped() becomes true
  // everywhere.
  void request_stop();
  bool stopped() const;
  // Collective: returns once everything sent has been handed to the sink, by ranks that are not
  // lost.
  void finish();
  // After finish(): whether ranks were lost. Then no collective call can be made any more.
  bool anyone_lost() const;
  // After finish(). Nothing on rank 0, which sends to nobody.
  Traffic sent() const;

private:
  struct State; // collector_state.h
  std::unique_ptr<State> state_;
};

} // namespace peakbench::cluster
