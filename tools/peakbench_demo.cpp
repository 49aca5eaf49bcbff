// peakbench-demo: entropy-adaptive branching on a prompt of one's own, compared with what else one
// could do. Parses the command line; the rest is src/suite/demo*.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include "base/error.h"
#include "measure/memory.h"
#include "suite/demo.h"

namespace {

using namespace peakbench;

constexpr const char* kExamples = R"(Examples:
  peakbench-demo --prompt "Name one important skill students should develop today." --compare-all --save-plots
  peakbench-demo --prompt "Why is the sky blue?" --threshold 0.1 --max-paths 8
  peakbench-demo --prompt "def median(" --prompt-format raw --arms cow,naive_batched --out results/median.h5
  peakbench-demo --model path/to/model-folder               asks for prompts; /help explains its commands
  echo "Why are there tides?" | peakbench-demo --compare-all

Exit status: 0; 1 if an arm did not end ok or a check failed, 2 wrong input, 3 interrupted.)";

struct Given {
  std::map<std::string, std::string> settings; // by name
  bool compare_all = false;
};

void add_settings(CLI::App& app, Given& given) {
  for (const suite::DemoSetting& setting : suite::demo_settings()) {
    const std::string name(setting.name);
    app.add_option("--" + name, given.settings[name],
                   fmt::format("{} (default: {})", setting.meaning, setting.initial))
        ->option_text("VALUE")
        ->take_last();
  }
}

int parse_and_run(int argc, char** argv) {
  CLI::App app("Draws many samples of a language model's answer by entropy-adaptive branching, and "
               "shows what that costs beside naive sampling and the published method.",
               "peakbench-demo");
  app.footer(kExamples);
  suite::DemoOptions options;
  Given given;
  app.add_option("--prompt", options.prompt, "The question; without it you are asked")->take_last();
  CLI::Option* all =
      app.add_flag("--compare-all", given.compare_all, "Measure every arm, for the comparison");
  add_settings(app, given);
  all->excludes(app.get_option("--arms"));
  app.add_flag("--save-plots", options.save_plots, "Save pictures (SVG and PNG; needs gnuplot)");
  CLI::Option* plots = app.add_option("--plots", options.plots, "Their folder, and --save-plots")
                           ->capture_default_str();
  app.add_option("--out", options.out,
                 "Results file (HDF5), for peakbench-aggregate; for prompts that are asked for one "
                 "numbered file each");
  app.add_flag("--force", options.force, "Overwrite pictures and results that exist");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUserError;
  }
  for (const suite::DemoSetting& setting : suite::demo_settings()) {
    const std::string name(setting.name);
    if (app.get_option("--" + name)->count() > 0)
      options.settings.set(name, given.settings.at(name), "--" + name);
  }
  if (given.compare_all)
    options.settings.set("arms", suite::kAllArms, "--compare-all");
  options.save_plots = options.save_plots || plots->count() > 0;
  for (int i = 0; i < argc; ++i)
    options.command_line += (i ? " " : "") + std::string(argv[i]);
  return suite::demo_command(options);
}

} // namespace

int main(int argc, char** argv) {
  measure::DeviceMemory::of(c10::kCPU); // before any tensor, so that every byte is seen
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    std::fputs(fmt::format("peakbench-demo: {}\n", error.what()).c_str(), stderr);
    return kExitUserError;
  }
}
