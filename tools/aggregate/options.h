// What a user asked peakbench-aggregate for.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Error.hpp>
#include <CLI/Validators.hpp>

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
// No empty text, which would pass for an option that was not given.
CLI::Validator not_empty();
// A number of 0 or more, as an option's value.
CLI::Validator from_zero(bool whole);
// What is wrong with a command line that CLI11 refuses, in our words.
std::string message_of(const CLI::App& app, const CLI::ParseError& error);
// UserError for options that contradict each other, or outputs that exist: before anything is read.
void check(const Options& options);

} // namespace peakbench::aggregate
