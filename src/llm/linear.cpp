#include "llm/linear.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "measure/tag.h"

namespace peakbench::llm {

namespace {

using Scalars = c10::List<std::optional<at::Scalar>>;

// oneDNN chooses its order of the weight for about so many rows. A small figure makes it choose one
// that is slow for every other number of rows (float32, 576 -> 3072, 20 rows: 0.69 ms, not 0.27).
constexpr std::int64_t kRowsHint = 512;

// LibTorch registers these operators without a C++ name.
template <class Signature>
auto operator_named(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

at::Tensor inner_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  static const auto call = operator_named<at::Tensor(
      const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, c10::string_view,
      Scalars, std::optional<c10::string_view>)>("mkldnn::_linear_pointwise");
  return call.call(x, weight, bias.defined() ? std::optional(bias) : std::nullopt, "none",
                   Scalars(), std::nullopt);
}

at::Tensor packed(const at::Tensor& weight) {
  static const auto call =
      operator_named<at::Tensor(const at::Tensor&, std::optional<c10::SymInt>)>(
          "mkldnn::_reorder_linear_weight");
  return call.call(weight, c10::SymInt(kRowsHint));
}

bool has_inner_product(const at::Tensor& weight) {
  if (!weight.is_cpu() || !at::globalContext().userEnabledMkldnn())
    return false;
  if (weight.scalar_type() == at::kFloat)
    return true;
  static const bool bfloat16 = operator_named<bool()>("mkldnn::_is_mkldnn_bf16_supported").call();
  return weight.scalar_type() == at::kBFloat16 && bfloat16;
}

} // namespace

Linear::Linear(at::Tensor weight, at::Tensor bias, bool pack)
    : weight_(std::move(weight)), bias_(std::move(bias)), outputs_(weight_.size(0)),
      inner_product_(has_inner_product(weight_)) {
  if (pack && inner_product_)
    weight_ = packed(weight_);
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  return inner_product_ ? inner_product(x, weight_, bias_) : at::linear(x, weight_, bias_);
}

void Linear::product(const at::Tensor& x, at::Tensor& out) const {
  if (inner_product_)
    out.copy_((*this)(x));
  else if (x.scalar_type() != out.scalar_type()) // float32 logits of 16-bit rows, on CUDA only
    at::mm_out(out, x, weight_.t(), out.scalar_type());
  else if (bias_.defined())
    at::addmm_out(out, bias_, x, weight_.t());
  else
    at::mm_out(out, x, weight_.t());
}

std::int64_t Linear::bytes() const {
  std::size_t sum = weight_.defined() ? weight_.nbytes() : 0;
  if (bias_.defined())
    sum += bias_.nbytes();
  return static_cast<std::int64_t>(sum);
}

OutputHead::OutputHead(const at::Tensor& weight, bool shared)
    : vocabulary_(weight.size(0)), shared_(shared) {
  // float32 logits are the product itself, and CUDA makes them of 16-bit rows, too.
  const bool whole = weight.scalar_type() == at::kFloat || weight.is_cuda();
  const std::int64_t block = whole ? vocabulary_ : 8192;
  for (std::int64_t first = 0; first < vocabulary_; first += block)
    blocks_.emplace_back(weight.narrow(0, first, std::min(block, vocabulary_ - first)),
                         at::Tensor(), !shared);
}

at::Tensor OutputHead::operator()(const at::Tensor& normed) const {
  const measure::TagScope tag(measure::Tag::logits);
  if (blocks_.size() == 1 && !normed.is_cuda())
    return blocks_.front()(normed).to(at::kFloat);
  at::Tensor out = at::empty({normed.size(0), vocabulary_}, normed.options().dtype(at::kFloat));
  product(normed, out);
  return out;
}

void OutputHead::product(const at::Tensor& normed, at::Tensor& logits) const {
  if (normed.is_cuda())
    return blocks_.front().product(normed, logits);
  std::int64_t first = 0;
  for (const Linear& block : blocks_) {
    logits.narrow(1, first, block.outputs()).copy_(block(normed));
    first += block.outputs();
  }
}

std::int64_t OutputHead::bytes() const {
  std::int64_t sum = 0;
  if (!shared_)
    for (const Linear& block : blocks_)
      sum += block.bytes();
  return sum;
}

} // namespace peakbench::llm
