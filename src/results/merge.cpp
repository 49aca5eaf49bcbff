#include "results/merge.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <set>

#include "base/build_info.h"
#include "results/file_lock.h"
#include "results/image.h"
#include "results/layout.h"
#include "results/row_merger.h"
#include "results/table.h"

namespace peakbench::results {

namespace {

namespace fs = std::filesystem;

constexpr const char* kSeveral = "several";
constexpr std::size_t kRowsPerAppend = 4096;
constexpr std::size_t kNamesShown = 4;

class FileMerger : public RowMerger {
public:
  FileMerger(hid_t out, const MergeOptions& options)
      : RowMerger(options.selection), out_(out), progress_(options.progress) {}

  void file_is_done() {
    ++files_done_;
    if (progress_)
      progress_(files_done_);
  }

  void head(FileHead head) override {
    if (names_.empty())
      write_layout(out_, head.info); // what several files differ in is mended in the end
    names_.insert(head.info.name);
    add_plans(head);
    RowMerger::head(std::move(head));
  }

  MergeSummary finish(const MergeInfo& info) {
    append_taken();
    append_rows<SourceRow>(out_, kSources, sources());
    write_plans(info);
    MergeSummary result = summary();
    result.plans = static_cast<std::int64_t>(plans_.size());
    return result;
  }

private:
  void begin_block(const Block& block) override {
    if (!block.traces.empty())
      traces_ = open_image(block.traces);
  }

  static std::string name_of_trace(const Row& row, const std::string& id) {
    return row.traces + ("/" + id);
  }
  static std::string id_in_image(const Row& row) { return std::to_string(row.number); }
  static std::string id_here(const Row& row, const KeptRow& kept) {
    return trace_id(row.case_id, kept.source, kept.first);
  }
  bool has_trace(const Row& row) const {
    return traces_ >= 0 && has_link(traces_, name_of_trace(row, id_in_image(row)));
  }

  bool same_trace(const Row& row, const KeptRow& other) override {
    const std::string id = id_here(row, other);
    const bool there = has_link(out_, name_of_trace(row, id));
    if (!there || !has_trace(row))
      return there == has_trace(row);
    const bool eab = row.traces == std::string(kEabTraces);
    return content_of_trace(eab, traces_, id_in_image(row)) == content_of_trace(eab, out_, id);
  }
  void keep_trace(const Row& row) override {
    // Several rows of a case and a source are of a damaged file: the first has the trace.
    const std::string name = name_of_trace(row, id_here(row, row.kept));
    if (has_trace(row) && !has_link(out_, name))
      copy_object(traces_, name_of_trace(row, id_in_image(row)), out_, name);
  }

  void end_block() override {
    traces_ = Handle();
    if (row_count(taken_) < kRowsPerAppend)
      return;
    append_taken();
    if (progress_)
      progress_(files_done_);
  }

  void append_taken() {
    append_rows<EnvironmentRow>(out_, kEnvironment, taken_.environment);
    append_all(out_, taken_);
    taken_ = RunData();
  }

  void add_plans(const FileHead& head) {
    const RunInfo& info = head.info;
    if (info.plan_hash == kSeveral && !head.plans.empty()) {
      const Handle image = open_image(head.plans_image);
      for (const std::string& plan : head.plans)
        if (plans_.insert(plan).second)
          copy_object(image, plan, make_plans_group(), plan);
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

  hid_t out_;
  std::function<void(std::size_t)> progress_;
  std::size_t files_done_ = 0;
  Handle traces_; // of the block at hand
  std::set<std::string> names_, plans_;
  std::optional<Handle> plans_group_;
};

UserError taken(const std::string& to) {
  return {"results file " + to + " already exists", "nothing is overwritten",
          "Add --force, or choose another name."};
}

UserError none_chosen(const MergeSelection& selection, std::int64_t cases) {
  return {"none of " + std::to_string(cases) + " cases is chosen",
          "no case has all of " + selection.conditions,
          "Look at what there is: --columns shows the values of a column."};
}

// A new file would take the place of a link.
std::string target_of(const std::string& to) {
  return fs::exists(to) ? fs::canonical(to).string() : to;
}

std::string part_of(const std::string& target) { return target + ".part"; }

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

// How many could not be read.
std::size_t merge_into(FileMerger& merger, GuardedFiles& files, const MergeOptions& options) {
  std::size_t unreadable = 0, done = 0;
  while (!files.at_end()) {
    const std::string path = files.path();
    merger.begin(path);
    try {
      files.read_next(merger);
    } catch (const HalfRead&) {
      throw; // what was taken of it cannot be given back
    } catch (const UserError& error) {
      if (!options.skipped)
        throw options.refused ? options.refused(error) : error;
      ++unreadable;
      options.skipped(error);
    }
    ++done;
    merger.file_is_done();
  }
  if (unreadable == done && done > 0)
    throw UserError("none of the files could be read", "", "");
  return unreadable;
}

} // namespace

MergeSummary merge_files(const std::vector<std::string>& inputs, const std::string& to,
                         const MergeInfo& info, bool overwrite, const MergeOptions& options) {
  if (inputs.empty())
    throw UserError("nothing to merge", "no results file was named", "");
  if (!overwrite && fs::exists(fs::symlink_status(to)))
    throw taken(to);
  // A new file would take the place of a device.
  if (fs::exists(to) && !fs::is_regular_file(to))
    throw UserError("cannot write results file " + to, "it is not a regular file", "");
  const std::string target = target_of(to);
  const FileLock lock(target);
  const std::string part = part_of(target);
  std::error_code ignored;
  fs::remove(part, ignored); // of a merge that was killed
  try {
    return with_file("write", to, "", [&] {
      GuardedFiles files(inputs, true, options.limits);
      Handle out = create_file(part);
      MergeSummary summary;
      {
        FileMerger merger(out, options);
        const std::size_t unreadable = merge_into(merger, files, options);
        summary = merger.finish(info);
        summary.unreadable = unreadable;
        if (summary.cases == 0 && summary.not_chosen > 0)
          throw none_chosen(options.selection, summary.not_chosen);
      }
      flush_to_disk(out);
      out.close("H5Fclose");
      give_name(part, target, overwrite);
      return summary;
    });
  } catch (...) {
    fs::remove(part, ignored);
    throw;
  }
}

std::vector<std::string> beside_merged(const std::string& to) {
  const std::string target = target_of(to);
  return {part_of(target), target + ".lock"};
}

} // namespace peakbench::results
