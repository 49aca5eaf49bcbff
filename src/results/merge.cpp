#include "results/merge.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "base/build_info.h"
#include "base/hash.h"
#include "results/fields.h"
#include "results/file_lock.h"
#include "results/layout.h"
#include "results/merge_parts.h"
#include "results/table.h"
#include "results/traces.h"

namespace peakbench::results {

namespace {

namespace fs = std::filesystem;

constexpr const char* kSeveral = "several";
constexpr std::size_t kRowsPerAppend = 4096;
constexpr std::size_t kNamesShown = 4;

// What is known of a case that is in the merged file already.
struct Kept {
  std::uint64_t digest = 0;
  std::int64_t source = 0;
  bool first = true; // its trace has the plain name
};
using KeptCases = std::unordered_map<std::string, std::vector<Kept>>;

std::string trace_name(const char* folder, const std::string& case_id, std::int64_t source,
                       bool first) {
  return folder + ("/" + case_id) + (first ? "" : "." + std::to_string(source));
}

class Merger {
public:
  explicit Merger(hid_t out) : out_(out) {}

  void add(const std::string& path) {
    const RunData data = load(path);
    with_file("merge", path, "", [&] {
      const Handle file = open_file(path, false);
      require_units(file, data);
      add(data, file);
    });
    if (pending_rows() >= kRowsPerAppend)
      flush();
  }

  MergeSummary finish(const MergeInfo& info) {
    flush();
    append_rows<SourceRow>(out_, kSources, sources_);
    write_plans(info);
    for (const char* kind : {"eab", "ep", "comm", "scaling"})
      for (const auto& [id, rows] : kept_[kind])
        if (rows.size() > 1)
          summary_.duplicates.push_back({kind, id, paths_of(rows)});
    std::ranges::sort(summary_.duplicates, [](const auto& a, const auto& b) {
      return std::tie(a.kind, a.case_id) < std::tie(b.kind, b.case_id);
    });
    summary_.plans = static_cast<std::int64_t>(plans_.size());
    return summary_;
  }

private:
  void add(const RunData& data, hid_t file) {
    if (sources_.empty())
      write_layout(out_, data.info); // what several files differ in is mended in the end
    names_.insert(data.info.name);
    add_plan(data.info, file);
    Renumbering numbers;
    numbers.environments = environments_.add(data.environment);
    numbers.sources = sources_of(data, file);
    numbers.own_source = own_source_;
    const Input input{file, numbers, environments_};
    take("eab", kEabTraces, input, data.eab, pending_.eab,
         Parts(data.eab_repeats, pending_.eab_repeats));
    take("ep", kEpTraces, input, data.ep, pending_.ep, Parts(data.ep_repeats, pending_.ep_repeats),
         Parts(data.ep_components, pending_.ep_components),
         Parts(data.ep_operations, pending_.ep_operations),
         Parts(data.ep_training, pending_.ep_training));
    take("comm", nullptr, input, data.comm, pending_.comm,
         Parts(data.comm_repeats, pending_.comm_repeats));
    take("scaling", nullptr, input, data.scaling, pending_.scaling,
         Parts(data.scaling_repeats, pending_.scaling_repeats));
    take_launches(input, data.ranks);
  }

  struct Input {
    hid_t file;
    const Renumbering& numbers;
    const Environments& environments;
  };

  // The numbers of the input's own /sources; a new row for the input itself if anything was
  // measured into it. One that is there already (a file named twice) is not added.
  std::vector<std::int64_t> sources_of(const RunData& data, hid_t file) {
    const auto number_of = [&](SourceRow row) {
      const std::string key = row.path + '\n' + row.created + '\n' + row.command_line + '\n' +
                              row.plan_hash + '\n' + row.git_revision;
      const auto [known, is_new] =
          source_numbers_.emplace(key, static_cast<std::int64_t>(sources_.size()));
      row.kept_cases = 0;
      if (is_new)
        sources_.push_back(row);
      return known->second;
    };
    std::vector<std::int64_t> numbers;
    for (const SourceRow& row : data.sources)
      numbers.push_back(number_of(row));
    own_source_ = kAbsent;
    if (has_own_rows(data))
      own_source_ = number_of({data.path, data.info.name, data.info.created, data.info.command_line,
                               data.info.plan_hash, read_text_attribute(file, "peakbench_version"),
                               data.info.git_revision, data.info.git_dirty, own_cases(data), 0});
    return numbers;
  }

  template <class Record, class... Part>
  void take(const char* kind, const char* traces, const Input& input,
            const std::vector<Record>& records, std::vector<Record>& out, Parts<Part>... parts) {
    std::set<std::string> seen_here;
    for (const Record& record : records) {
      const std::string& id = record.case_id;
      const bool first_here = seen_here.insert(id).second;
      const std::string trace =
          traces ? trace_name(traces, id, record.source, first_here) : std::string();
      std::string bytes = content_of(record);
      bytes += input.environments.content_at(input.numbers.environment(record.environment));
      (parts.add_content(record, bytes), ...);
      const Kept now{hash64(bytes), input.numbers.source(record.source), kept_[kind][id].empty()};
      if (is_kept(kept_[kind][id], now, traces, id, input.file, trace)) {
        ++summary_.repeated;
        continue;
      }
      kept_[kind][id].push_back(now);
      ++summary_.cases;
      ++sources_[static_cast<std::size_t>(now.source)].kept_cases;
      out.push_back(record);
      out.back().environment = input.numbers.environment(record.environment);
      out.back().source = now.source;
      (parts.move(record, now.source), ...);
      if (traces && has_link(input.file, trace))
        copy_object(input.file, trace, out_, trace_name(traces, id, now.source, now.first));
    }
  }

