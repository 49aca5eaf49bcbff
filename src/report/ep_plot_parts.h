// What the pictures of EP have in common.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/ep_depths.h"
#include "report/groups.h"
#include "report/plot.h"
#include "results/records.h"

namespace peakbench::report {

using EpGroup = Group<results::EpCase>;
using EpGrouping = Grouping<results::EpCase>;

inline constexpr std::size_t kMostEpCurves = 8; // in a panel
inline constexpr std::size_t kMostEpPlots = 6;  // of one kind, one for each setting
inline constexpr std::size_t kMostEpPanels = 4; // side by side

// An arm looks the same in every picture.
Style style_of_ep_arm(std::string_view arm);
// Which arms a picture shows, in the order of its legend; at most kMostEpCurves.
struct DrawnArms {
  std::vector<std::string> shown, left_out;
};
DrawnArms arms_to_draw(const EpRows& rows);

EpRows at_depth(const EpRows& rows, std::int64_t depth);
std::vector<std::int64_t> depths_of(const EpRows& rows);

// What is shared by all, for one line beneath the title.
std::string shared_text(const EpRows& rows);
// "name", "name-2", ...
std::string numbered_name(const std::string& name, std::size_t index);

// Panels side by side, a legend where it says something new, room for it.
void put_side_by_side(Plot& plot);
// "Not shown: ...", if an arm is left out.
void tell_left_out(Plot& plot, const DrawnArms& arms);

// An axis that shows these values, one tick each.
Axis depth_axis(const std::vector<std::int64_t>& depths);
// A logarithmic axis for whatever many decades.
Axis decades_axis(const std::string& title, const std::string& unit, const Panel& panel);

} // namespace peakbench::report
