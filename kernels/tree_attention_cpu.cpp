// CPU version of tree_attention: a small matrix-product kernel over tiles of kTile tokens.
//
// A task is one kv head and as many paths as fill 2 SIMD registers with queries (a query per lane,
// the heads of a group and the paths side by side). Whole tiles of the shared beginning are read
// once for all queries of the task; then every path goes on alone with what is left of the shared
// part and its own runs. Both use the same kernel and online softmax (one rescaling per tile).
//
// Tiles begin at multiples of kTile of the path's own positions, and each lane's sums run in one
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
#include <span>

#include "kernels/tree_attention_internal.h"

HWY_BEFORE_NAMESPACE();
namespace peakbench::kernels {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

constexpr std::int64_t kTile = 32;
constexpr std::int64_t kAhead = 8; // slots
// Sums stay in registers only where the loops over them are unrolled, which -O2 does not do by
// itself.
#define PEAKBENCH_UNROLL _Pragma("GCC unroll 8")
constexpr float kLowest = -1e30F;
using Floats = hn::ScalableTag<float>;

// Walks two run lists, one after the other, token by token.
class TokenCursor {
public:
  TokenCursor(std::span<const SlotRun> first, std::span<const SlotRun> second)
      : first_(first), second_(second) {}

  std::int64_t remaining() const {
    std::int64_t sum = -used_;
    for (std::size_t i = run_; i < first_.size() + second_.size(); ++i)
      sum += at(i).count;
    return sum;
  }
  // The longest piece of the next `limit` tokens that lies in one run; its length in `count`.
  SlotRun take(std::int64_t limit) {
    while (at(run_).count == used_) {
      ++run_;
      used_ = 0;
    }
    const SlotRun& run = at(run_);
    const auto count = static_cast<std::int32_t>(std::min<std::int64_t>(limit, run.count - used_));
    const SlotRun piece{run.chunk, static_cast<std::int32_t>(run.first + used_), count};
    used_ += count;
    return piece;
  }
  void follow_with(std::span<const SlotRun> second) { second_ = second; }

private:
  const SlotRun& at(std::size_t i) const {
    return i < first_.size() ? first_[i] : second_[i - first_.size()];
  }
  std::span<const SlotRun> first_, second_;
  std::size_t run_ = 0;
  std::int64_t used_ = 0; // tokens of the current run
};

HWY_INLINE void to_float(const float* from, std::int64_t count, float* to) {
  std::copy_n(from, count, to);
}
HWY_INLINE void to_float(const hwy::bfloat16_t* from, std::int64_t count, float* to) {
  const Floats d;
  const hn::Rebind<hwy::bfloat16_t, Floats> narrow;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  std::int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(hn::PromoteTo(d, hn::LoadU(narrow, from + i)), d, to + i);
  for (; i < count; ++i)
    to[i] = hwy::F32FromBF16(from[i]);
}

// C[i][lanes] = C[i][lanes] * correction + sum_k A[i][k] B[k][lanes] for kRows rows i; C starts at
// 0 without a correction. A is scalar with any strides, B and C have `width` floats a row.
template <int kRows, int kVectors, bool kCorrect>
HWY_INLINE void multiply_rows(const float* HWY_RESTRICT a, std::int64_t a_row, std::int64_t a_step,
                              const float* HWY_RESTRICT b, std::int64_t b_row,
                              float* HWY_RESTRICT c, std::int64_t c_row, std::int64_t steps,
                              const float* HWY_RESTRICT correction) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  hn::Vec<Floats> sum[kRows][kVectors];
  PEAKBENCH_UNROLL
  for (int i = 0; i < kRows; ++i)
    PEAKBENCH_UNROLL
  for (int v = 0; v < kVectors; ++v)
    sum[i][v] = kCorrect ? hn::Mul(hn::LoadU(d, c + i * c_row + v * lanes),
                                   hn::LoadU(d, correction + v * lanes))
                         : hn::Zero(d);
  for (std::int64_t k = 0; k < steps; ++k) {
    hn::Vec<Floats> right[kVectors];
    PEAKBENCH_UNROLL
    for (int v = 0; v < kVectors; ++v)
      right[v] = hn::LoadU(d, b + k * b_row + v * lanes);
    PEAKBENCH_UNROLL
    for (int i = 0; i < kRows; ++i) {
      const auto left = hn::Set(d, a[i * a_row + k * a_step]);
      PEAKBENCH_UNROLL
      for (int v = 0; v < kVectors; ++v)
        sum[i][v] = hn::MulAdd(left, right[v], sum[i][v]);
    }
  }
  PEAKBENCH_UNROLL
  for (int i = 0; i < kRows; ++i)
    PEAKBENCH_UNROLL
  for (int v = 0; v < kVectors; ++v)
    hn::StoreU(sum[i][v], d, c + i * c_row + v * lanes);
}

