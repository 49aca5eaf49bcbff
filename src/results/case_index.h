// Which rows of which cases there are already, while many files become one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.h"

namespace peakbench::results {

// A row that is kept. Some 60 bytes each, whatever the row holds.
struct KeptRow {
  std::uint64_t digest = 0;      // digest.h
  std::int32_t source = 0;       // in the merged file
  std::int32_t input = 0;        // which file it was read from, ...
  std::int32_t input_source = 0; // ... the source it has there, ...
  bool input_first = true;       // ... and whether its trace has the plain name there
  bool first = true;             // ... and here
};

class CaseIndex {
public:
  // Visits the rows that are kept of the case until `visit` says true; the answer.
  template <class Visit>
  bool any_of(const std::string& kind, const std::string& id, Visit visit) const {
    const auto first = first_.find(key(kind, id));
    if (first == first_.end())
      return false;
    if (visit(first->second))
      return true;
    const auto more = more_.find({kind, id});
    if (more != more_.end())
      for (const KeptRow& row : more->second)
        if (visit(row))
          return true;
    return false;
  }
  // Sets row.first.
  void keep(const std::string& kind, const std::string& id, KeptRow& row) {
    row.first = true;
    if (first_.try_emplace(key(kind, id), row).second)
      return;
    row.first = false;
    more_[{kind, id}].push_back(row);
  }
  // visit(kind, id, rows) for the cases with several, by kind and id.
  template <class Visit>
  void for_each_duplicate(Visit visit) const {
    for (const auto& [name, others] : more_) {
      std::vector<KeptRow> rows{first_.at(key(name.first, name.second))};
      rows.insert(rows.end(), others.begin(), others.end());
      visit(name.first, name.second, rows);
    }
  }

private:
  static std::uint64_t key(const std::string& kind, const std::string& id) {
    return hash64(kind + '\n' + id);
  }

  std::unordered_map<std::uint64_t, KeptRow> first_;
  std::map<std::pair<std::string, std::string>, std::vector<KeptRow>> more_;
};

} // namespace peakbench::results
