// Tables from measured rows only.
#pragma once

#include <string>
#include <vector>

#include "results/store.h"

namespace peakbench::report {

struct Column {
  std::string title, unit;
  bool left = false;
};
struct Table {
  std::string title;
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> notes;
  std::size_t settings = 0; // how many of the first columns name the setting of a row
  // VALID or INVALID, of what, why, and what to do (validity.h); empty: the table has no figures.
  std::string validity = {};
};

// 3-way EAB comparison (medians over prompts of arm x decode, speed-up vs naive, memory vs naive,
// cow saving vs original), EAB versus whatever varies, quality per arm, ratings against branching,
// KV at published sizes, EP memory and time versus depth with slopes and savings and `reach`,
// validity. `detail`: every case's row too.
std::vector<Table> tables_of(const results::RunData& run, bool detail = false);

enum class Format { text, csv, json, markdown };
std::string render(const std::vector<Table>& tables, Format format);

// All rows with all columns, for spreadsheets and programs. CSV: one table per record kind.
std::string rows_csv(const results::RunData& run, const std::string& kind); // kinds.h
std::string rows_json(const results::RunData& run);

} // namespace peakbench::report
