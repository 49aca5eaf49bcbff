// A run in virtual time: ranks of given speeds work off items as a policy hands them out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <queue>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "cluster/work_queue.h"

namespace peakbench::cluster::testing {

struct VirtualRanks {
  std::vector<double> speeds;
  double load_seconds = 0; // of a model, on a rank of speed 1
};

struct VirtualRun {
  double seconds = 0;                               // until the last item is done
  std::size_t loads = 0;                            // of models
  std::vector<std::vector<std::size_t>> items_of;   // by rank, in order
  std::vector<double> busy;                         // by rank
  std::vector<std::pair<double, std::size_t>> done; // in order of time
};

// (rank, now) -> what to do.
using Policy = std::function<WorkQueue::Answer(int, double)>;

// `seconds[i]`: what item i takes on a rank of speed 1, whatever was estimated. Ranks that were
// told "later" ask again after every event.
inline VirtualRun run_virtually(std::span<const WorkItem> items, std::span<const double> seconds,
                                const VirtualRanks& ranks, const Policy& policy) {
  const std::size_t count = ranks.speeds.size();
  VirtualRun run;
  run.items_of.resize(count);
  run.busy.resize(count);
  std::vector<std::string> loaded(count);
  std::set<int> waiting;
  using Event = std::tuple<double, int>;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
  const auto ask = [&](int rank, double now) {
    const auto r = static_cast<std::size_t>(rank);
    waiting.erase(rank);
    const WorkQueue::Answer answer = policy(rank, now);
    if (answer.verdict == WorkQueue::Verdict::later)
      waiting.insert(rank);
    if (answer.verdict != WorkQueue::Verdict::item)
      return;
    double takes = seconds[answer.item];
    const std::string& model = items[answer.item].model;
    if (!model.empty() && model != loaded[r]) {
      loaded[r] = model;
      takes += ranks.load_seconds;
      ++run.loads;
    }
    takes /= ranks.speeds[r];
    run.items_of[r].push_back(answer.item);
    run.busy[r] += takes;
    run.done.emplace_back(now + takes, answer.item);
    events.emplace(now + takes, rank);
  };
  for (std::size_t rank = 0; rank < count; ++rank)
    events.emplace(0, static_cast<int>(rank));
  while (!events.empty()) {
    const auto [now, rank] = events.top();
    events.pop();
    run.seconds = now;
    ask(rank, now);
    for (const int other : std::set<int>(waiting))
      ask(other, now);
  }
  std::sort(run.done.begin(), run.done.end());
  return run;
}

// Each rank does what it was dealt before the start.
inline Policy dealt(const std::vector<int>& rank_of) {
  auto at = std::vector<std::size_t>(rank_of.size(), 0);
  return [rank_of, at](int rank, double) mutable -> WorkQueue::Answer {
    for (std::size_t& i = at[static_cast<std::size_t>(rank)]; i < rank_of.size();)
      if (rank_of[i++] == rank)
        return {WorkQueue::Verdict::item, i - 1};
    return {};
  };
}

// The next item of a list, to whoever asks.
inline Policy in_turn(std::vector<std::size_t> order) {
  return [order = std::move(order), at = std::size_t{0}](int, double) mutable {
    return at < order.size() ? WorkQueue::Answer{WorkQueue::Verdict::item, order[at++]}
                             : WorkQueue::Answer{};
  };
}

} // namespace peakbench::cluster::testing
