#include "kernels/row_ops.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "kernels/row_ops_cpu.h"
#if PEAKBENCH_USE_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "kernels/row_ops_device.h"
#endif

namespace peakbench::kernels {

namespace reference {

void add_rms_norm(at::Tensor& residual, const std::optional<at::Tensor>& delta,
                  const at::Tensor& weight, double epsilon, at::Tensor& out) {
  if (delta)
    residual.add_(*delta);
  const at::Tensor scale = residual.square().mean(-1, true).add_(epsilon).rsqrt_();
  out.copy_(residual.mul(scale).mul_(weight));
}

void rotate_heads(at::Tensor& qkv, const HeadRotation& r) {
  const std::int64_t positions = r.table.size(1), half = r.head_width / 2;
  const std::int64_t turned = (r.heads + r.kv_heads) * r.head_width;
  at::Tensor heads =
      qkv.narrow(1, 0, turned).view({-1, positions, r.heads + r.kv_heads, r.head_width});
  at::Tensor values = heads.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
  const auto normalise = [&](std::int64_t first, std::int64_t count, const at::Tensor& weight) {
    if (!weight.defined())
      return;
    at::Tensor part = values.narrow(2, first, count);
    part.mul_(part.square().mean(-1, true).add_(r.epsilon).rsqrt_()).mul_(weight);
  };
  normalise(0, r.heads, r.query_norm);
  normalise(r.heads, r.kv_heads, r.key_norm);
  const at::Tensor cosine = r.table[0].unsqueeze(1), sine = r.table[1].unsqueeze(1);
  const at::Tensor low = values.narrow(3, 0, half), high = values.narrow(3, half, half);
  heads.narrow(3, 0, half).copy_(low * cosine - high * sine);
  heads.narrow(3, half, half).copy_(high * cosine + low * sine);
}

void silu_multiply(const at::Tensor& gate_up, at::Tensor& out) {
  const std::int64_t width = gate_up.size(1) / 2;
  const at::Tensor gate = gate_up.narrow(1, 0, width).to(at::kFloat);
  out.copy_(at::silu(gate).mul_(gate_up.narrow(1, width, width)));
}

} // namespace reference

namespace {

// A thread takes rows of this many values together; less is not worth waking it.
constexpr std::int64_t kGrain = 16384;

#if PEAKBENCH_USE_CUDA
Element element_of(const at::Tensor& tensor) {
  TORCH_CHECK(tensor.is_contiguous(), "rows lie one after the other");
  switch (tensor.scalar_type()) {
  case at::kFloat:
    return Element::float32;
  case at::kBFloat16:
    return Element::bfloat16;
  case at::kHalf:
    return Element::float16;
  default:
    TORCH_CHECK(false, "float32, bfloat16 or float16 on CUDA, not ", tensor.scalar_type());
    return Element::float32; // not reached; the undefined-behaviour sanitizer does not see that
  }
}

// launch(arguments, stream) on the current stream of the tensor's device, if there is work.
template <class Arguments>
void run_on_cuda(void (*launch)(const Arguments&, void*), const Arguments& arguments,
                 const at::Tensor& tensor) {
  if (arguments.rows == 0)
    return;
  const c10::cuda::CUDAGuard guard(tensor.device());
  launch(arguments, c10::cuda::getCurrentCUDAStream().stream());
}
#endif

bool is_bf16(const at::Tensor& tensor) {
  TORCH_CHECK(tensor.is_contiguous(), "rows lie one after the other");
  TORCH_CHECK(tensor.scalar_type() == at::kBFloat16 || tensor.scalar_type() == at::kFloat,
              "float32 or bfloat16 on the CPU, not ", tensor.scalar_type());
  return tensor.scalar_type() == at::kBFloat16;
}

template <class Body>
void over_rows(std::int64_t rows, std::int64_t row_values, const Body& body) {
  at::parallel_for(0, rows, std::max<std::int64_t>(1, kGrain / row_values), body);
}

const float* data_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr;
}

} // namespace

