#include "support/kernels_on_cpu.h"

#include "support/cuda_on_cpu.h"

#include "kernels/ep_settle.cuh"
#include "kernels/row_ops.cuh"
#include "kernels/slot_copy.cuh"
#include "kernels/tree_attention.cuh"

namespace peakbench::testing {

namespace {

using namespace kernels;

std::int64_t conflicts = 0;

void launch(std::int64_t blocks, int threads, std::size_t shared_bytes,
            const std::function<void()>& kernel) {
  conflicts = cuda::launch({static_cast<unsigned>(blocks)}, {static_cast<unsigned>(threads)},
                           shared_bytes, kernel);
}

// As in the .cu files.
template <class Launch>
void with_type(Element element, const Launch& launch) {
  switch (element) {
  case Element::float32:
    return launch(float());
  case Element::bfloat16:
    return launch(device::Bfloat16());
  case Element::float16:
    return launch(device::Float16());
  }
}

std::int64_t blocks_for(std::int64_t work, std::int64_t of_a_block) {
  return (work + of_a_block - 1) / of_a_block;
}

void embed(const DeviceEmbedding& a, void*) {
  with_type(a.element, [&](auto type) {
    launch(a.rows, device::kRowThreads, 0, [&] { device::embed<decltype(type)>(a); });
  });
}

void norm(const DeviceNorm& a, void*) {
  with_type(a.element, [&](auto type) {
    using T = decltype(type);
    launch(a.rows, device::kRowThreads, device::kRowThreads / 32 * sizeof(float), [&] {
      if (a.width % 4 == 0)
        device::norm<T, 4>(a);
      else
        device::norm<T, 1>(a);
    });
  });
}

void rotate(const DeviceRotation& a, void*) {
  const std::int64_t heads = a.rows * (a.heads + 2 * a.kv_heads);
  with_type(a.element, [&](auto type) {
    launch(blocks_for(heads, device::kHeadWarps), 32 * device::kHeadWarps, 0,
           [&] { device::rotate<decltype(type)>(a); });
  });
}

void silu(const DeviceSilu& a, void*) {
  with_type(a.element, [&](auto type) {
    using T = decltype(type);
    constexpr int kCount = 16 / static_cast<int>(sizeof(T));
    const bool whole = a.width % kCount == 0;
    launch(blocks_for(a.rows * a.width, device::kRowThreads * (whole ? kCount : 1)),
           device::kRowThreads, 0, [&] {
             if (whole)
               device::silu<T, kCount>(a);
             else
               device::silu<T, 1>(a);
           });
  });
}

template <class T, int kWidth>
void attend_width(const AttendArguments& a, std::int32_t blocks) {
  launch(blocks, device::kThreads, device::attend_bytes<T, kWidth>(),
         [&] { device::attend<T, kWidth>(a); });
}

void attend(const AttendArguments& a, std::int32_t blocks, void*) {
  with_type(a.element, [&](auto type) {
    using T = decltype(type);
    if (a.head_width <= 64)
      attend_width<T, 64>(a, blocks);
    else if (a.head_width <= 96)
      attend_width<T, 96>(a, blocks);
    else if (a.head_width <= 128)
      attend_width<T, 128>(a, blocks);
    else
      attend_width<T, 256>(a, blocks);
  });
}

void merge(const AttendArguments& a, void*) {
  with_type(a.element, [&](auto type) {
    launch(blocks_for(a.paths * a.heads, device::kWarps), device::kThreads, 0,
           [&] { device::merge<decltype(type)>(a); });
  });
}

std::int32_t attend_blocks(Element, std::int32_t) { return 6; }

template <cuda::Order kOrder>
void launch_cone(const EpDeviceCall& call, const EpDevicePlan& plan, void*) {
  cuda::launch_together(
      static_cast<unsigned>(plan.limits.blocks), static_cast<unsigned>(plan.shape.cluster),
      static_cast<unsigned>(plan.limits.threads), static_cast<std::size_t>(plan.shared_bytes),
      kOrder, [&] { device::ep_settle(call); });
}

EpDeviceLimits cone_limits() { return kEpLimitsOnCpu; }

} // namespace

const DeviceKernels kKernelsOnCpu{embed, norm, rotate, silu, attend, merge, attend_blocks};

const EpDeviceLimits kEpLimitsOnCpu{
    .blocks = 12, .cluster = 2, .threads = 64, .shared_bytes = 100 * 1024};
const EpDevice kEpDeviceOnCpu{cone_limits, launch_cone<cuda::Order::forward>};
const EpDevice kEpDeviceOnCpuInReverse{cone_limits, launch_cone<cuda::Order::reverse>};

void slot_copies_on_cpu(const SlotCopy* copies, std::int64_t count, std::int64_t planes) {
  cuda::launch({static_cast<unsigned>(count), static_cast<unsigned>(planes)},
               {device::kCopyThreads}, 0, [&] { device::copy_slots(copies); });
}

std::int64_t last_bank_conflicts() { return conflicts; }

} // namespace peakbench::testing
