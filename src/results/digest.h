// What makes two rows of a case the same: one definition, for files that are merged and for files
// that are shown together.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "results/wire.h"

namespace peakbench::results {

// Everything in a row but where it lies: neither `source` nor `launch` nor `environment`.
template <class Record>
std::string content_of(const Record& record) {
  std::string bytes;
  for (const auto& field : fields<Record>())
    if (field.name != "source" && field.name != "launch" && field.name != "environment")
      put_field(bytes, field, record);
  return bytes;
}

// A case of a file and where it was measured (a merged file can hold it several times).
struct CaseKey {
  CaseKey(const std::string& case_id, std::int64_t case_source)
      : id(hash64(case_id)), source(case_source) {}
  bool operator==(const CaseKey&) const = default;
  std::uint64_t id;
  std::int64_t source;
};
struct CaseKeyHash {
  std::size_t operator()(const CaseKey& key) const {
    return key.id ^ (static_cast<std::uint64_t>(key.source) * 0x9E3779B97F4A7C15u);
  }
};

// Hashes of one file's rows: of each machine, of what belongs to each case, of each case.
class Digests {
public:
  explicit Digests(const std::vector<EnvironmentRow>& machines) {
    for (const EnvironmentRow& row : machines)
      machines_.push_back(hash64(content_of(row)));
  }

  // Of the rows of a table that belong to cases, in their order.
  template <class Part>
  void add_parts(const std::vector<Part>& rows) {
    for (const Part& row : rows)
      chain(parts_[CaseKey(row.case_id, row.source)], content_of(row));
  }
  // What is not a case's part any more is the next kind's.
  void forget_parts() { parts_.clear(); }
  // Once for each row: a second row of the same case and source has no parts.
  template <class Record>
  std::uint64_t of_case(const Record& record) {
    std::string bytes = content_of(record);
    put(bytes, machine(record.environment));
    const auto parts = parts_.find(CaseKey(record.case_id, record.source));
    if (parts != parts_.end()) {
      put(bytes, parts->second);
      parts_.erase(parts);
    }
    return hash64(bytes);
  }

  void add_ranks(const std::vector<RankRow>& rows) {
    for (const RankRow& row : rows) {
      std::string bytes = content_of(row);
      put(bytes, machine(row.environment));
      chain(launches_[key_of(row)], bytes);
    }
  }
  std::uint64_t of_launch(const RankRow& row) const { return launches_.at(key_of(row)); }

private:
  static void chain(std::uint64_t& digest, std::string bytes) {
    put(bytes, digest);
    digest = hash64(bytes);
  }
  static CaseKey key_of(const RankRow& row) { return {std::to_string(row.launch), row.source}; }
  std::uint64_t machine(std::int64_t number) const {
    return number >= 0 && number < static_cast<std::int64_t>(machines_.size())
               ? machines_[static_cast<std::size_t>(number)]
               : 0;
  }

  std::vector<std::uint64_t> machines_;
  std::unordered_map<CaseKey, std::uint64_t, CaseKeyHash> parts_, launches_;
};

} // namespace peakbench::results
