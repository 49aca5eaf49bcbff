// Products with a model's weight matrices.
#pragma once

#include <ATen/core/TensorBody.h>

#include <cstdint>
#include <vector>

namespace peakbench::llm {

// y = x W^T (+ bias). On the CPU by oneDNN's inner product: with the weight in oneDNN's own blocked
// order where it was packed, which halves the time of a step of few rows (tests/bench), and else on
// the plain matrix, which is still better than a general matrix product.
class Linear {
public:
  Linear() = default;
  // weight [out, in]; bias [out] or undefined. Packing keeps no second copy.
  Linear(at::Tensor weight, at::Tensor bias, bool pack);

  at::Tensor operator()(const at::Tensor& x) const; // [rows, in] -> [rows, out]
  // The same into `out`; allocates nothing on a GPU.
  void product(const at::Tensor& x, at::Tensor& out) const;
  std::int64_t bytes() const;
  std::int64_t outputs() const { return outputs_; }

private:
  at::Tensor weight_; // plain, or opaque where packed
  at::Tensor bias_;
  std::int64_t outputs_ = 0;
  bool inner_product_ = false;
};

// The output layer: logits [rows, vocabulary], float32, of normed rows [rows, width].
class OutputHead {
public:
  OutputHead() = default;
  // weight [vocabulary, width]; `shared`: it is the embedding, too, and stays as it is.
  OutputHead(const at::Tensor& weight, bool shared);

  at::Tensor operator()(const at::Tensor& normed) const;
  // The same into `logits`; one product without a second matrix on a GPU.
  void product(const at::Tensor& normed, at::Tensor& logits) const;
  std::int64_t bytes() const; // 0 where shared

private:
  // In blocks of the vocabulary, so that in 16 bits no second matrix of all logits exists.
  std::vector<Linear> blocks_;
  std::int64_t vocabulary_ = 0;
  bool shared_ = false;
};

} // namespace peakbench::llm
