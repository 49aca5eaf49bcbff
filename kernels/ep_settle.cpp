// Vector length is chosen when the program runs (Highway); this file is compiled once per target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/ep_settle.cpp"
// Registers are kept in arrays, which vectors of unknown length do not allow.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#include "kernels/ep_settle.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include <hwy/foreach_target.h> // after the headers above, which are included once
#include <hwy/highway.h>

#include "kernels/ep_settle_output-inl.h"
#include "kernels/ep_settle_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace peakbench::kernels::HWY_NAMESPACE {

// One group of kVectors * kLanes rows.
template <int kVectors>
class Group {
public:
  static constexpr std::int64_t kRows = kVectors * kLanes;

  Group(const EpSettle& problem, const EpLayout& layout, std::int64_t index, float* memory)
      : problem_(problem), layout_(layout), begin_(index * kRows),
        memory_(memory + index * layout.group_floats),
        last_(static_cast<std::int64_t>(problem.layers.size()) - 1) {}

  void forward();
  void step(std::int64_t t);
  void errors();
  void factors();

private:
  const EpLayer& layer(std::int64_t i) const {
    return problem_.layers[static_cast<std::size_t>(i)];
  }
  std::size_t slot(std::int64_t i) const { return static_cast<std::size_t>(i - problem_.first); }
  float* free(std::int64_t i) const { return memory_ + layout_.free[slot(i)]; }
  float* displacement(std::int64_t i) const { return memory_ + layout_.displacement[slot(i)]; }
  float* velocity(std::int64_t i) const { return memory_ + layout_.velocity[slot(i)]; }
  float* scratch(int which) const { return memory_ + layout_.scratch[which]; }
  std::int32_t* listed() const { return reinterpret_cast<std::int32_t*>(memory_ + layout_.list); }

  // W_i x for the units that were listed, x packed as pack() leaves it, into y.
  void multiply(std::int64_t i, const float* start, std::int64_t count, const float* x,
                float* y) const {
    const EpLayer& now = layer(i);
    const float* next = i < last_ ? layer(i + 1).weight : now.weight;
    tiles<kVectors, kTile<kVectors>>(now.weight, now.inputs, now.outputs, listed(), count, start, x,
                                     y, next);
  }
  // W_i^T x at the units that were listed; y's other units keep what they were.
  void multiply_transposed(std::int64_t i, std::int64_t count, const float* x, float* y) const {
    const EpLayer& now = layer(i);
    listed_product<kVectors>(now.weight, now.inputs, listed(), count, now.outputs, x, y);
  }
  // f(vector index) over a block [width, rows].
  template <typename F>
  HWY_INLINE void each(std::int64_t width, const F& f) const {
    for (std::int64_t k = 0; k < width * kRows; k += kLanes)
      f(k);
  }
  // Lists the units of a block that are alive in some row, and packs what value(k) says of them.
  template <typename Value, typename Alive>
  HWY_INLINE std::int64_t pack(std::int64_t width, const Value& value, const Alive& alive,
                               float* packed) const {
    std::int64_t count = 0;
    for (std::int64_t unit = 0; unit < width; ++unit) {
      const Floats d;
      bool any = false;
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) {
        const std::int64_t k = unit * kRows + v * kLanes;
        hn::StoreU(value(k), d, packed + count * kRows + v * kLanes);
        any |= !hn::AllFalse(d, alive(k));
      }
      listed()[count] = static_cast<std::int32_t>(unit);
      count += any ? 1 : 0;
    }
    return count;
  }
  // Not zero in some row, of a block.
  std::int64_t pack_nonzero(const float* block, std::int64_t width, float* packed) const {
    const Floats d;
    const auto value = [&](std::int64_t k) { return hn::LoadU(d, block + k); };
    return pack(
        width, value, [&](std::int64_t k) { return hn::Ne(value(k), hn::Zero(d)); }, packed);
  }
  // From row-major [rows, width] to [width, group rows], padding with 0.
  void gather(const float* from, std::int64_t width, float* to) const;
  // Lists the units of a layer that are active in some row, free or displaced, and packs
  // relu(s^f + D) - relu(s^f): all others are zero there, and so is relu'.
  std::int64_t pack_change(std::int64_t i, float* packed) const;
  // Output layer: e_L, and the force if asked for. `error` may be `change`.
  void output(const float* change, float* error, float* force) const;
  // v and D of a layer; its error, given the change of the prediction (or null), takes its place.
  void move_hidden(std::int64_t i, const float* change, const float* pull, float* error) const;
  void move(std::int64_t i, const float* force) const;

  const EpSettle& problem_;
  const EpLayout& layout_;
  std::int64_t begin_;
  float* memory_;
  std::int64_t last_;
};

template <int kVectors>
void Group<kVectors>::gather(const float* from, std::int64_t width, float* to) const {
  for (std::int64_t r = 0; r < kRows; ++r)
    for (std::int64_t k = 0; k < width; ++k)
      to[k * kRows + r] = begin_ + r < problem_.rows ? from[(begin_ + r) * width + k] : 0.0F;
}

