#include "aggregate/merging.h"

#include <csignal>
#include <iostream>
#include <ranges>

#include "aggregate/crash_message.h"
#include "aggregate/progress.h"
#include "base/clock_text.h"
#include "base/error.h"
#include "results/merge.h"
#include "results/store.h"

namespace peakbench::aggregate {

namespace {

// A handler knows nothing but what lies outside of everything.
volatile std::sig_atomic_t stop_was_asked = 0;

// While this lives Ctrl-C ends the merge in order; a second one at once.
class StopOnSignal {
public:
  StopOnSignal() {
    struct sigaction action {};
    action.sa_handler = [](int) { stop_was_asked = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
    for (std::size_t index = 0; index < 2; ++index)
      sigaction(kSignals[index], &action, &former_[index]);
  }
  ~StopOnSignal() {
    for (std::size_t index = 0; index < 2; ++index)
      sigaction(kSignals[index], &former_[index], nullptr);
  }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  void check(const std::string& to) const {
    if (stop_was_asked != 0)
      throw Interrupted("interrupted: " + to + " is not written");
  }

private:
  static constexpr int kSignals[2] = {SIGINT, SIGTERM};
  struct sigaction former_[2] = {};
};

} // namespace

std::size_t merge_into_file(const Options& options, const std::string& command_line) {
  const StopOnSignal stop;
  results::start_hdf5();
  signal(SIGXFSZ, SIG_IGN); // a file that grows beyond its limit is a write that fails
  Progress progress(std::cerr, "merged", options.files.size());
  results::MergeOptions how;
  if (options.inputs.keep_going)
    how.skipped = [&](const UserError& error) {
      progress.end();
      tell_skipped(error);
    };
  how.refused = [&](const UserError& error) {
    return keep_going_hint(error, options.files.size());
  };
  how.selection = merge_selection(options);
  how.progress = [&](std::size_t done) {
    stop.check(options.to);
    progress.show(done);
  };
  const results::MergeSummary summary = [&] {
    const CrashMessage crash("peakbench-aggregate: cannot write results file " + options.to +
                                 " (the HDF5 library crashed, as it does where a disk or a quota "
                                 "is full) Make room, or choose another folder.",
                             results::beside_merged(options.to));
    return results::merge_files(options.files, options.to, {utc_now(), command_line}, options.force,
                                how);
  }();
  progress.end();
  constexpr std::size_t kWarnings = 10;
  for (const auto& duplicate : summary.duplicates | std::views::take(kWarnings)) {
    std::string files;
    for (const std::string& file : duplicate.files)
      files += (files.empty() ? "" : ", ") + file;
    std::cerr << "warning: " << duplicate.kind << " case " << duplicate.case_id
              << " has different rows in several files, and all are kept: " << files << '\n';
  }
  if (const std::size_t all = summary.duplicates.size(); all > kWarnings)
    std::cerr << "warning: and " << all - kWarnings << " cases more; the table \"Cases in several "
              << "files\" of peakbench-aggregate " << options.to << " names them all\n";
  const std::size_t files = options.files.size();
  if (summary.unreadable > 0)
    std::cerr << count_of_readable("merged", files, summary.unreadable);
  else
    std::cerr << "merged " << files << " files";
  std::cerr << (summary.unreadable > 0 ? "; into " : " into ") << options.to << ": "
            << summary.cases << " cases";
  if (summary.not_chosen > 0)
    std::cerr << " of " << summary.cases + summary.not_chosen + summary.repeated << ", a selection";
  if (summary.repeated > 0)
    std::cerr << ", " << summary.repeated << " named twice and kept once";
  if (!summary.duplicates.empty())
    std::cerr << ", " << summary.duplicates.size() << " with different rows";
  if (summary.plans > 1)
    std::cerr << ", of " << summary.plans << " plans";
  std::cerr << '\n';
  return summary.unreadable;
}

} // namespace peakbench::aggregate