void add_rms_norm(at::Tensor& residual, const std::optional<at::Tensor>& delta,
                  const at::Tensor& weight, double epsilon, at::Tensor& out) {
  TORCH_CHECK(residual.is_contiguous() && residual.sizes() == out.sizes() &&
                  weight.numel() == residual.size(1),
              "residual and out [rows, width], weight [width]");
  TORCH_CHECK(!delta || (delta->is_contiguous() && delta->scalar_type() == out.scalar_type() &&
                         delta->sizes() == residual.sizes()),
              "what is added is like out");
#if PEAKBENCH_USE_CUDA
  if (residual.is_cuda())
    return run_on_cuda(launch_norm,
                       {.element = element_of(out),
                        .residual = residual.mutable_data_ptr<float>(),
                        .delta = delta ? delta->const_data_ptr() : nullptr,
                        .weight = weight.const_data_ptr<float>(),
                        .out = out.mutable_data_ptr(),
                        .rows = residual.size(0),
                        .width = static_cast<std::int32_t>(residual.size(1)),
                        .epsilon = static_cast<float>(epsilon)},
                       residual);
#endif
  const NormRows rows{is_bf16(out),
                      residual.mutable_data_ptr<float>(),
                      delta ? delta->const_data_ptr() : nullptr,
                      weight.const_data_ptr<float>(),
                      out.mutable_data_ptr(),
                      residual.size(1),
                      static_cast<float>(epsilon)};
  over_rows(residual.size(0), rows.width,
            [&](std::int64_t begin, std::int64_t end) { norm_rows(rows, begin, end); });
}

void rotate_heads(at::Tensor& qkv, const HeadRotation& r) {
  const std::int64_t positions = r.table.size(1), half = r.head_width / 2;
  TORCH_CHECK(
      qkv.size(1) == (r.heads + 2 * r.kv_heads) * r.head_width && r.table.is_contiguous() &&
          r.table.size(2) == half,
      "qkv [rows, (heads + 2 kv_heads) * head_width], table [2, positions, head_width / 2]");
  const float* cosine = r.table.const_data_ptr<float>();
#if PEAKBENCH_USE_CUDA
  if (qkv.is_cuda()) {
    TORCH_CHECK(r.head_width % 2 == 0 && r.head_width <= 256,
                "rotate_heads takes heads of an even width up to 256 on CUDA, not ", r.head_width);
    return run_on_cuda(launch_rotation,
                       {.element = element_of(qkv),
                        .qkv = qkv.mutable_data_ptr(),
                        .rows = qkv.size(0),
                        .heads = static_cast<std::int32_t>(r.heads),
                        .kv_heads = static_cast<std::int32_t>(r.kv_heads),
                        .head_width = static_cast<std::int32_t>(r.head_width),
                        .query_norm = data_or_null(r.query_norm),
                        .key_norm = data_or_null(r.key_norm),
                        .epsilon = static_cast<float>(r.epsilon),
                        .cosine = cosine,
                        .sine = cosine + positions * half,
                        .positions = positions},
                       qkv);
  }
#endif
  const RotateRows rows{is_bf16(qkv),
                        qkv.mutable_data_ptr(),
                        qkv.size(1),
                        r.heads,
                        r.kv_heads,
                        r.head_width,
                        positions,
                        data_or_null(r.query_norm),
                        data_or_null(r.key_norm),
                        cosine,
                        cosine + positions * half,
                        static_cast<float>(r.epsilon)};
  const at::Tensor scratch = at::empty({at::get_num_threads(), r.head_width}, at::kFloat);
  over_rows(qkv.size(0), qkv.size(1), [&](std::int64_t begin, std::int64_t end) {
    rotate_rows(rows, begin, end, scratch.data_ptr<float>() + at::get_thread_num() * r.head_width);
  });
}

void silu_multiply(const at::Tensor& gate_up, at::Tensor& out) {
  TORCH_CHECK(gate_up.is_contiguous() && gate_up.scalar_type() == out.scalar_type() &&
                  gate_up.size(0) == out.size(0) && gate_up.size(1) == 2 * out.size(1),
              "gate_up [rows, 2 width], out [rows, width]");
#if PEAKBENCH_USE_CUDA
  if (out.is_cuda())
    return run_on_cuda(launch_silu,
                       {.element = element_of(out),
                        .gate_up = gate_up.const_data_ptr(),
                        .out = out.mutable_data_ptr(),
                        .rows = out.size(0),
                        .width = static_cast<std::int32_t>(out.size(1))},
                       out);
#endif
  const SiluRows rows{is_bf16(out), gate_up.const_data_ptr(), out.mutable_data_ptr(), out.size(1)};
  over_rows(out.size(0), gate_up.size(1),
            [&](std::int64_t begin, std::int64_t end) { silu_rows(rows, begin, end); });
}

} // namespace peakbench::kernels
