// Where a rank gets its next piece of work from.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "cluster/session.h"
#include "cluster/sharing.h"

namespace peakbench::cluster {

class WorkSource {
public:
  virtual ~WorkSource() = default;
  // The number of an item that no other rank has or had; nothing when there is none left for this
  // rank. Items of a group come in their order.
  virtual std::optional<std::size_t> next() = 0;
  // On rank 0, from any thread: nobody is to wait for that rank any more.
  virtual void forget(int) {}
  // Collective, once no rank asks any more: after next() said so, or earlier where a run is
  // stopped.
  virtual void finish() {}
};

// Every item belongs to a rank from the start, by estimated cost.
std::unique_ptr<WorkSource> deal_out(const Session& session, std::span<const WorkItem> items);
// A thread on rank 0 hands out items as ranks ask for them. Collective.
std::unique_ptr<WorkSource> hand_out(const Session& session, std::span<const WorkItem> items);

// "static" or "dynamic", for a wish of "auto" too.
std::string choose_share(const std::string& wish, std::size_t items, int ranks);
std::unique_ptr<WorkSource>
make_work_source(const Session& session, std::span<const WorkItem> items, const std::string& share);

} // namespace peakbench::cluster
