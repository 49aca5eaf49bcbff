// CPU version of tree_attention: a small matrix-product kernel over tiles of kTile tokens.
//
// A task is one kv head and as many paths as fill 2 SIMD registers with queries (a query per lane,
// the heads of a group and the paths side by side). It walks the forest of segments depth first:
// whole tiles that all paths below a segment have in common are read once for all their queries;
// where paths part, each group goes on from a copy of its lanes' sums. Online softmax, one
// rescaling per tile.
//
// Tiles begin at multiples of kTile of a path's own positions, and each lane's sums run in one
// fixed order, so a path's result is the same to the bit whatever is shared and whoever else is in
// the step.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/tree_attention_cpu.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include <hwy/cache_control.h>
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "kernels/tree_attention_internal.h"
#include "kernels/tree_attention_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace peakbench::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

constexpr std::int64_t kAhead = 8; // slots

// A place in the list of runs from a root to the segment at hand.
struct Place {
  std::size_t run = 0;
  std::int32_t used = 0;   // slots of that run
  std::int64_t tokens = 0; // before the place
};

std::int64_t register_lanes() { return static_cast<std::int64_t>(hn::Lanes(Floats())); }

// How a step is cut into tasks.
struct Cut {
  std::int64_t lanes, width, heads, head_blocks, paths, path_blocks;
  explicit Cut(const TreeAttentionArguments& a)
      : lanes(register_lanes()), width(2 * lanes), heads(std::min(a.group(), width)),
        head_blocks((a.group() + heads - 1) / heads), paths(width / heads),
        path_blocks((a.paths + paths - 1) / paths) {}
  std::int64_t tasks(const TreeAttentionArguments& a) const {
    return a.kv_heads * head_blocks * path_blocks;
  }
};

// Sums that a task keeps at once: of all its paths, and of one group per level of the tree. Each
// level has fewer paths than the one above.
std::int64_t state_levels(const TreeAttentionArguments& a, const TreeAttentionPlan& plan) {
  std::int64_t deepest = 0;
  std::vector<std::int32_t> open; // ends of the segments around the one at hand
  for (std::size_t i = 0; i < plan.segments.size(); ++i) {
    while (!open.empty() && open.back() <= static_cast<std::int32_t>(i))
      open.pop_back();
    open.push_back(plan.segments[i].end);
    deepest = std::max(deepest, static_cast<std::int64_t>(open.size()));
  }
  return 1 + std::min(deepest, Cut(a).paths);
}

// kElements: what products are made of; pairs only for bfloat16.
template <typename T, Elements kElements>
class Task {
public:
  Task(const TreeAttentionArguments& arguments, const TreeAttentionPlan& plan, float* scratch)
      : a_(arguments), plan_(plan), cut_(arguments),
        levels_(static_cast<std::size_t>(state_levels(arguments, plan))) {
    const std::int64_t width = cut_.width, head_width = a_.head_width;
    const auto take = [&scratch](std::int64_t count) {
      return std::exchange(scratch, scratch + count);
    };
    // A group's registers may begin at any lane of the queries, so they read past the last row.
    query_ = take(head_width * width + width);
    key_ = take(kTile * head_width);
    value_ = take(kTile * head_width);
    float* const correction = take(width);
    float* const scores = take(kTile * width);
    for (State& level : levels_)
      level = {nullptr,         width,           take(head_width * width + width),
               take(2 * width), take(2 * width), correction,
               scores,          width,           a_.scale};
  }

  void run(std::int64_t task) {
    const std::int64_t path_block = task % cut_.path_blocks, rest = task / cut_.path_blocks;
    kv_head_ = rest / cut_.head_blocks;
    first_head_ = (rest % cut_.head_blocks) * cut_.heads;
    heads_ = std::min(cut_.heads, a_.group() - first_head_);
    first_path_ = path_block * cut_.paths;
    last_path_ = std::min(first_path_ + cut_.paths, a_.paths);
    load_query();
    State& all = levels_.front();
    all.query = query_;
    std::fill_n(all.highest, 2 * cut_.width, kLowest);
    std::fill_n(all.total, 2 * cut_.width, 0.0F);
    std::fill_n(all.sums, a_.head_width * cut_.width + cut_.width, 0.0F);
    chain_.clear();
    const Group everybody{0, first_path_, last_path_};
    walk_children(0, static_cast<std::int32_t>(plan_.segments.size()), everybody, {});
  }

private:
  // Paths of the task whose sums a level holds, the first one at lane 0.
  struct Group {
    std::size_t level;
    std::int64_t first, last;
  };