template <int kVectors, bool kCorrect>
HWY_INLINE void multiply(const float* a, std::int64_t rows, std::int64_t a_row, std::int64_t a_step,
                         const float* b, std::int64_t b_row, float* c, std::int64_t c_row,
                         std::int64_t steps, const float* correction) {
  constexpr int kRows = 8 / kVectors; // 8 chains of sums hide the latency of a fused multiply-add
  std::int64_t i = 0;
  for (; i + kRows <= rows; i += kRows)
    multiply_rows<kRows, kVectors, kCorrect>(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row,
                                             c_row, steps, correction);
  for (; i < rows; ++i)
    multiply_rows<1, kVectors, kCorrect>(a + i * a_row, a_row, a_step, b, b_row, c + i * c_row,
                                         c_row, steps, correction);
}

// Online softmax of up to kVectors registers of queries; every array but `query` is owned by it.
struct State {
  const float* query; // [head_width, query_row], scaled
  std::int64_t query_row;
  float* sums; // [head_width, width]: sum of weights times values
  float* highest;
  float* total;
  float* correction;
  float* scores; // [kTile, width]
  std::int64_t width;
};

template <int kVectors>
HWY_INLINE void attend_tile(const State& state, const float* key, const float* value,
                            std::int64_t tokens, std::int64_t head_width) {
  const Floats d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  multiply<kVectors, false>(key, tokens, head_width, 1, state.query, state.query_row, state.scores,
                            state.width, head_width, nullptr);
  for (std::int64_t v = 0; v < kVectors * lanes; v += lanes) {
    const auto before = hn::LoadU(d, state.highest + v);
    auto highest = before;
    for (std::int64_t t = 0; t < tokens; ++t)
      highest = hn::Max(highest, hn::LoadU(d, state.scores + t * state.width + v));
    const auto correction = hn::Exp(d, hn::Sub(before, highest));
    auto total = hn::Mul(hn::LoadU(d, state.total + v), correction);
    for (std::int64_t t = 0; t < tokens; ++t) {
      float* score = state.scores + t * state.width + v;
      const auto weight = hn::Exp(d, hn::Sub(hn::LoadU(d, score), highest));
      total = hn::Add(total, weight);
      hn::StoreU(weight, d, score);
    }
    hn::StoreU(highest, d, state.highest + v);
    hn::StoreU(total, d, state.total + v);
    hn::StoreU(correction, d, state.correction + v);
  }
  multiply<kVectors, true>(value, head_width, 1, head_width, state.scores, state.width, state.sums,
                           state.width, tokens, state.correction);
}

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

template <typename T>
class Task {
public:
  Task(const TreeAttentionArguments& arguments, const TreeAttentionPlan& plan, float* scratch)
      : a_(arguments), plan_(plan), cut_(arguments) {
    const std::int64_t width = cut_.width, head_width = a_.head_width;
    const auto take = [&scratch](std::int64_t count) {
      return std::exchange(scratch, scratch + count);
    };
    // A path's own register may begin at any lane of the query, so it reads past the last row's
    // end.
    query_ = take(head_width * width + cut_.lanes);
    key_ = take(kTile * head_width);
    value_ = take(kTile * head_width);
    for (State* state : {&all_, &one_})
      *state = {nullptr,
                width,
                take(head_width * width + width),
                take(2 * width),
                take(2 * width),
                take(width),
                take(kTile * width),
                width};
  }

  void run(std::int64_t task) {
    const std::int64_t path_block = task % cut_.path_blocks, rest = task / cut_.path_blocks;
    kv_head_ = rest / cut_.head_blocks;
    first_head_ = (rest % cut_.head_blocks) * cut_.heads;
    heads_ = std::min(cut_.heads, a_.group() - first_head_);
    const std::int64_t first = path_block * cut_.paths;
    const std::int64_t paths = std::min(cut_.paths, a_.paths - first);
    load_query(first, paths);

    all_.query = query_;
    std::fill_n(all_.highest, 2 * cut_.width, kLowest);
    std::fill_n(all_.total, 2 * cut_.width, 0.0F);
    std::fill_n(all_.sums, a_.head_width * cut_.width + cut_.width, 0.0F);
    TokenCursor cursor(plan_.shared, {});
    const bool narrow = paths * heads_ <= cut_.lanes;
    for (std::int64_t left = cursor.remaining(); left >= kTile; left -= kTile) {
      load_tile(cursor, kTile);
      attend(all_, narrow, kTile);
    }
    for (std::int64_t p = 0; p < paths; ++p)
      finish_path(first + p, p * heads_, cursor);
  }

private:
  // The task's queries, scaled, a query per lane: [head_width, width].
  void load_query(std::int64_t first, std::int64_t paths) {
    std::fill_n(query_, a_.head_width * cut_.width + cut_.lanes, 0.0F);
    for (std::int64_t p = 0; p < paths; ++p)
      for (std::int64_t h = 0; h < heads_; ++h) {
        const T* from = static_cast<const T*>(a_.query) + head_offset(first + p, h);
        to_float(from, a_.head_width, key_);
        for (std::int64_t i = 0; i < a_.head_width; ++i)
          query_[i * cut_.width + p * heads_ + h] = key_[i] * a_.scale;
      }
  }
  std::int64_t head_offset(std::int64_t path, std::int64_t head) const {
    return (path * a_.heads + kv_head_ * a_.group() + first_head_ + head) * a_.head_width;
  }

