// A whole results file read back.
#include "results/layout.h"
#include "results/reading.h"
#include "results/table.h"
#include "results/traces.h"

namespace peakbench::results {

namespace {

template <class Trace>
Trace load_trace(const std::string& path, const std::string& case_id) {
  return read_file(path, [&](hid_t file) {
    Trace trace;
    if (case_id.empty() || !read_trace(file, case_id, trace))
      throw UserError("results file " + path + " has no trace of case " + case_id,
                      "traces are kept of cases that were run to their end", "");
    return trace;
  });
}

// Tables that files of earlier versions lack.
template <class Row>
std::vector<Row> rows_if_there(hid_t file, const char* table) {
  return has_link(file, table) ? read_rows<Row>(file, table) : std::vector<Row>{};
}

} // namespace

RunData load(const std::string& path) {
  return read_file(path, [&](hid_t file) {
    RunData data;
    data.path = path;
    data.info = read_run_info(file);
    data.environment = read_rows<EnvironmentRow>(file, kEnvironment);
    data.eab = read_rows<EabCase>(file, kEabCases);
    data.ep = read_rows<EpCase>(file, kEpCases);
    data.eab_repeats = read_rows<RepeatRow>(file, kEabSamples);
    data.ep_repeats = read_rows<RepeatRow>(file, kEpSamples);
    data.ep_components = rows_if_there<EpComponentRow>(file, kEpComponents);
    data.ep_operations = rows_if_there<EpOperationRow>(file, kEpOperations);
    data.ep_training = rows_if_there<EpTrainingRow>(file, kEpTraining);
    data.comm = rows_if_there<CommCase>(file, kCommCases);
    data.comm_repeats = rows_if_there<RepeatRow>(file, kCommSamples);
    data.scaling = rows_if_there<ScalingCase>(file, kScalingCases);
    data.scaling_repeats = rows_if_there<RepeatRow>(file, kScalingSamples);
    data.ranks = rows_if_there<RankRow>(file, kRanks);
    data.sources = rows_if_there<SourceRow>(file, kSources);
    return data;
  });
}

EabTrace load_eab_trace(const std::string& path, const std::string& case_id) {
  return load_trace<EabTrace>(path, case_id);
}

EpTrace load_ep_trace(const std::string& path, const std::string& case_id) {
  return load_trace<EpTrace>(path, case_id);
}

} // namespace peakbench::results