  // The segments [begin, end) are siblings with what lies below them.
  void walk_children(std::int32_t begin, std::int32_t end, const Group& group, const Place& place) {
    for (std::int32_t i = begin; i < end; i = segment(i).end)
      if (segment(i).first_path < last_path_ &&
          segment(i).first_path + segment(i).paths > first_path_)
        walk(i, group, place);
  }

  void walk(std::int32_t index, Group group, Place place) {
    const TreeSegment& here = segment(index);
    const std::int64_t first = std::max<std::int64_t>(here.first_path, first_path_);
    const std::int64_t last = std::min<std::int64_t>(here.first_path + here.paths, last_path_);
    const std::size_t chain = chain_.size();
    chain_.insert(chain_.end(), plan_.runs.begin() + here.first_run,
                  plan_.runs.begin() + here.first_run + here.runs);
    const std::int64_t tokens = here.first_token + here.tokens;
    const bool leaf = here.end == index + 1;
    if (leaf || place.tokens + kTile <= tokens) {
      if (first != group.first || last != group.last)
        group = split(group, first, last);
      for (; place.tokens + kTile <= tokens;)
        attend(group, place, kTile);
      if (leaf && place.tokens < tokens)
        attend(group, place, tokens - place.tokens);
    }
    if (leaf)
      write(group);
    else
      walk_children(index + 1, here.end, group, place);
    chain_.resize(chain);
  }

  // The lanes of [first, last) as a group of its own, one level further.
  Group split(const Group& from, std::int64_t first, std::int64_t last) {
    const State& all = levels_[from.level];
    State& part = levels_[from.level + 1];
    const std::int64_t lane = (first - from.first) * heads_;
    const std::int64_t used = (last - first) * heads_ <= cut_.lanes ? cut_.lanes : cut_.width;
    part.query = all.query + lane;
    std::copy_n(all.highest + lane, used, part.highest);
    std::copy_n(all.total + lane, used, part.total);
    for (std::int64_t i = 0; i < a_.head_width; ++i)
      std::copy_n(all.sums + i * cut_.width + lane, used, part.sums + i * cut_.width);
    return {from.level + 1, first, last};
  }

  // The task's queries, a query per lane: [head_width / pair, width].
  void load_query() {
    std::fill_n(query_, a_.head_width * cut_.width + cut_.width, 0.0F);
    for (std::int64_t path = first_path_; path < last_path_; ++path)
      for (std::int64_t h = 0; h < heads_; ++h) {
        const T* from = static_cast<const T*>(a_.query) + head_offset(path, h);
        load_elements(from, a_.head_width, key_);
        float* const to = query_ + (path - first_path_) * heads_ + h;
        for (std::int64_t i = 0; i < a_.head_width / kPair; ++i)
          to[i * cut_.width] = key_[i];
      }
  }
  std::int64_t head_offset(std::int64_t path, std::int64_t head) const {
    return (path * a_.heads + kv_head_ * a_.group() + first_head_ + head) * a_.head_width;
  }

  void load_tile(Place& place, std::int64_t tokens) {
    const std::int64_t stride = a_.slot_stride(), head_width = a_.head_width;
    for (std::int64_t done = 0; done < tokens;) {
      while (chain_[place.run].count == place.used) {
        ++place.run;
        place.used = 0;
      }
      const SlotRun& run = chain_[place.run];
      const ChunkView& chunk = a_.chunks[run.chunk];
      const T* key = static_cast<const T*>(chunk.base) +
                     (2 * a_.layer * chunk.slots + run.first + place.used) * stride +
                     kv_head_ * head_width;
      const T* value = key + chunk.slots * stride;
      const auto count =
          static_cast<std::int32_t>(std::min<std::int64_t>(tokens - done, run.count - place.used));
      for (std::int32_t i = 0; i < count; ++i, ++done) {
        // A head's part of a slot is too short for the hardware to see a stream.
        for (std::int64_t ahead = 0; ahead < head_width; ahead += 64 / std::int64_t{sizeof(T)}) {
          hwy::Prefetch(key + (i + kAhead) * stride + ahead);
          hwy::Prefetch(value + (i + kAhead) * stride + ahead);
        }
        load_elements(key + i * stride, head_width, key_ + done * (head_width / kPair));
        value_rows_[done] = value + i * stride;
      }
      place.used += count;
    }
    load_values(tokens);
    place.tokens += tokens;
  }

