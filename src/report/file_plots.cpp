#include "report/file_plots.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "report/comm_plots.h"
#include "report/pareto_plots.h"
#include "report/scaling_plots.h"
#include "report/timeline_plots.h"
#include "report/token_tree.h"
#include "results/guard.h"

namespace peakbench::report {

namespace fs = std::filesystem;

namespace {

const results::EabCase* find_case(const results::RunData& run, const std::string& case_id) {
  for (const results::EabCase& row : run.eab)
    if (row.case_id == case_id)
      return &row;
  return nullptr;
}

void add_traced(const results::RunData& run, const results::EabCase& record,
                std::vector<NamedPlot>& plots) {
  const results::EabTrace trace =
      first_prompt(results::load_eab_trace_guarded(run.path, record.case_id));
  const TracedCase traced{record, trace, ""};
  plots.push_back({"eab-entropy", entropy_plot(traced)});
  plots.push_back({"eab-tree", tree_plot(traced)});
}

bool has_trace(const results::RunData& run, const results::EabCase& record) {
  try {
    return !results::load_eab_trace_guarded(run.path, record.case_id).nodes.empty();
  } catch (const UserError&) {
    return false;
  }
}

bool is_eab_case(const std::vector<results::RunData>& runs, const std::string& case_id) {
  return std::ranges::any_of(runs, [&](const auto& run) { return find_case(run, case_id); });
}

bool has_ep_timeline(const std::vector<results::RunData>& runs, const std::string& case_id) {
  for (const results::RunData& run : runs)
    for (const results::EpCase& row : run.ep)
      if (row.case_id == case_id && row.timeline_peak_bytes != results::kAbsent)
        return true;
  return false;
}

// Of the rows of all files together. A case that is in several of them counts once.
std::vector<NamedPlot> plots_of_ep(const std::vector<results::RunData>& runs) {
  std::vector<results::EpCase> cases;
  std::vector<results::EpTrainingRow> training;
  std::map<std::string, std::string> file_of; // by case id
  for (const results::RunData& run : runs) {
    for (const results::EpCase& row : run.ep)
      if (file_of.emplace(row.case_id, run.path).second)
        cases.push_back(row);
    for (const results::EpTrainingRow& point : run.ep_training)
      if (const auto file = file_of.find(point.case_id);
          file != file_of.end() && file->second == run.path)
        training.push_back(point);
  }
  const LoadEpTrace load = [&](const results::EpCase& row) -> results::EpTrace {
    try {
      return results::load_ep_trace_guarded(file_of.at(row.case_id), row.case_id);
    } catch (const UserError&) { // it has none
      return {};
    }
  };
  std::vector<NamedPlot> plots = ep_plots(cases, training, load);
  for (NamedPlot& plot : ep_pareto_plots(cases))
    plots.push_back(std::move(plot));
  return plots;
}

} // namespace

std::vector<NamedPlot> plots_of(const std::vector<results::RunData>& runs,
                                const std::string& case_id) {
  std::vector<NamedPlot> plots;
  std::vector<results::EabCase> all;
  const bool of_eab = is_eab_case(runs, case_id);
  if (!case_id.empty() && !of_eab && !has_ep_timeline(runs, case_id))
    throw UserError("no case " + case_id + " in the files that has a picture of its own",
                    "EAB cases have, and EP cases that were run with --timeline",
                    "--detail lists the cases that there are.");
  for (const results::RunData& run : runs) {
    all.insert(all.end(), run.eab.begin(), run.eab.end());
    if (!plots.empty())
      continue;
    if (of_eab) {
      if (const results::EabCase* named = find_case(run, case_id))
        add_traced(run, *named, plots);
    } else if (const auto shown = case_to_show(run.eab); shown && has_trace(run, run.eab[*shown])) {
      add_traced(run, run.eab[*shown], plots);
    }
  }
  const auto add = [&](std::vector<NamedPlot> more) {
    for (NamedPlot& plot : more)
      plots.push_back(std::move(plot));
  };
  add(timeline_plots(runs, case_id));
  add(eab_plots(all));
  add(eab_pareto_plots(all));
  add(plots_of_ep(runs));
  std::vector<results::CommCase> comm;
  std::vector<results::ScalingCase> scaling;
  for (const results::RunData& run : runs) {
    comm.insert(comm.end(), run.comm.begin(), run.comm.end());
    scaling.insert(scaling.end(), run.scaling.begin(), run.scaling.end());
  }
  add(comm_plots(comm));
  add(scaling_plots(scaling));
  return plots;
}

std::vector<fs::path> save_all(const std::vector<NamedPlot>& plots, const fs::path& directory,
                               bool overwrite) {
  if (!overwrite)
    for (const NamedPlot& one : plots)
      check_absent(files_of(directory, one.name));
  std::vector<fs::path> files;
  for (const NamedPlot& one : plots)
    for (fs::path& file : save(one.plot, directory, one.name, overwrite))
      files.push_back(std::move(file));
  return files;
}

} // namespace peakbench::report
