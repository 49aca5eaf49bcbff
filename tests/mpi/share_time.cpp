// How long ranks of different speeds take for the same work, dealt out before the start or handed
// out as they ask for it. The work is sleep, so that more ranks than cores can be measured.
//   mpirun -n 8 share_time [SLOWNESS of the last rank, 10] [SECONDS that would be ideal, 4]
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/deadline.h"
#include "cluster/summary.h"
#include "cluster/work_source.h"

namespace peakbench::cluster {
namespace {

// Costs as in configs/ep_phase2.yaml: twelve arms, six depths.
std::vector<WorkItem> work() {
  std::vector<WorkItem> items;
  for (const double depth : {10, 50, 100, 200, 500, 1000})
    for (const double layers : {10, 12, 10, 9, 540, 540, 540, 120, 120, 6, 6, 20})
      items.push_back({1.4e-5 * depth * (6 * layers + 540)});
  return items;
}

void measure(const Session& session, const char* share, double slowness, double ideal_seconds) {
  const std::vector<WorkItem> items = work();
  double total = 0;
  for (const WorkItem& item : items)
    total += item.cost;
  const double speeds = session.size() - 1 + 1 / slowness;
  const bool slow = session.rank() == session.size() - 1;
  const double seconds_per_cost = ideal_seconds * speeds / total * (slow ? slowness : 1);
  const auto source = make_work_source(session, items, share);
  session.barrier();
  const Deadline clock;
  double done = 0;
  while (const auto item = source->next()) {
    std::this_thread::sleep_for(
        std::chrono::duration<double>(items[*item].cost * seconds_per_cost));
    ++done;
  }
  const double mine = clock.elapsed_seconds();
  source->finish();
  double longest = 0, all = 0;
  const std::vector<double> values{mine, done};
  const auto rows = gather_summary(session, GatherBy::mpi, c10::Device(c10::kCPU), values);
  for (const auto& row : rows) {
    longest = std::max(longest, row[0]);
    all += row[1];
  }
  if (session.rank() == 0)
    fmt::print("{:8} {} ranks, the last one {:g} times slower: {:.3f} s, ideal {:.3f} s, ratio "
               "{:.3f}; {} of {} items done, {} by the slow one\n",
               share, session.size(), slowness, longest, ideal_seconds, longest / ideal_seconds,
               all, items.size(), rows.back()[1]);
}

} // namespace
} // namespace peakbench::cluster

int main(int argc, char** argv) {
  const peakbench::cluster::Session session(argc, argv);
  const double slowness = argc > 1 ? std::atof(argv[1]) : 10;
  const double ideal_seconds = argc > 2 ? std::atof(argv[2]) : 4;
  for (const char* share : {"dynamic", "static"})
    peakbench::cluster::measure(session, share, slowness, ideal_seconds);
  return 0;
}
