#include "eab/sampler.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "measure/tag.h"

namespace peakbench::eab {

using kernels::TokenBlock;

Sampler::Sampler(const Settings& settings)
    : filter_{settings.temperature, settings.top_k, settings.top_p},
      most_children_(branches(settings.arm) ? settings.branch_factor : 1), seed_(settings.seed) {}

void Sampler::clear() {
  logits_ = sums_ = perturbed_ = fetched_ = at::Tensor();
  host_rows_.clear();
  fetched_blocks_.clear();
  distributions_.clear();
  sources_.clear();
}

void Sampler::read(at::Tensor logits, std::int64_t position, std::span<const DrawSource> sources) {
  clear();
  const measure::TagScope tag(measure::Tag::logits);
  logits_ = std::move(logits);
  position_ = position;
  sources_.assign(sources.begin(), sources.end());
  const std::int64_t rows = logits_.size(0);
  const std::int64_t vocabulary = logits_.size(1);
  sums_ = kernels::token_block_sums(logits_, filter_.inverse_temperature());
  host_rows_.resize(static_cast<std::size_t>(rows));
  distributions_.resize(static_cast<std::size_t>(rows));
  perturbed_ = at::empty({static_cast<std::int64_t>(sources.size()), sums_.size(1)},
                         at::TensorOptions(at::kDouble));
  at::parallel_for(0, rows, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const bool whole = needs_row(blocks(r), vocabulary, filter_);
      distributions_[static_cast<std::size_t>(r)] = make_distribution(
          whole ? host_row(r) : std::span<const float>(), blocks(r), vocabulary, filter_);
    }
  });
  at::parallel_for(0, static_cast<std::int64_t>(sources.size()), 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i) {
                       const auto draw = static_cast<std::size_t>(i);
                       const DrawSource& source = sources_[draw];
                       perturb_blocks(distributions_[static_cast<std::size_t>(source.row)],
                                      blocks(source.row), RandomKey(seed_, source.prompt_key),
                                      source.lineage, position_, perturbed(draw));
                     }
                   });
  if (!logits_.is_cpu())
    fetch_leading_blocks();
}

const Distribution& Sampler::distribution(std::size_t draw) const {
  return distributions_[static_cast<std::size_t>(sources_[draw].row)];
}

Draw Sampler::draw(std::size_t draw, std::int64_t count) const {
  const DrawSource& source = sources_[draw];
  const auto read_block = [&](std::int32_t block) { return block_logits(source.row, block); };
  return draw_tokens(distribution(draw), perturbed(draw), read_block,
                     RandomKey(seed_, source.prompt_key), source.lineage, position_, count);
}

std::span<const float> Sampler::host_row(std::int64_t row) const {
  const auto vocabulary = static_cast<std::size_t>(logits_.size(1));
  if (logits_.is_cpu())
    return {logits_.const_data_ptr<float>() + row * logits_.size(1), vocabulary};
  at::Tensor& copy = host_rows_[static_cast<std::size_t>(row)];
  if (!copy.defined()) {
    const measure::TagScope tag(measure::Tag::logits);
    copy = logits_.select(0, row).cpu();
  }
  return {copy.const_data_ptr<float>(), vocabulary};
}

std::span<TokenBlock> Sampler::blocks(std::int64_t row) const {
  auto* first = reinterpret_cast<TokenBlock*>(sums_.mutable_data_ptr<float>());
  return {first + row * sums_.size(1), static_cast<std::size_t>(sums_.size(1))};
}

std::span<double> Sampler::perturbed(std::size_t draw) const {
  const auto count = static_cast<std::size_t>(perturbed_.size(1));
  return {perturbed_.mutable_data_ptr<double>() + draw * count, count};
}

std::span<const float> Sampler::block_logits(std::int64_t row, std::int32_t block) const {
  const std::int64_t first = block * kernels::kTokenBlock;
  const std::int64_t count = std::min(kernels::kTokenBlock, logits_.size(1) - first);
  for (const FetchedBlock& have : fetched_blocks_)
    if (have.row == row && have.block == block)
      return {fetched_.const_data_ptr<float>() + have.index * kernels::kTokenBlock,
              static_cast<std::size_t>(count)};
  return host_row(row).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
}

// One gather and one copy for all draws of a step.
void Sampler::fetch_leading_blocks() {
  std::vector<std::int64_t> elements;
  for (std::size_t draw = 0; draw < sources_.size(); ++draw) {
    const std::int64_t row = sources_[draw].row;
    if (host_rows_[static_cast<std::size_t>(row)].defined())
      continue;
    for (const std::int32_t block : leading_blocks(perturbed(draw), most_children_ + 1)) {
      const bool known =
          std::any_of(fetched_blocks_.begin(), fetched_blocks_.end(),
                      [&](const auto& f) { return f.row == row && f.block == block; });
      if (known)
        continue;
      fetched_blocks_.push_back({row, block, static_cast<std::int64_t>(fetched_blocks_.size())});
      const std::int64_t last = logits_.size(1) - 1;
      for (std::int64_t i = 0; i < kernels::kTokenBlock; ++i)
        elements.push_back(row * logits_.size(1) +
                           std::min(block * kernels::kTokenBlock + i, last));
    }
  }
  if (elements.empty())
    return;
  const at::Tensor index = at::tensor(elements, at::kLong).to(logits_.device());
  fetched_ = logits_.take(index).cpu(); // [fetched blocks * 256]
}

} // namespace peakbench::eab
