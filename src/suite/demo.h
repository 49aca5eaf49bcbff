// peakbench-demo, without its command line.
#pragma once

#include <optional>
#include <string>

#include "suite/demo_settings.h"

namespace peakbench::suite {

struct DemoOptions {
  std::optional<std::string> prompt; // none: asked for, again and again
  DemoSettings settings;
  bool save_plots = false, force = false;
  std::string plots = "results/demo"; // folder
  std::string out;                    // results file; empty: none
  std::string command_line;
};
// Returns an exit status (base/error.h); UserError for what the user got wrong before anything ran.
int demo_command(const DemoOptions& options);

} // namespace peakbench::suite
