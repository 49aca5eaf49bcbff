#include "results/merge_runs.h"

#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "results/row_merger.h"
#include "results/tables.h"

namespace peakbench::results {

namespace {

class MemoryMerger : public RowMerger {
public:
  MemoryMerger(std::vector<std::string> paths, const GuardLimits& limits)
      : paths_(std::move(paths)), traces_(paths_.size()), limits_(limits) {}

  RunData finish() {
    taken_.sources = sources();
    return std::move(taken_);
  }

private:
  bool same_trace(const Row& row, const KeptRow& other) override {
    return paths_of(row.kept) == paths_of(other) || digest(row, row.kept) == digest(row, other);
  }
  // A file that is named twice has the same traces.
  std::pair<std::string, std::string> paths_of(const KeptRow& kept) const {
    return {paths_[static_cast<std::size_t>(kept.input)],
            kept.input_first ? "" : std::to_string(kept.input_source)};
  }
  std::optional<std::uint64_t> digest(const Row& row, const KeptRow& kept) {
    const auto input = static_cast<std::size_t>(kept.input);
    if (!traces_[input])
      traces_[input] = std::filesystem::exists(paths_[input])
                           ? trace_digests_guarded(paths_[input], limits_)
                           : TraceDigests();
    const auto found = traces_[input]->find(
        row.traces + ("/" + trace_id(row.case_id, kept.input_source, kept.input_first)));
    return found == traces_[input]->end() ? std::nullopt : std::optional(found->second);
  }

  std::vector<std::string> paths_;
  std::vector<std::optional<TraceDigests>> traces_; // of each file, once they are asked for
  const GuardLimits& limits_;
};

template <class Record>
void give(std::vector<Record> RunData::*member, RunData& run, Digests& digests, BlockSink& sink) {
  Block block;
  for (const Record& record : run.*member)
    block.digests.push_back(digests.of_case(record));
  block.rows.*member = std::move(run.*member);
  sink.block(std::move(block));
}

template <class... Member>
void give_parts(RunData& run, BlockSink& sink, Member... members) {
  Block block;
  ((block.rows.*members = std::move(run.*members)), ...);
  sink.block(std::move(block));
}

template <class Record, class... Member>
void give(RunData& run, Digests& digests, BlockSink& sink, std::vector<Record> RunData::*cases,
          Member... parts) {
  digests.forget_parts();
  (digests.add_parts(run.*parts), ...);
  give(cases, run, digests, sink);
  give_parts(run, sink, parts...);
}

// As read_blocks_of() gives a file.
void give(RunData run, BlockSink& sink) {
  Digests digests(run.environment);
  give(run, digests, sink, &RunData::eab, &RunData::eab_repeats);
  give(run, digests, sink, &RunData::ep, &RunData::ep_repeats, &RunData::ep_components,
       &RunData::ep_operations, &RunData::ep_training);
  give(run, digests, sink, &RunData::comm, &RunData::comm_repeats);
  give(run, digests, sink, &RunData::scaling, &RunData::scaling_repeats);
  digests.add_ranks(run.ranks);
  Block block;
  for (const RankRow& row : run.ranks)
    block.digests.push_back(digests.of_launch(row));
  block.rows.ranks = std::move(run.ranks);
  sink.block(std::move(block));
}

// A merged file may hold several rows of a case.
template <class Record>
void add_duplicates(const char* kind, const RunData& run, const std::vector<Record>& records,
                    std::vector<MergeDuplicate>& duplicates) {
  std::map<std::string, std::vector<std::string>> files;
  for (const Record& record : records) {
    const auto source = static_cast<std::size_t>(record.source);
    files[record.case_id].push_back(
        record.source >= 0 && source < run.sources.size() ? run.sources[source].path : run.path);
  }
  for (auto& [id, paths] : files)
    if (paths.size() > 1)
      duplicates.push_back({kind, id, std::move(paths)});
}

MergedRuns as_it_is(RunData run) {
  MergedRuns merged;
  add_duplicates("comm", run, run.comm, merged.summary.duplicates);
  add_duplicates("eab", run, run.eab, merged.summary.duplicates);
  add_duplicates("ep", run, run.ep, merged.summary.duplicates);
  add_duplicates("scaling", run, run.scaling, merged.summary.duplicates);
  merged.summary.cases = static_cast<std::int64_t>(run.eab.size() + run.ep.size() +
                                                   run.comm.size() + run.scaling.size());
  merged.summary.plans = 1;
  merged.run = std::move(run);
  return merged;
}

} // namespace

MergedRuns merge_runs(std::vector<RunData> runs, const GuardLimits& limits) {
  if (runs.size() == 1)
    return as_it_is(std::move(runs.front()));
  std::vector<std::string> paths;
  std::set<std::string> plans;
  for (const RunData& run : runs) {
    paths.push_back(run.path);
    plans.insert(run.info.plan_hash);
  }
  MemoryMerger merger(paths, limits);
  const RunInfo info = runs.front().info;
  for (RunData& run : runs) {
    merger.begin(run.path);
    merger.head({run.info, run.environment, run.sources, {}, {}});
    give(std::exchange(run, {}), merger);
  }
  MergedRuns merged{merger.finish(), merger.summary()};
  merged.run.path = paths.front();
  merged.run.info = info;
  merged.summary.plans = static_cast<std::int64_t>(plans.size());
  return merged;
}

} // namespace peakbench::results
