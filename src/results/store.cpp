#include "results/store.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>

#include "base/error.h"
#include "results/case_writing.h"
#include "results/fields.h"
#include "results/file_lock.h"
#include "results/layout.h"
#include "results/reading.h"
#include "results/table.h"
#include "results/twin_files.h"

namespace peakbench::results {

namespace {

constexpr const char* kOutOfRoom =
    "what was written before is safe; make room and run again to resume.";

template <class Record>
bool same(const Record& a, const Record& b) {
  return std::ranges::all_of(fields<Record>(), [&](const Field<Record>& field) {
    return text_of(value_of(field, a)) == text_of(value_of(field, b));
  });
}

} // namespace

struct Store::State {
  struct Entry {
    std::size_t row = 0;
    std::string status;
  };
  struct Index {
    std::map<std::string, Entry> entries;
    std::vector<std::string> order;
  };

  State(std::string file_path, FileLock file_lock)
      : path(std::move(file_path)), lock(std::move(file_lock)) {}

  std::string path;
  FileLock lock;
  std::optional<TwinFiles> files;
  std::string identity;
  std::vector<EnvironmentRow> environment;
  std::int64_t launch = 0; // the number of this one
  Index eab, ep, comm, scaling;
  Index& index_of(const EabRow&) { return eab; }
  Index& index_of(const EpRow&) { return ep; }
  Index& index_of(const CommRow&) { return comm; }
  Index& index_of(const ScalingRow&) { return scaling; }

  template <class Record>
  static void add(Index& index, const Record& record) {
    // Merged files may hold a case twice: one row that is `ok` is enough, and is never replaced.
    if (Entry& known = index.entries[record.case_id]; known.status != "ok")
      known = {index.order.size(), record.status};
    index.order.push_back(record.case_id);
  }

  // What the file holds already. Before `files` opens it to write: the HDF5 library would else put
  // new texts where it has read others, and trust what a damaged file says about the room there.
  void read() {
    const Handle file = open_file(path, false);
    identity = identity_of(file);
    environment = read_rows<EnvironmentRow>(file, kEnvironment);
    for (const auto& record : read_rows<EabCase>(file, kEabCases))
      add(eab, record);
    for (const auto& record : read_rows<EpCase>(file, kEpCases))
      add(ep, record);
    for (const auto& record : read_rows<CommCase>(file, kCommCases))
      add(comm, record);
    for (const auto& record : read_rows<ScalingCase>(file, kScalingCases))
      add(scaling, record);
    for (const auto& row : read_rows<RankRow>(file, kRanks))
      if (row.launch < std::numeric_limits<std::int64_t>::max()) // a file may say anything
        launch = std::max(launch, row.launch + 1);
  }

  void commit(const TwinFiles::Change& change) {
    with_file("write", path, kOutOfRoom, [&] { files->commit(change); });
  }

  template <class Row>
  void append(const Row& row, Index& index) {
    const std::string& id = row.record.case_id;
    if (id.empty())
      throw std::logic_error("a case without an id cannot be stored");
    const auto found = index.entries.find(id);
    if (found != index.entries.end() && found->second.status == "ok")
      throw UserError("case " + id + " is already in results file " + path, "its status is ok",
                      "nothing was overwritten.");
    std::optional<std::size_t> replaced;
    if (found != index.entries.end())
      replaced = found->second.row;
    commit([row, replaced](hid_t file) { write_case(file, row, replaced); });
    if (replaced)
      found->second.status = row.record.status;
    else
      add(index, row.record);
  }
};

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::~Store() {
  const QuietErrors quiet;
  state_.reset();
}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

Store Store::create(const std::string& path, const RunInfo& info) {
  FileLock lock(path);
  return with_file("create", path, "", [&] {
    std::unique_ptr<State> state(new State(path, std::move(lock)));
    state->files.emplace(TwinFiles::create(path, [&](hid_t file) { write_layout(file, info); }));
    state->read();
    return Store(std::move(state));
  });
}

Store Store::resume(const std::string& path, const RunInfo& info, const FileCheck& check) {
  require_hdf5_file(path);
  FileLock lock(path);
  const FileState checked(path);
  if (check)
    check(path, info.plan_hash);
  if (FileState(path) != checked)
    throw UserError("cannot resume results file " + path,
                    "another program has changed it at this moment",
                    "wait for that to end, and run again.");
  return with_file("resume", path, kMayNotResume, [&] {
    require_same_plan(open_file(path, false), path, info.plan_hash);
    std::unique_ptr<State> state(new State(path, std::move(lock)));
    state->read();
    state->files.emplace(path);
    return Store(std::move(state));
  });
}

std::vector<std::int64_t> Store::write_environment(const std::vector<EnvironmentRow>& rows) {
  // A resumed run on the same machines adds nothing.
  std::vector<EnvironmentRow>& known = state_->environment;
  const std::size_t before = known.size();
  std::vector<std::int64_t> numbers;
  for (const EnvironmentRow& row : rows) {
    const auto equal = [&](const EnvironmentRow& other) { return same(row, other); };
    const auto found = std::ranges::find_if(known, equal);
    numbers.push_back(found - known.begin());
    if (found == known.end())
      known.push_back(row);
  }
  const std::vector<EnvironmentRow> added(known.begin() + static_cast<std::ptrdiff_t>(before),
                                          known.end());
  if (!added.empty())
    state_->commit([added](hid_t file) { append_rows<EnvironmentRow>(file, kEnvironment, added); });
  return numbers;
}

const std::vector<EnvironmentRow>& Store::environment() const { return state_->environment; }

void Store::append(const AnyRow& row) {
  std::visit([&](const auto& known) { state_->append(known, state_->index_of(known)); }, row);
}

void Store::write_ranks(std::vector<RankRow> rows) {
  for (RankRow& row : rows)
    row.launch = state_->launch;
  state_->commit([rows](hid_t file) { append_rows<RankRow>(file, kRanks, rows); });
  ++state_->launch;
}

const std::string& Store::identity() const { return state_->identity; }

std::vector<std::pair<std::string, std::string>> Store::finished() const {
  std::vector<std::pair<std::string, std::string>> cases;
  for (const State::Index* index : {&state_->eab, &state_->ep, &state_->comm, &state_->scaling})
    for (const std::string& id : index->order)
      cases.emplace_back(id, index->entries.at(id).status);
  return cases;
}

} // namespace peakbench::results
