// The results file (results.md): HDF5 in its default format, flushed after every case.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "results/records.h"

namespace peakbench::results {

inline constexpr int kSchemaVersion = 1;

// In programs that write results, before MPI is initialised: HDF5 would else hook its own end into
// MPI's, or into the program's, and crash there on a file that could not be closed because its disk
// is full.
void start_hdf5();

struct RunInfo {
  std::string name, created, command_line, plan_hash, git_revision;
  bool git_dirty = false;
  std::string config_yaml;            // as read
  std::string plan_json;              // the expanded plan
  std::string peakbench_version = {}; // that wrote the file; of files that were read
};

// A finished case of any kind.
using AnyRow = std::variant<EabRow, EpRow, CommRow, ScalingRow>;

class Store {
public:
  // A new file (UserError if it exists), or an existing one of the same plan hash to go on with
  // (UserError if it is of another plan, another schema or no results file). `check` is asked
  // before the HDF5 library sees the file, which is locked by then; it throws what is against it.
  using FileCheck = std::function<void(const std::string& path, const std::string& plan_hash)>;
  static Store create(const std::string& path, const RunInfo& info);
  static Store resume(const std::string& path, const RunInfo& info, const FileCheck& check = {});
  ~Store();
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;

  // Returns the number of each row in /environment; a row that is there already is not added.
  std::vector<std::int64_t> write_environment(const std::vector<EnvironmentRow>& rows);
  // Of all launches so far.
  const std::vector<EnvironmentRow>& environment() const;
  // Appends the case's row, its repeats and its trace, then flushes. A row of the same case id that
  // is not `ok` is replaced.
  void append(const AnyRow& row);
  // At the end of a launch; `launch` is filled in here.
  void write_ranks(std::vector<RankRow> rows);
  // Case id -> status of what the file holds.
  std::vector<std::pair<std::string, std::string>> finished() const;
  // Of the file and its plan: another file of the same name has another one.
  const std::string& identity() const;

private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A whole file read back. Traces are read on demand by case id.
struct RunData {
  std::string path;
  RunInfo info;
  std::vector<EnvironmentRow> environment;
  std::vector<EabCase> eab;
  std::vector<EpCase> ep;
  std::vector<CommCase> comm;
  std::vector<ScalingCase> scaling;
  std::vector<RepeatRow> eab_repeats, ep_repeats, comm_repeats, scaling_repeats;
  std::vector<EpComponentRow> ep_components;
  std::vector<EpOperationRow> ep_operations;
  std::vector<EpTrainingRow> ep_training;
  std::vector<RankRow> ranks;
  std::vector<SourceRow> sources; // what was merged into the file
};
// UserError naming the file and the reason: missing, not HDF5, not ours, another schema version.
RunData load(const std::string& path);
EabTrace load_eab_trace(const std::string& path, const std::string& case_id);
EpTrace load_ep_trace(const std::string& path, const std::string& case_id);

// Between ranks: MessagePack, through the field lists.
std::string to_message(const AnyRow& row);
AnyRow from_message(const std::string& message);

} // namespace peakbench::results