  void load_tile(TokenCursor& cursor, std::int64_t tokens) {
    const std::int64_t stride = a_.slot_stride(), head_width = a_.head_width;
    for (std::int64_t done = 0; done < tokens;) {
      const SlotRun piece = cursor.take(tokens - done);
      const ChunkView& chunk = a_.chunks[piece.chunk];
      const T* key = static_cast<const T*>(chunk.base) +
                     (2 * a_.layer * chunk.slots + piece.first) * stride + kv_head_ * head_width;
      const T* value = key + chunk.slots * stride;
      for (std::int32_t i = 0; i < piece.count; ++i, ++done) {
        // A head's part of a slot is too short for the hardware to see a stream.
        for (std::int64_t ahead = 0; ahead < head_width; ahead += 64 / std::int64_t{sizeof(T)}) {
          hwy::Prefetch(key + (i + kAhead) * stride + ahead);
          hwy::Prefetch(value + (i + kAhead) * stride + ahead);
        }
        to_float(key + i * stride, head_width, key_ + done * head_width);
        to_float(value + i * stride, head_width, value_ + done * head_width);
      }
    }
  }

  void attend(const State& state, bool narrow, std::int64_t tokens) {
    if (narrow)
      attend_tile<1>(state, key_, value_, tokens, a_.head_width);
    else
      attend_tile<2>(state, key_, value_, tokens, a_.head_width);
  }

  // The rest of the shared part (less than a tile) and the path's own runs, from the state that the
  // shared tiles left at `lane`; then the path's result.
  void finish_path(std::int64_t path, std::int64_t lane, TokenCursor cursor) {
    const std::int32_t begin = plan_.own_begin[static_cast<std::size_t>(path)];
    const std::int32_t end = plan_.own_begin[static_cast<std::size_t>(path) + 1];
    cursor.follow_with(std::span(plan_.own).subspan(static_cast<std::size_t>(begin),
                                                    static_cast<std::size_t>(end - begin)));
    const bool narrow = heads_ <= cut_.lanes;
    // With more heads than a register holds, the path is alone in its task and lane is 0.
    const std::int64_t used = narrow ? cut_.lanes : cut_.width;
    one_.query = query_ + lane;
    std::copy_n(all_.highest + lane, used, one_.highest);
    std::copy_n(all_.total + lane, used, one_.total);
    for (std::int64_t i = 0; i < a_.head_width; ++i)
      std::copy_n(all_.sums + i * cut_.width + lane, used, one_.sums + i * cut_.width);
    for (std::int64_t left = cursor.remaining(); left > 0; left -= kTile) {
      const std::int64_t tokens = std::min(left, kTile);
      load_tile(cursor, tokens);
      attend(one_, narrow, tokens);
    }
    for (std::int64_t h = 0; h < heads_; ++h) {
      T* out = static_cast<T*>(a_.out) + head_offset(path, h);
      const float inverse = 1.0F / one_.total[h];
      for (std::int64_t i = 0; i < a_.head_width; ++i)
        store(one_.sums[i * cut_.width + h] * inverse, out + i);
    }
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
  float *query_, *key_, *value_;
  State all_{}, one_{};
  std::int64_t kv_head_ = 0, first_head_ = 0, heads_ = 0;
};

} // namespace

std::int64_t scratch_floats(const TreeAttentionArguments& a) {
  const std::int64_t width = 2 * register_lanes();
  return a.head_width * width + width + 2 * kTile * a.head_width +
         2 * (a.head_width * width + width + 5 * width + kTile * width);
}
std::int64_t tasks(const TreeAttentionArguments& a) { return Cut(a).tasks(a); }
void run(const TreeAttentionArguments& a, const TreeAttentionPlan& plan, std::int64_t begin,
         std::int64_t end, float* scratch) {
  const auto all = [&](auto task) {
    for (std::int64_t i = begin; i < end; ++i)
      task.run(i);
  };
  if (a.element == Element::float32)
    all(Task<float>(a, plan, scratch));
  else
    all(Task<hwy::bfloat16_t>(a, plan, scratch));
}

} // namespace HWY_NAMESPACE
} // namespace peakbench::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace peakbench::kernels {
HWY_EXPORT(scratch_floats);
HWY_EXPORT(tasks);
HWY_EXPORT(run);

std::int64_t tree_attention_cpu_scratch(const TreeAttentionArguments& arguments) {
  return HWY_DYNAMIC_DISPATCH(scratch_floats)(arguments);
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
