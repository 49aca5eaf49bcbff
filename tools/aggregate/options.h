// What a user asked peakbench-aggregate for.
#pragma once

#include <CLI/App.hpp>

#include <string>
#include <vector>

#include "aggregate/comparing.h"
#include "aggregate/inputs.h"
#include "aggregate/selection.h"

namespace peakbench::aggregate {

struct Options {
  std::vector<std::string> files; // as named: files, folders, patterns
  std::string to, csv, json, markdown, html, rows = "tables", plots, plot_case;
  bool detail = false, force = false;
  Inputs inputs;
  Selection selection;
  Comparing comparing;
};

void add_options(CLI::App& app, Options& options);
// UserError for options that contradict each other, or outputs that exist: before anything is read.
void check(const Options& options);

} // namespace peakbench::aggregate
