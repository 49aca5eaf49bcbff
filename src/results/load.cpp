// A whole results file read back.
#include <sys/stat.h>

#include <chrono>
#include <thread>
#include <tuple>

#include "results/layout.h"
#include "results/table.h"
#include "results/traces.h"

namespace peakbench::results {

namespace {

constexpr const char* kDamaged = "the file is damaged or incomplete.";

// Runs `read` on the opened file. While a run goes on, the name moves on to a newer file with every
// case (twin_files.h) and the old one is written again: then it is read once more.
template <class Read>
auto read_file(const std::string& path, Read read) {
  constexpr int kTries = 40;
  // After two cases the name is back at the first file, which has been written meanwhile.
  const auto state = [&] {
    struct stat status {};
    return stat(path.c_str(), &status) == 0
               ? std::tuple(status.st_ino, status.st_ctim.tv_sec, status.st_ctim.tv_nsec)
               : std::tuple<ino_t, time_t, long>();
  };
  for (int attempt = 1;; ++attempt) {
    if (attempt > 2) // the writer is as fast as this: wait for a pause of its
      std::this_thread::sleep_for(std::chrono::milliseconds(attempt));
    const auto before = state();
    const auto moved = [&] { return attempt < kTries && state() != before; };
    try {
      require_hdf5_file(path);
      auto result = with_file("read", path, kDamaged, [&] {
        const Handle file = open_file(path, false);
        require_schema(file, path);
        return read(file);
      });
      if (!moved())
        return result;
    } catch (const UserError&) {
      if (!moved())
        throw;
    }
  }
}

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

} // namespace

namespace {

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