template <int kVectors>
void Group<kVectors>::forward() {
  const Floats d;
  gather(problem_.target, layer(last_).outputs, memory_ + layout_.target);
  for (std::int64_t r = 0; r < kRows; ++r)
    memory_[layout_.mask + r] = begin_ + r < problem_.rows ? 1.0F : 0.0F;
  const auto activate = [&](const float* from, std::int64_t width, float* to) {
    each(width, [&](std::int64_t k) {
      hn::StoreU(hn::Max(hn::LoadU(d, from + k), hn::Zero(d)), d, to + k);
    });
  };
  float *entering = memory_ + layout_.entering, *packed = scratch(0), *state = scratch(1);
  // Scratch as wide as the input is there once: the input is packed where it lies.
  float* input = problem_.first == 0 ? entering : packed;
  gather(problem_.input, layer(0).inputs, input);
  std::int64_t count = pack_nonzero(input, layer(0).inputs, packed);
  for (std::int64_t i = 0; i <= last_; ++i) {
    float* to = i < problem_.first ? state : free(i);
    multiply(i, layer(i).bias, count, packed, to);
    if (i == last_)
      break;
    if (i + 1 == problem_.first)
      activate(to, layer(i).outputs, entering);
    count = pack(
        layer(i).outputs,
        [&](std::int64_t k) { return hn::Max(hn::LoadU(d, to + k), hn::Zero(d)); },
        [&](std::int64_t k) { return hn::Gt(hn::LoadU(d, to + k), hn::Zero(d)); }, packed);
  }
  for (std::int64_t i = problem_.first; i <= last_; ++i) {
    std::fill_n(displacement(i), layer(i).outputs * kRows, 0.0F);
    std::fill_n(velocity(i), layer(i).outputs * kRows, 0.0F);
  }
}

// max(D + min(s, 0), -max(s, 0)) is D itself where both signs agree: no digit is lost.
template <int kVectors>
std::int64_t Group<kVectors>::pack_change(std::int64_t i, float* packed) const {
  const Floats d;
  const Vector zero = hn::Zero(d);
  const float *s = free(i), *own = displacement(i);
  return pack(
      layer(i).outputs,
      [&](std::int64_t k) {
        const Vector state = hn::LoadU(d, s + k);
        return hn::Max(hn::Add(hn::LoadU(d, own + k), hn::Min(state, zero)),
                       hn::Neg(hn::Max(state, zero)));
      },
      [&](std::int64_t k) {
        const Vector state = hn::LoadU(d, s + k);
        return hn::Gt(hn::Max(state, hn::Add(state, hn::LoadU(d, own + k))), zero);
      },
      packed);
}

template <int kVectors>
void Group<kVectors>::output(const float* change, float* error, float* force) const {
  const OutputRows rows{layer(last_).outputs, kRows,  memory_ + layout_.mask,  free(last_),
                        displacement(last_),  change, memory_ + layout_.target};
  if (problem_.cross_entropy)
    output_cross_entropy(problem_, rows, error, force);
  else
    output_mse(problem_, rows, error, force);
}

template <int kVectors>
void Group<kVectors>::move(std::int64_t i, const float* force) const {
  const Floats d;
  const Vector momentum = hn::Set(d, problem_.momentum), rate = hn::Set(d, problem_.rate);
  float *v = velocity(i), *moved = displacement(i);
  each(layer(i).outputs, [&](std::int64_t k) {
    const Vector speed = hn::MulAdd(momentum, hn::LoadU(d, v + k), hn::LoadU(d, force + k));
    hn::StoreU(speed, d, v + k);
    hn::StoreU(hn::NegMulAdd(rate, speed, hn::LoadU(d, moved + k)), d, moved + k);
  });
}

template <int kVectors>
void Group<kVectors>::move_hidden(std::int64_t i, const float* change, const float* pull,
                                  float* error) const {
  const Floats d;
  const Vector momentum = hn::Set(d, problem_.momentum), rate = hn::Set(d, problem_.rate);
  const float* s = free(i);
  float *v = velocity(i), *moved = displacement(i);
  each(layer(i).outputs, [&](std::int64_t k) {
    const Vector own = hn::LoadU(d, moved + k);
    const Vector e = change ? hn::Sub(own, hn::LoadU(d, change + k)) : own;
    const auto active = hn::Gt(hn::Add(hn::LoadU(d, s + k), own), hn::Zero(d));
    const Vector force = hn::Sub(e, hn::IfThenElseZero(active, hn::LoadU(d, pull + k)));
    const Vector speed = hn::MulAdd(momentum, hn::LoadU(d, v + k), force);
    hn::StoreU(e, d, error + k);
    hn::StoreU(speed, d, v + k);
    hn::StoreU(hn::NegMulAdd(rate, speed, own), d, moved + k);
  });
}