  // Neighbours of a row as they are multiplied.
  static HWY_INLINE void load_elements(const T* from, std::int64_t count, float* to) {
    if constexpr (kElements == Elements::pairs)
      std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(T));
    else
      to_float(from, count, to);
  }
  void load_values(std::int64_t tokens) {
    const std::int64_t head_width = a_.head_width;
    if constexpr (kElements == Elements::pairs)
      for (std::int64_t t = 0; t < tokens; t += 2)
        pair_rows(value_rows_[t], t + 1 < tokens ? value_rows_[t + 1] : nullptr, head_width,
                  value_ + t / 2 * head_width);
    else
      for (std::int64_t t = 0; t < tokens; ++t)
        to_float(value_rows_[t], head_width, value_ + t * head_width);
  }

  void attend(const Group& group, Place& place, std::int64_t tokens) {
    load_tile(place, tokens);
    const State& state = levels_[group.level];
    if ((group.last - group.first) * heads_ <= cut_.lanes)
      attend_tile<kElements, 1>(state, key_, value_, tokens, a_.head_width);
    else
      attend_tile<kElements, 2>(state, key_, value_, tokens, a_.head_width);
  }

  void write(const Group& group) {
    const State& state = levels_[group.level];
    for (std::int64_t path = group.first; path < group.last; ++path)
      for (std::int64_t h = 0; h < heads_; ++h) {
        const std::int64_t lane = (path - group.first) * heads_ + h;
        T* out = static_cast<T*>(a_.out) + head_offset(path, h);
        const float inverse = 1.0F / state.total[lane];
        for (std::int64_t i = 0; i < a_.head_width; ++i)
          store(state.sums[i * cut_.width + lane] * inverse, out + i);
      }
  }

  const TreeSegment& segment(std::int32_t index) const {
    return plan_.segments[static_cast<std::size_t>(index)];
  }

  static void store(float value, float* to) { *to = value; }
  static void store(float value, hwy::bfloat16_t* to) {
    // To the nearest, ties to even.
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const bool not_a_number = (bits & 0x7FFFFFFFU) > 0x7F800000U;
    const std::uint32_t rounded = bits + 0x7FFFU + ((bits >> 16) & 1U);
    to->bits = static_cast<std::uint16_t>(not_a_number ? 0x7FC0U : rounded >> 16);
  }

  const TreeAttentionArguments& a_;
  const TreeAttentionPlan& plan_;
  Cut cut_;
  static constexpr std::int64_t kPair = kElements == Elements::pairs ? 2 : 1;
  float *query_, *key_, *value_;
  const T* value_rows_[kTile] = {};
  std::vector<State> levels_;
  std::vector<SlotRun> chain_; // runs from the root to the segment at hand
  std::int64_t kv_head_ = 0, first_head_ = 0, heads_ = 0, first_path_ = 0, last_path_ = 0;
};

} // namespace

std::int64_t scratch_floats(const TreeAttentionArguments& a, const TreeAttentionPlan& plan) {
  const std::int64_t width = 2 * register_lanes(), sums = a.head_width * width + width;
  return sums + 2 * kTile * a.head_width + width + kTile * width +
         state_levels(a, plan) * (sums + 4 * width);
}
std::int64_t tasks(const TreeAttentionArguments& a) { return Cut(a).tasks(a); }
void run(const TreeAttentionArguments& a, const TreeAttentionPlan& plan, std::int64_t begin,
         std::int64_t end, float* scratch) {
  const auto all = [&](auto task) {
    for (std::int64_t i = begin; i < end; ++i)
      task.run(i);
  };
  if (a.element == Element::float32)
    all(Task<float, Elements::floats>(a, plan, scratch));
  else if (has_pair_products() && a.head_width % 2 == 0)
    all(Task<hwy::bfloat16_t, Elements::pairs>(a, plan, scratch));
  else
    all(Task<hwy::bfloat16_t, Elements::floats>(a, plan, scratch));
}

} // namespace HWY_NAMESPACE
} // namespace peakbench::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace peakbench::kernels {
HWY_EXPORT(scratch_floats);
HWY_EXPORT(tasks);
HWY_EXPORT(run);

std::int64_t tree_attention_cpu_scratch(const TreeAttentionArguments& arguments,
                                        const TreeAttentionPlan& plan) {
  return HWY_DYNAMIC_DISPATCH(scratch_floats)(arguments, plan);
}
std::int64_t tree_attention_cpu_tasks(const TreeAttentionArguments& arguments) {
  return HWY_DYNAMIC_DISPATCH(tasks)(arguments);
}
void tree_attention_cpu(const TreeAttentionArguments& arguments, const TreeAttentionPlan& plan,
                        std::int64_t begin, std::int64_t end, float* scratch) {
  HWY_DYNAMIC_DISPATCH(run)(arguments, plan, begin, end, scratch);
}

} // namespace peakbench::kernels
#endif
