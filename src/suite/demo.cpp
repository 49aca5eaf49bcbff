#include "suite/demo.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "report/file_plots.h"
#include "suite/demo_conversation.h"
#include "suite/demo_output.h"
#include "suite/demo_session.h"
#include "suite/interrupt.h"

namespace peakbench::suite {

namespace fs = std::filesystem;

namespace {

// What would else be found out when the work is done.
void check_given(const DemoOptions& options) {
  if (options.prompt->find_first_not_of(" \t\r\n") == std::string::npos)
    throw UserError("--prompt is empty", "", "Leave it out to be asked.");
  if (options.save_plots) {
    report::require_gnuplot();
    for (const char* name : kDemoPlots)
      if (!options.force)
        report::check_absent(report::files_of(options.plots, name));
  }
  std::error_code ignored;
  if (!options.out.empty() && !options.force && fs::exists(options.out, ignored))
    throw UserError("results file " + options.out + " already exists", "nothing is overwritten",
                    "Add --force, or choose another name.");
}

int measure_once(const DemoOptions& options) {
  check_given(options);
  const InterruptWatch watch;
  DemoProgress progress(std::cerr, isatty(STDERR_FILENO) != 0);
  DemoSession session(options.settings, progress);
  session.check(options.settings, *options.prompt); // before a file is replaced
  if (options.force && !options.out.empty()) {
    std::error_code ignored;
    fs::remove(options.out, ignored);
  }
  try {
    const DemoResult result =
        session.run(options.settings, *options.prompt, options.out, options.command_line);
    std::cout << demo_text(result) << std::flush;
    if (!options.out.empty())
      std::cout << "\nresults: " << options.out << std::endl;
    if (options.save_plots) {
      std::cout << '\n';
      for (const fs::path& file :
           report::save_all(demo_plots(result, ""), options.plots, options.force))
        std::cout << "plot: " << file.string() << std::endl;
    }
    return all_ok(result) ? kExitOk : kExitFailedCases;
  } catch (const Interrupted&) {
    std::cerr << "interrupted"
              << (options.out.empty() ? ""
                                      : ": " + options.out + " holds the arms that were finished")
              << std::endl;
    return kExitInterrupted;
  }
}

} // namespace

int demo_command(const DemoOptions& options) {
  if (options.prompt)
    return measure_once(options);
  if (options.save_plots)
    report::require_gnuplot();
  return Conversation(options).run();
}

} // namespace peakbench::suite
