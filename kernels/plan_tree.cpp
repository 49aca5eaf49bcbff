#include "kernels/plan_tree.h"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace peakbench::kernels {

namespace {

// How many tokens both lists begin with. Lists that were forked are cut alike up to there, but the
// run at which they part may have grown in one of them.
std::int32_t common_tokens(std::span<const SlotRun> a, std::span<const SlotRun> b) {
  std::int32_t tokens = 0;
  const std::size_t shorter = std::min(a.size(), b.size());
  for (std::size_t i = 0; i < shorter; ++i) {
    const SlotRun &x = a[i], &y = b[i];
    if (x == y) {
      tokens += x.count;
      continue;
    }
    if (x.chunk == y.chunk && x.first == y.first)
      tokens += std::min(x.count, y.count);
    break;
  }
  return tokens;
}

// Segments are the intervals of the common beginnings of neighbours, as in a suffix tree made from
// its array of longest common prefixes.
class Builder {
public:
  explicit Builder(std::span<const std::span<const SlotRun>> paths) : paths_(paths) {
    for (std::size_t i = 0; i + 1 < paths.size(); ++i)
      common_.push_back(common_tokens(paths[i], paths[i + 1]));
    plan_.paths = static_cast<std::int32_t>(paths.size());
  }

  TreeAttentionPlan build() && {
    add_groups(0, plan_.paths, 0);
    return std::move(plan_);
  }

private:
  // The paths [first, last) have `from` tokens in common, and they are done.
  void add_groups(std::int32_t first, std::int32_t last, std::int32_t from) {
    for (std::int32_t begin = first; begin < last;) {
      std::int32_t end = begin + 1;
      while (end < last && common(end - 1) > from)
        ++end;
      add_segment(begin, end, from);
      begin = end;
    }
  }

  void add_segment(std::int32_t first, std::int32_t last, std::int32_t from) {
    std::int32_t to = 0;
    if (last - first == 1) {
      for (const SlotRun& run : paths_[static_cast<std::size_t>(first)])
        to += run.count;
    } else {
      to = std::numeric_limits<std::int32_t>::max();
      for (std::int32_t path = first; path + 1 < last; ++path)
        to = std::min(to, common(path));
    }
    const std::size_t index = plan_.segments.size();
    const auto first_run = static_cast<std::int32_t>(plan_.runs.size());
    add_runs(paths_[static_cast<std::size_t>(first)], from, to);
    plan_.segments.push_back({first_run, static_cast<std::int32_t>(plan_.runs.size()) - first_run,
                              first, last - first, from, to - from, 0});
    if (last - first > 1)
      add_groups(first, last, to);
    plan_.segments[index].end = static_cast<std::int32_t>(plan_.segments.size());
  }

  void add_runs(std::span<const SlotRun> list, std::int32_t from, std::int32_t to) {
    std::int32_t position = 0;
    for (const SlotRun& run : list) {
      const std::int32_t begin = std::max(from - position, 0);
      const std::int32_t end = std::min(to - position, run.count);
      if (begin < end)
        plan_.runs.push_back({run.chunk, run.first + begin, end - begin});
      position += run.count;
    }
  }

  std::int32_t common(std::int32_t path) const { return common_[static_cast<std::size_t>(path)]; }

  std::span<const std::span<const SlotRun>> paths_;
  std::vector<std::int32_t> common_; // of a path and the next one
  TreeAttentionPlan plan_;
};

} // namespace

TreeAttentionPlan plan_tree(std::span<const std::span<const SlotRun>> paths) {
  return Builder(paths).build();
}

std::vector<SlotRun> runs_of_path(const TreeAttentionPlan& plan, std::int32_t path) {
  std::vector<SlotRun> runs;
  for (const TreeSegment& segment : plan.segments)
    if (segment.first_path <= path && path < segment.first_path + segment.paths)
      runs.insert(runs.end(), plan.runs.begin() + segment.first_run,
                  plan.runs.begin() + segment.first_run + segment.runs);
  return runs;
}

} // namespace peakbench::kernels
