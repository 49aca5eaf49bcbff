#include "ep/muon.h"

#include <ATen/ATen.h>

#include <limits>

namespace peakbench::ep {

kernels::NewtonSchulzRule rule_of(NewtonSchulz iteration) {
  if (iteration == NewtonSchulz::cubic)
    return {1.5F, -0.5F, 0, kNewtonSchulzSteps, 1e-4F, 1e4F};
  return {3.4445F, -4.7750F, 2.0315F, kNewtonSchulzSteps};
}

namespace {

at::Tensor by_kernel(const at::Tensor& matrix, NewtonSchulz iteration) {
  at::Tensor result = at::empty_like(matrix, at::MemoryFormat::Contiguous);
  const at::Tensor source = matrix.contiguous();
  const kernels::NewtonSchulzMatrix one{matrix.size(0), matrix.size(1),
                                        source.const_data_ptr<float>(), result.data_ptr<float>()};
  const at::Tensor workspace =
      at::empty({kernels::newton_schulz_floats({&one, 1})}, matrix.options());
  kernels::newton_schulz({&one, 1}, rule_of(iteration), workspace.data_ptr<float>());
  return result;
}

} // namespace

at::Tensor orthogonalize(const at::Tensor& matrix, NewtonSchulz iteration) {
  if (matrix.is_cpu() && matrix.scalar_type() == at::kFloat)
    return by_kernel(matrix, iteration);
  return orthogonalize_by_aten(matrix, iteration);
}

at::Tensor orthogonalize_by_aten(const at::Tensor& matrix, NewtonSchulz iteration) {
  const bool cubic = iteration == NewtonSchulz::cubic;
  const double a = cubic ? 1.5 : 3.4445, b = cubic ? -0.5 : -4.7750, c = cubic ? 0 : 2.0315;
  const bool tall = matrix.size(0) > matrix.size(1); // A is the smaller product
  const at::Tensor wide = tall ? matrix.t() : matrix;
  // Scaled by the largest element first: the squares of tiny gradients underflow.
  const at::Tensor largest =
      wide.abs().max().clamp_min(static_cast<double>(std::numeric_limits<float>::min()));
  at::Tensor x = wide / largest;
  at::Tensor norm = x.norm();
  if (cubic)
    norm = norm.mul_(largest).clamp_(1e-4, 1e4).div_(largest);
  x.div_(norm.clamp_min_(1e-30));
  const std::int64_t rows = x.size(0);
  at::Tensor product = at::empty({rows, rows}, x.options());
  at::Tensor polynomial = at::empty_like(product);
  at::Tensor next = at::empty_like(x);
  for (int step = 0; step < kNewtonSchulzSteps; ++step) {
    at::mm_out(product, x, x.t());
    if (!cubic)
      at::addmm_out(polynomial, product, product, product, b, c); // b A + c A A
    at::addmm_out(next, x, cubic ? product : polynomial, x, a, cubic ? b : 1);
    std::swap(x, next);
  }
  return tall ? x.t() : x;
}

} // namespace peakbench::ep
