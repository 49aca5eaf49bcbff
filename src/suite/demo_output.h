// What the demo says about a prompt once it is measured.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "report/eab_plots.h"
#include "suite/demo_session.h"

namespace peakbench::suite {

// What was measured and how, the tables, the samples and their quality.
std::string demo_text(const DemoResult& result);
// The case whose samples, entropies and tree are shown; none if no case ended ok.
std::optional<std::size_t> shown_case(const DemoResult& result);
std::string demo_tree(const DemoResult& result);

// entropy, tree and resources; `prefix` goes before their names.
inline constexpr const char* kDemoPlots[] = {"entropy", "tree", "resources"};
std::vector<report::NamedPlot> demo_plots(const DemoResult& result, const std::string& prefix);

bool all_ok(const DemoResult& result);

} // namespace peakbench::suite