// From the output down, so that no layer is moved before the error that reads it is known: every
// gradient is one of the old states, and two errors are live.
template <int kVectors>
void Group<kVectors>::step(std::int64_t t) {
  const std::int64_t moved = last_ + 2 - t; // the lowest layer with a displacement
  const std::int64_t lowest = std::max(problem_.first, last_ + 1 - t);
  float *above = scratch(2), *error = scratch(3), *force = scratch(1);
  std::int64_t active = 0; // of this layer, listed
  for (std::int64_t i = last_; i >= lowest; --i) {
    if (i < last_)
      multiply_transposed(i + 1, active, above, force);
    if (i > lowest)
      active = pack_change(i - 1, scratch(0));
    const bool changes = i > lowest && i > moved;
    if (changes)
      multiply(i, nullptr, active, scratch(0), error);
    if (i == last_) {
      output(changes ? error : nullptr, error, force);
      move(i, force);
    } else {
      move_hidden(i, changes ? error : nullptr, force, error);
    }
    std::swap(above, error);
  }
}

template <int kVectors>
void Group<kVectors>::errors() {
  const Floats d;
  for (std::int64_t i = last_; i >= problem_.first; --i) {
    float* change = i > problem_.first ? scratch(1) : nullptr;
    if (change)
      multiply(i, nullptr, pack_change(i - 1, scratch(0)), scratch(0), change);
    if (i == last_) {
      output(change, velocity(i), nullptr);
      continue;
    }
    float *error = velocity(i), *own = displacement(i);
    each(layer(i).outputs, [&](std::int64_t k) {
      const Vector moved = hn::LoadU(d, own + k);
      hn::StoreU(change ? hn::Sub(moved, hn::LoadU(d, change + k)) : moved, d, error + k);
    });
  }
}

template <int kVectors>
void Group<kVectors>::factors() {
  const Floats d;
  const auto turn = [&](float* block, std::int64_t width) {
    std::copy_n(block, width * kRows, scratch(0));
    transpose(scratch(0), kRows, width, kRows, block, width);
  };
  turn(memory_ + layout_.entering, layer(problem_.first).inputs);
  for (std::int64_t i = problem_.first; i <= last_; ++i) {
    turn(velocity(i), layer(i).outputs);
    float *own = displacement(i), *s = free(i);
    each(layer(i).outputs, [&](std::int64_t k) {
      hn::StoreU(hn::Max(hn::Add(hn::LoadU(d, s + k), hn::LoadU(d, own + k)), hn::Zero(d)), d,
                 own + k);
    });
    turn(own, layer(i).outputs);
  }
}

template <typename Work>
void run_group(const EpSettle& problem, const EpLayout& layout, std::int64_t index, float* memory,
               const Work& work) {
  if (layout.group_rows == 16) {
    Group<16 / kLanes> group(problem, layout, index, memory);
    work(group);
  } else {
    Group<32 / kLanes> group(problem, layout, index, memory);
    work(group);
  }
}

void forward_group(const EpSettle& problem, const EpLayout& layout, std::int64_t index,
                   float* memory) {
  run_group(problem, layout, index, memory, [](auto& group) { group.forward(); });
}

void settle_group(const EpSettle& problem, const EpLayout& layout, std::int64_t index,
                  std::int64_t from, std::int64_t to, float* memory) {
  run_group(problem, layout, index, memory, [&](auto& group) {
    for (std::int64_t t = from + 1; t <= to; ++t)
      group.step(t);
  });
}

void error_group(const EpSettle& problem, const EpLayout& layout, std::int64_t index,
                 float* memory) {
  run_group(problem, layout, index, memory, [](auto& group) { group.errors(); });
}

void factor_group(const EpSettle& problem, const EpLayout& layout, std::int64_t index,
                  float* memory) {
  run_group(problem, layout, index, memory, [](auto& group) { group.factors(); });
}

} // namespace peakbench::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace peakbench::kernels {

HWY_EXPORT(forward_group);
HWY_EXPORT(settle_group);
HWY_EXPORT(error_group);
HWY_EXPORT(factor_group);

namespace {

template <typename Work>
void each_group(const EpLayout& layout, const Work& work) {
  at::parallel_for(0, layout.groups, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t group = begin; group < end; ++group)
      work(group);
  });
}

} // namespace

void ep_forward(const EpSettle& problem, const EpLayout& layout, float* memory) {
  each_group(layout, [&](std::int64_t group) {
    HWY_DYNAMIC_DISPATCH(forward_group)(problem, layout, group, memory);
  });
}

void ep_settle(const EpSettle& problem, const EpLayout& layout, std::int64_t from, std::int64_t to,
               float* memory) {
  each_group(layout, [&](std::int64_t group) {
    HWY_DYNAMIC_DISPATCH(settle_group)(problem, layout, group, from, to, memory);
  });
}

void ep_errors(const EpSettle& problem, const EpLayout& layout, float* memory) {
  each_group(layout, [&](std::int64_t group) {
    HWY_DYNAMIC_DISPATCH(error_group)(problem, layout, group, memory);
  });
}

void ep_factors(const EpSettle& problem, const EpLayout& layout, float* memory) {
  each_group(layout, [&](std::int64_t group) {
    HWY_DYNAMIC_DISPATCH(factor_group)(problem, layout, group, memory);
  });
}

} // namespace peakbench::kernels
#endif // HWY_ONCE
