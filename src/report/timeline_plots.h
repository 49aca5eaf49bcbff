// Memory over time, by tag: one case and the other arms of its setting, side by side.
#pragma once

#include <string>
#include <vector>

#include "report/eab_plots.h"
#include "results/store.h"

namespace peakbench::report {

// One arm of the picture.
struct TimelinePanel {
  std::string title;
  const results::Timeline* timeline = nullptr;
  std::int64_t peak_bytes = 0; // the record's
};
Plot timeline_plot(const std::string& title, const std::vector<std::string>& subtitles,
                   const std::vector<TimelinePanel>& panels);

// Points that a picture of so many columns can tell apart: of each column the highest and the last.
std::vector<results::TimelinePoint> drawn_points(const results::Timeline& timeline,
                                                 std::size_t columns);

// eab-memory-over-time and ep-memory-over-time, of cases run with --timeline: the one named, or
// else the one to show, with the other arms of its setting. Empty where there is none.
std::vector<NamedPlot> timeline_plots(const std::vector<results::RunData>& runs,
                                      const std::string& case_id = "");

} // namespace peakbench::report
