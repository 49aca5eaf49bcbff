// Brings every rank's finished cases to rank 0 while rank 0 computes its own: a thread there
// receives messages and hands them, one at a time, to `sink` (which writes and flushes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "cluster/session.h"

namespace peakbench::cluster {

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
  std::function<void(int rank, const RankSign&)> lost;            // once per rank
  std::function<void(const std::vector<RankSign>&)> every_second; // one entry per rank
};

class Collector {
public:
  // Collective. `sink(rank, message)` runs on rank 0 only, in the collecting thread; an exception
  // in it is rethrown by finish() on rank 0 and stops the run (stopped() becomes true).
  Collector(const Session& session, std::function<void(int rank, const std::string& message)> sink,
            CollectorWatch watch = {});
  ~Collector();
  // From any rank; does not wait for rank 0 to write.
  void send(std::string message);
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

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace peakbench::cluster
