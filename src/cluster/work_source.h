// Where a rank gets its next piece of work from.
#pragma once

#include <functional>
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
  // rank, or once `stopped` says yes: it is asked now and then while the rank has to wait. Then
  // only finish() may follow. Items of a group come in their order; where sharing is dynamic, a
  // rank's very first item, and those of a slow rank, may be others.
  virtual std::optional<std::size_t> next(const std::function<bool()>& stopped) = 0;
  std::optional<std::size_t> next() {
    return next([] { return false; });
  }
  // On rank 0, from any thread: nobody is to wait for that rank any more. What it has not finished
  // is not given to others; what it has not begun is, where sharing is dynamic.
  virtual void forget(int) {}
  // Collective, once no rank asks any more: after next() said so, or earlier where a run is
  // stopped: then nobody gets anything any more.
  virtual void finish() {}
};

// Every item belongs to a rank from the start, by estimated cost.
std::unique_ptr<WorkSource> deal_out(const Session& session, std::span<const WorkItem> items);
// A thread on rank 0 hands out items as ranks ask for them. Collective.
std::unique_ptr<WorkSource> hand_out(const Session& session, std::span<const WorkItem> items);

// "static" or "dynamic", for a wish of "auto" too: then dynamic where every rank has several cases
// to do. With fewer there is little to even out, and which rank does what had better be the same
// each time.
std::string choose_share(const std::string& wish, std::size_t items, int ranks);
std::unique_ptr<WorkSource>
make_work_source(const Session& session, std::span<const WorkItem> items, const std::string& share);

} // namespace peakbench::cluster
