#include "results/row_merger.h"

#include "results/layout.h"

namespace peakbench::results {

void RowMerger::begin(const std::string& path) {
  ++input_;
  own_ = SourceRow{};
  own_.path = path;
}

void RowMerger::head(FileHead head) {
  const RunInfo& info = head.info;
  own_ = {own_.path,
          info.name,
          info.created,
          info.command_line,
          info.plan_hash,
          info.peakbench_version,
          info.git_revision,
          info.git_dirty,
          0,
          0,
          conditions_after("")};
  numbers_ = {};
  numbers_.environments = environments_.add(head.environment);
  for (EnvironmentRow& row : environments_.take_new())
    taken_.environment.push_back(std::move(row));
  for (SourceRow& row : head.sources) {
    row.selection = conditions_after(row.selection);
    numbers_.sources.push_back(source_number(std::move(row)));
  }
  if (numbers_.sources.empty())
    own_source();
  taken_cases_.clear();
  taken_launches_.clear();
  seen_.clear();
}

// Of a source of which rows were chosen before: both hold.
std::string RowMerger::conditions_after(const std::string& earlier) const {
  const std::string& now = selection_.conditions;
  return earlier == now ? now : earlier + (earlier.empty() || now.empty() ? "" : " and ") + now;
}

// One that is there already (a file named twice) is not added.
std::int64_t RowMerger::source_number(SourceRow row) {
  std::string key;
  for (const std::string* text : {&row.path, &row.created, &row.command_line, &row.plan_hash,
                                  &row.git_revision, &row.selection})
    put(key, *text);
  const auto [known, is_new] =
      source_numbers_.emplace(key, static_cast<std::int64_t>(sources_.size()));
  row.kept_cases = 0;
  own_is_new_ = is_new;
  if (is_new)
    sources_.push_back(std::move(row));
  return known->second;
}

// Of what was measured into the file itself: only where there is any, or nothing else.
std::int64_t RowMerger::own_source() {
  if (numbers_.own_source == kAbsent)
    numbers_.own_source = source_number(own_);
  return numbers_.own_source;
}

std::int64_t RowMerger::merged_source(std::int64_t number, bool is_case) {
  if (const std::int64_t known = numbers_.source(number); known != numbers_.own_source)
    return known;
  const std::int64_t own = own_source();
  if (is_case && own_is_new_)
    ++sources_[static_cast<std::size_t>(own)].cases;
  return own;
}

void RowMerger::block(Block block) {
  begin_block(block);
  RunData& rows = block.rows;
  marks_ = selection_.marks ? selection_.marks(rows) : std::vector<char>();
  take("eab", kEabTraces, rows.eab, taken_.eab, block.digests);
  take("ep", kEpTraces, rows.ep, taken_.ep, block.digests);
  take("comm", nullptr, rows.comm, taken_.comm, block.digests);
  take("scaling", nullptr, rows.scaling, taken_.scaling, block.digests);
  take("eab", rows.eab_repeats, taken_.eab_repeats);
  take("ep", rows.ep_repeats, taken_.ep_repeats);
  take("comm", rows.comm_repeats, taken_.comm_repeats);
  take("scaling", rows.scaling_repeats, taken_.scaling_repeats);
  take("ep", rows.ep_components, taken_.ep_components);
  take("ep", rows.ep_operations, taken_.ep_operations);
  take("ep", rows.ep_training, taken_.ep_training);
  take_ranks(rows.ranks, block.digests);
  end_block();
}

template <class Record>
void RowMerger::take(const char* kind, const char* traces, std::vector<Record>& records,
                     std::vector<Record>& out, const std::vector<std::uint64_t>& digests) {
  if (records.empty())
    return;
  auto& taken = taken_cases_[kind];
  auto& seen = seen_[kind];
  for (std::size_t number = 0; number < records.size(); ++number) {
    Record& record = records[number];
    const CaseKey key(record.case_id, record.source);
    const std::int64_t source = merged_source(record.source, true);
    Row row{traces, record.case_id, number, {}};
    row.kept.digest = digests.at(number);
    row.kept.source = static_cast<std::int32_t>(source);
    row.kept.input = input_;
    row.kept.input_source = static_cast<std::int32_t>(record.source);
    row.kept.input_first = seen.insert(key.id).second;
    if (!is_chosen(number)) {
      taken.emplace(key, kAbsent);
      ++summary_.not_chosen;
      continue;
    }
    const bool is_there = index_.any_of(kind, record.case_id, [&](const KeptRow& other) {
      return other.digest == row.kept.digest && (!traces || same_trace(row, other));
    });
    taken.emplace(key, is_there ? kAbsent : source); // the first row has the parts
    if (is_there) {
      ++summary_.repeated;
      continue;
    }
    index_.keep(kind, record.case_id, row.kept);
    ++summary_.cases;
    ++sources_[static_cast<std::size_t>(source)].kept_cases;
    if (traces)
      keep_trace(row);
    record.environment = numbers_.environment(record.environment);
    record.source = source;
    out.push_back(std::move(record));
  }
}

template <class Part>
void RowMerger::take(const char* kind, std::vector<Part>& parts, std::vector<Part>& out) const {
  const auto taken = taken_cases_.find(kind);
  if (taken == taken_cases_.end())
    return;
  for (Part& part : parts) {
    const auto found = taken->second.find(CaseKey(part.case_id, part.source));
    if (found == taken->second.end() || found->second == kAbsent)
      continue;
    part.source = found->second;
    out.push_back(std::move(part));
  }
}

void RowMerger::take_ranks(std::vector<RankRow>& ranks, const std::vector<std::uint64_t>& digests) {
  for (std::size_t number = 0; number < ranks.size(); ++number) {
    RankRow& row = ranks[number];
    const CaseKey key(std::to_string(row.launch), row.source);
    const std::int64_t source = merged_source(row.source, false);
    const auto [launch, is_new_here] = taken_launches_.try_emplace(key, kAbsent);
    if (is_new_here && launches_.insert(digests.at(number)).second)
      launch->second = next_launch_++;
    if (launch->second == kAbsent)
      continue;
    row.launch = launch->second;
    row.environment = numbers_.environment(row.environment);
    row.source = source;
    taken_.ranks.push_back(std::move(row));
  }
}

MergeSummary RowMerger::summary() const {
  MergeSummary summary = summary_;
  index_.for_each_duplicate(
      [&](const std::string& kind, const std::string& id, const std::vector<KeptRow>& rows) {
        MergeDuplicate duplicate{kind, id, {}};
        for (const KeptRow& row : rows)
          duplicate.files.push_back(sources_[static_cast<std::size_t>(row.source)].path);
        summary.duplicates.push_back(std::move(duplicate));
      });
  return summary;
}

} // namespace peakbench::results
