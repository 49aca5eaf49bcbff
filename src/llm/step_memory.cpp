#include "llm/step_memory.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "measure/tag.h"

namespace peakbench::llm {

namespace {

using measure::Tag;
using measure::TagScope;

std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

// Cuts a block of bytes into tensors; counts only, while there is none.
class Cutter {
public:
  explicit Cutter(at::Tensor block) : block_(std::move(block)) {}
  at::Tensor matrix(std::int64_t rows, std::int64_t columns, at::ScalarType dtype) {
    const std::int64_t bytes = rows * columns * static_cast<std::int64_t>(c10::elementSize(dtype));
    at::Tensor cut;
    if (block_.defined())
      cut = block_.narrow(0, used_, bytes).view(dtype).view({rows, columns});
    used_ += round_up(bytes, 256);
    return cut;
  }
  std::int64_t used() const { return used_; }

private:
  at::Tensor block_;
  std::int64_t used_ = 0;
};

void cut_activations(StepMemory& m, const ModelConfig& c, at::ScalarType dtype, Cutter& cutter) {
  m.residual = cutter.matrix(m.rows, c.width, at::kFloat);
  m.normed = cutter.matrix(m.rows, c.width, dtype);
  m.added = cutter.matrix(m.rows, c.width, dtype);
  m.qkv = cutter.matrix(m.rows, (c.heads + 2 * c.kv_heads) * c.head_width, dtype);
  m.mixed = cutter.matrix(m.rows, c.heads * c.head_width, dtype);
  m.gate_up = cutter.matrix(m.rows, 2 * c.mlp_width, dtype);
  m.hidden = cutter.matrix(m.rows, c.mlp_width, dtype);
}

} // namespace

std::int64_t padded_rows(std::int64_t paths) {
  for (const std::int64_t rows : {1, 2, 4, 8, 12, 16, 24, 32, 48, 64})
    if (paths <= rows)
      return rows;
  return round_up(paths, 32);
}

void StepMemory::make_room(const ModelConfig& config, at::ScalarType dtype, at::Device device,
                           std::int64_t rows_wanted, std::int64_t bytes_wanted,
                           std::int64_t floats_wanted) {
  const auto bytes_here = at::TensorOptions(at::kByte).device(device);
  if (rows < rows_wanted) {
    // What there was goes first, so that both never live at once.
    const std::int64_t had_bytes = input_bytes, had_floats = partial_floats;
    *this = {};
    bytes_wanted = std::max(bytes_wanted, had_bytes);
    floats_wanted = std::max(floats_wanted, had_floats);
    rows = rows_wanted;
    Cutter counter{at::Tensor()};
    cut_activations(*this, config, dtype, counter);
    {
      const TagScope tag(Tag::activations);
      Cutter cutter(at::empty({counter.used()}, bytes_here));
      cut_activations(*this, config, dtype, cutter);
    }
    const TagScope tag(Tag::logits);
    logits = at::empty({rows, config.vocabulary}, bytes_here.dtype(at::kFloat));
  }
  const TagScope tag(Tag::workspace);
  if (input_bytes < bytes_wanted) {
    host.reset();
    inputs.reset();
    input_bytes = round_up(bytes_wanted + bytes_wanted / 2, 16384);
    inputs = at::empty({input_bytes}, bytes_here);
    host = at::empty({input_bytes}, at::TensorOptions(at::kByte).pinned_memory(device.is_cuda()));
  }
  if (partial_floats < floats_wanted) {
    partials.reset();
    partial_floats = round_up(floats_wanted + floats_wanted / 4, 4096);
    partials = at::empty({partial_floats}, bytes_here.dtype(at::kFloat));
  }
}

void StepMemory::keep_beside(at::Device device, std::int64_t bytes) {
  if (bytes <= (beside.defined() ? beside.numel() : 0))
    return;
  const TagScope tag(Tag::workspace);
  beside.reset();
  beside = at::empty({bytes}, at::TensorOptions(at::kByte).device(device));
}

StepMemory StepMemory::first_rows(std::int64_t count) const {
  StepMemory part = *this;
  part.rows = count;
  for (at::Tensor* tensor : {&part.residual, &part.normed, &part.added, &part.qkv, &part.mixed,
                             &part.gate_up, &part.hidden, &part.logits})
    *tensor = tensor->narrow(0, 0, count);
  return part;
}

std::vector<std::uintptr_t> StepMemory::addresses() const {
  std::vector<std::uintptr_t> all{static_cast<std::uintptr_t>(rows),
                                  static_cast<std::uintptr_t>(partial_floats)};
  for (const at::Tensor* tensor :
       {&residual, &normed, &added, &qkv, &mixed, &gate_up, &hidden, &logits, &inputs, &partials})
    all.push_back(reinterpret_cast<std::uintptr_t>(tensor->const_data_ptr()));
  return all;
}

} // namespace peakbench::llm
