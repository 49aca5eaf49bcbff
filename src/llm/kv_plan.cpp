#include "llm/kv_plan.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace peakbench::llm {

using kernels::SlotRun;

namespace {

// A place in a run list: `runs` whole runs, then `tokens` of the next one.
struct Place {
  std::size_t runs = 0;
  std::int32_t tokens = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};

// Up to where both lists name the same slots. Lists that were forked are cut alike up to there, but
// the run at which they part may have grown in one of them.
Place common(std::span<const SlotRun> a, std::span<const SlotRun> b) {
  Place place;
  const std::size_t shorter = std::min(a.size(), b.size());
  while (place.runs < shorter && a[place.runs] == b[place.runs])
    ++place.runs;
  if (place.runs < shorter) {
    const SlotRun &x = a[place.runs], &y = b[place.runs];
    if (x.chunk == y.chunk && x.first == y.first)
      place.tokens = std::min(x.count, y.count);
  }
  return place;
}

} // namespace

kernels::TreeAttentionPlan plan_attention(std::span<const std::span<const SlotRun>> paths) {
  kernels::TreeAttentionPlan plan;
  plan.own_begin.push_back(0);
  if (paths.empty())
    return plan;
  Place shared{paths.front().size(), 0};
  for (const auto& path : paths.subspan(1))
    shared = std::min(shared, common(paths.front(), path));

  const auto head = paths.front().first(shared.runs);
  plan.shared.assign(head.begin(), head.end());
  if (shared.tokens > 0) {
    const SlotRun& run = paths.front()[shared.runs];
    plan.shared.push_back({run.chunk, run.first, shared.tokens});
  }
  for (const auto& path : paths) {
    auto rest = path.subspan(shared.runs);
    if (shared.tokens > 0) {
      const SlotRun& run = rest.front();
      if (run.count > shared.tokens)
        plan.own.push_back({run.chunk, run.first + shared.tokens, run.count - shared.tokens});
      rest = rest.subspan(1);
    }
    plan.own.insert(plan.own.end(), rest.begin(), rest.end());
    plan.own_begin.push_back(static_cast<std::int32_t>(plan.own.size()));
  }
  return plan;
}

} // namespace peakbench::llm
