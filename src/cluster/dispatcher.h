// Dynamic sharing over MPI: WorkQueue behind messages.
#pragma once

#include <memory>
#include <span>

#include "cluster/work_source.h"

namespace peakbench::cluster {

// Collective. On rank 0 a thread answers, on a communicator of its own, so that rank 0 may compute
// meanwhile. A rank that finishes before it was told that nothing is left ends the handing out for
// all: the run is being stopped.
class Dispatcher final : public WorkSource {
public:
  Dispatcher(const Session& session, std::span<const WorkItem> items);
  ~Dispatcher() override;
  using WorkSource::next;
  std::optional<std::size_t> next(const std::function<bool()>& stopped) override;
  void forget(int rank) override;
  void finish() override;

private:
  struct State;
  std::unique_ptr<State> state_;
};

} // namespace peakbench::cluster