  bool is_kept(const std::vector<Kept>& kept, const Kept& now, const char* traces,
               const std::string& id, hid_t file, const std::string& trace) const {
    return std::ranges::any_of(kept, [&](const Kept& one) {
      return one.digest == now.digest &&
             (!traces || same_trace(traces == std::string(kEabTraces), file, trace, out_,
                                    trace_name(traces, id, one.source, one.first)));
    });
  }

  void take_launches(const Input& input, const std::vector<RankRow>& ranks) {
    std::map<std::pair<std::int64_t, std::int64_t>, std::string> contents; // by source and launch
    for (const RankRow& row : ranks)
      contents[{row.source, row.launch}] +=
          content_of(row) +
          input.environments.content_at(input.numbers.environment(row.environment));
    std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> launch_of;
    for (const auto& [key, bytes] : contents)
      if (launches_.insert(hash64(bytes)).second)
        launch_of[key] = next_launch_++;
    for (RankRow row : ranks) {
      const auto launch = launch_of.find({row.source, row.launch});
      if (launch == launch_of.end())
        continue;
      row.launch = launch->second;
      row.environment = input.numbers.environment(row.environment);
      row.source = input.numbers.source(row.source);
      pending_.ranks.push_back(row);
    }
  }

  void add_plan(const RunInfo& info, hid_t file) {
    if (info.plan_hash == kSeveral) {
      for (const std::string& plan : names_in(file, kPlans))
        if (plans_.insert(plan).second)
          copy_object(file, kPlans + ("/" + plan), make_plans_group(), plan);
    } else if (plans_.insert(info.plan_hash).second) {
      const Handle group = make_group(make_plans_group(), info.plan_hash);
      write_text(group, "yaml", info.config_yaml);
      write_text(group, "plan", info.plan_json);
    }
  }

  hid_t make_plans_group() {
    if (!plans_group_)
      plans_group_.emplace(make_group(out_, kPlans));
    return *plans_group_;
  }

  void write_plans(const MergeInfo& info) {
    std::string name;
    std::size_t shown = 0;
    for (const std::string& one : names_)
      if (++shown <= kNamesShown)
        name += (name.empty() ? "" : ", ") + one;
    if (shown > kNamesShown)
      name += ", ...";
    replace_attribute(out_, "name", name);
    replace_attribute(out_, "created", info.created);
    replace_attribute(out_, "command_line", info.command_line);
    replace_attribute(out_, "git_revision", git_revision());
    replace_attribute(out_, "git_dirty", std::int64_t{git_dirty()});
    plans_group_.reset();
    if (plans_.size() == 1) {
      drop_link(out_, kPlans); // it is in /config itself
      return;
    }
    replace_attribute(out_, "plan_hash", std::string(kSeveral));
    for (const char* text : {kConfigYaml, kConfigPlan}) {
      drop_link(out_, text);
      write_text(out_, text, "");
    }
  }

  std::vector<std::string> paths_of(const std::vector<Kept>& rows) const {
    std::vector<std::string> paths;
    for (const Kept& row : rows)
      paths.push_back(sources_[static_cast<std::size_t>(row.source)].path);
    return paths;
  }

  std::size_t pending_rows() const { return row_count(pending_); }
  void flush() {
    std::vector<EnvironmentRow> added = environments_.take_new();
    append_rows<EnvironmentRow>(out_, kEnvironment, added);
    append_all(out_, pending_);
    pending_ = RunData();
  }

  hid_t out_;
  MergeSummary summary_;
  RunData pending_; // rows to append
  Environments environments_;
  std::vector<SourceRow> sources_;
  std::unordered_map<std::string, std::int64_t> source_numbers_;
  std::int64_t own_source_ = kAbsent; // of the input at hand
  std::map<std::string, KeptCases> kept_;
  std::unordered_set<std::uint64_t> launches_;
  std::int64_t next_launch_ = 0;
  std::set<std::string> names_, plans_;
  std::optional<Handle> plans_group_;
};

UserError taken(const std::string& to) {
  return {"results file " + to + " already exists", "nothing is overwritten",
          "Add --force, or choose another name."};
}

void give_name(const std::string& part, const std::string& to, bool overwrite) {
  // link() refuses an existing name, which rename() would replace.
  if (!overwrite && link(part.c_str(), to.c_str()) == 0) {
    unlink(part.c_str());
    return;
  }
  if (!overwrite && errno == EEXIST)
    throw taken(to);
  if (std::rename(part.c_str(), to.c_str()) != 0)
    throw Hdf5Error(std::string("rename: ") + std::strerror(errno));
}

} // namespace

MergeSummary merge_files(const std::vector<std::string>& inputs, const std::string& to,
                         const MergeInfo& info, bool overwrite) {
  if (inputs.empty())
    throw UserError("nothing to merge", "no results file was named", "");
  if (!overwrite && fs::exists(fs::symlink_status(to)))
    throw taken(to);
  const FileLock lock(to);
  const std::string part = to + ".part";
  std::error_code ignored;
  fs::remove(part, ignored); // of a merge that was killed
  try {
    return with_file("write", to, "", [&] {
      Handle out = create_file(part);
      MergeSummary summary;
      {
        Merger merger(out);
        for (const std::string& input : inputs)
          merger.add(input);
        summary = merger.finish(info);
      }
      flush_to_disk(out);
      out.close("H5Fclose");
      give_name(part, to, overwrite);
      return summary;
    });
  } catch (...) {
    fs::remove(part, ignored);
    throw;
  }
}

} // namespace peakbench::results
