#include "kernels/attention_lists.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace peakbench::kernels {

namespace {

std::int32_t ceiling(std::int32_t value, std::int32_t unit) { return (value + unit - 1) / unit; }

} // namespace

struct AttentionLists::List {
  std::vector<AttentionRun> runs;
  std::int32_t tokens = 0, first_path = 0, paths = 0;

  void append(const TreeAttentionPlan& plan, const TreeSegment& segment) {
    for (std::int32_t i = 0; i < segment.runs; ++i) {
      const SlotRun& run = plan.runs[static_cast<std::size_t>(segment.first_run + i)];
      runs.push_back({tokens, run.chunk, run.first});
      tokens += run.count;
    }
    first_path = segment.first_path;
    paths = segment.paths;
  }
};

AttentionLists::AttentionLists(const TreeAttentionPlan& plan, const AttentionSplitting& splitting)
    : splitting_(splitting), paths_(plan.paths) {
  // Short segments are pushed down: what waits above a segment was left by the segments around it.
  std::vector<List> lists;
  std::vector<std::pair<std::int32_t, List>> waiting; // until which segment, what
  for (std::size_t i = 0; i < plan.segments.size(); ++i) {
    const TreeSegment& segment = plan.segments[i];
    while (!waiting.empty() && waiting.back().first <= static_cast<std::int32_t>(i))
      waiting.pop_back();
    List list = waiting.empty() ? List() : waiting.back().second;
    list.append(plan, segment);
    const bool leaf = segment.end == static_cast<std::int32_t>(i) + 1;
    if (!leaf && list.tokens < splitting.shortest) {
      waiting.emplace_back(segment.end, std::move(list));
      continue;
    }
    if (!leaf)
      waiting.emplace_back(segment.end, List()); // nothing is left for those below
    if (list.tokens > 0)
      lists.push_back(std::move(list));
  }

  std::int64_t tiles = 0;
  for (const List& list : lists)
    tiles += static_cast<std::int64_t>(ceiling(list.tokens, kTileTokens)) *
             ceiling(list.paths * splitting.group, splitting.rows) * splitting.kv_heads;
  const auto share = static_cast<std::int32_t>((tiles + splitting.blocks - 1) / splitting.blocks);
  for (const List& list : lists)
    add(list, std::max(share, splitting.least_tiles));
  // Blocks take items in this order, so the long ones begin.
  std::stable_sort(items_.begin(), items_.end(), [](const auto& a, const auto& b) {
    return a.tokens * (a.rows > kNarrowRows ? 2 : 1) > b.tokens * (b.rows > kNarrowRows ? 2 : 1);
  });
  // By path; those of a path stay in the order of its tokens.
  std::stable_sort(unsorted_.begin(), unsorted_.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  first_merges_.assign(static_cast<std::size_t>(paths_) + 1, 0);
  for (const auto& [path, row] : unsorted_) {
    merges_.push_back(row);
    first_merges_[static_cast<std::size_t>(path) + 1] = static_cast<std::int32_t>(merges_.size());
  }
  for (std::size_t i = 1; i < first_merges_.size(); ++i)
    first_merges_[i] = std::max(first_merges_[i], first_merges_[i - 1]);
}

void AttentionLists::add(const List& list, std::int32_t tiles_of_split) {
  const auto first_run = static_cast<std::int32_t>(runs_.size());
  runs_.insert(runs_.end(), list.runs.begin(), list.runs.end());
  const std::int32_t tiles = ceiling(list.tokens, kTileTokens);
  const std::int32_t splits = ceiling(tiles, tiles_of_split);
  const std::int32_t split_tokens = ceiling(tiles, splits) * kTileTokens; // of about equal length
  const std::int32_t rows = list.paths * splitting_.group;
  const std::int32_t first_row = list.first_path * splitting_.group;
  // The run that holds a token, counted in the list.
  const auto run_of = [&](std::int32_t token) {
    const auto after =
        std::upper_bound(list.runs.begin(), list.runs.end(), token,
                         [](std::int32_t t, const AttentionRun& run) { return t < run.start; });
    return first_run + static_cast<std::int32_t>(after - list.runs.begin()) - 1;
  };
  for (std::int32_t token = 0; token < list.tokens; token += split_tokens) {
    const std::int32_t tokens = std::min(split_tokens, list.tokens - token);
    const auto partial = static_cast<std::int32_t>(partial_rows_);
    for (std::int32_t row = 0; row < rows; row += splitting_.rows)
      items_.push_back({run_of(token), run_of(token + tokens - 1) + 1, token, tokens,
                        first_row + row, std::min(splitting_.rows, rows - row), partial + row});
    for (std::int32_t path = 0; path < list.paths; ++path)
      unsorted_.emplace_back(list.first_path + path, partial + path * splitting_.group);
    partial_rows_ += rows;
  }
}

std::size_t AttentionLists::bytes(std::size_t chunks, std::int32_t paths) const {
  return sizeof(AttentionHeader) + chunks * sizeof(ChunkView) +
         runs_.size() * sizeof(AttentionRun) + items_.size() * sizeof(AttentionItem) +
         (static_cast<std::size_t>(paths) + 1 + merges_.size()) * sizeof(std::int32_t);
}

void AttentionLists::write(std::span<const ChunkView> chunks, std::int32_t paths,
                           std::byte* to) const {
  std::vector<std::int32_t> first_merges = first_merges_;
  first_merges.resize(static_cast<std::size_t>(paths) + 1, first_merges_.back());
  AttentionHeader header{};
  header.items = static_cast<std::int32_t>(items_.size());
  header.paths = paths;
  std::size_t at = sizeof(header);
  const auto put = [&](const auto& list) {
    const std::span bytes = std::as_bytes(std::span(list));
    if (!bytes.empty())
      std::memcpy(to + at, bytes.data(), bytes.size());
    return static_cast<std::int32_t>(std::exchange(at, at + bytes.size()));
  };
  header.chunks_at = put(chunks);
  header.runs_at = put(runs_);
  header.items_at = put(items_);
  header.first_merges_at = put(first_merges);
  header.merges_at = put(merges_);
  std::memcpy(to, &header, sizeof(header));
}

} // namespace peakbench::kernels
