// Which timelines are shown beside each other.
#include "report/timeline_plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

#include "base/error.h"
#include "report/eab_arms.h"
#include "report/eab_plot_parts.h"
#include "report/ep_plot_parts.h"
#include "results/guard.h"

namespace peakbench::report {

namespace {

using results::EabCase;
using results::EpCase;
using results::Timeline;

constexpr std::size_t kMostPanels = 6;

// A case and the file that it is in.
template <class Record>
struct Filed {
  const Record* record = nullptr;
  const std::string* path = nullptr;
};
template <class Record>
using AllFiled = std::vector<Filed<Record>>;

template <class Record>
bool recorded(const Record& record) {
  return record.status == "ok" && record.timeline_peak_bytes != results::kAbsent;
}

// A case that is in several files counts once.
template <class Record>
AllFiled<Record> recorded_cases(const std::vector<results::RunData>& runs,
                                std::vector<Record> results::RunData::*member) {
  AllFiled<Record> all;
  std::set<std::string> seen;
  for (const results::RunData& run : runs)
    for (const Record& record : run.*member)
      if (recorded(record) && seen.insert(record.case_id).second)
        all.push_back({&record, &run.path});
  return all;
}

// Equal in every independent variable but those.
template <class Record>
bool same_setting(const Record& a, const Record& b, std::initializer_list<std::string_view> but) {
  for (const auto& field : results::fields<Record>())
    if (field.role == results::Role::independent && std::ranges::count(but, field.name) == 0 &&
        results::text_of(results::value_of(field, a)) !=
            results::text_of(results::value_of(field, b)))
      return false;
  return true;
}

// Keeps what panels point to.
class Gathered {
public:
  template <class Load>
  void add(const std::string& title, std::int64_t peak_bytes, Load load) {
    if (panels_.size() == kMostPanels) {
      left_out_ += (left_out_.empty() ? "" : ", ") + title;
      return;
    }
    timelines_.push_back(load().timeline);
    if (timelines_.back().points.empty())
      return;
    panels_.push_back({title, &timelines_.back(), peak_bytes});
    greatest_span_ = std::max(greatest_span_, timelines_.back().span);
  }
  std::optional<Plot> plot(const std::string& title, std::vector<std::string> subtitles) const {
    if (panels_.empty())
      return std::nullopt;
    std::string how = "Of one repeat beside the timed ones; each arm with a time axis of its own.";
    if (greatest_span_ > 1)
      how +=
          fmt::format(" Upper envelope: the highest of every {} events or fewer.", greatest_span_);
    subtitles.push_back(how);
    if (!left_out_.empty())
      subtitles.push_back("Not shown: " + left_out_);
    return timeline_plot(title, subtitles, panels_);
  }

private:
  std::deque<Timeline> timelines_;
  std::vector<TimelinePanel> panels_;
  std::string left_out_;
  std::int64_t greatest_span_ = 1;
};

template <class Record>
const Record* named(const AllFiled<Record>& cases, const std::string& case_id) {
  const auto found =
      std::ranges::find_if(cases, [&](const auto& one) { return one.record->case_id == case_id; });
  return found == cases.end() ? nullptr : found->record;
}

// What is shown of EAB if nobody says: as for the other pictures of a single case.
const EabCase* eab_to_show(const AllFiled<EabCase>& cases) {
  std::vector<EabCase> records;
  for (const Filed<EabCase>& one : cases)
    records.push_back(*one.record);
  const auto shown = case_to_show(records);
  return shown ? cases[*shown].record : nullptr;
}

std::optional<Plot> eab_plot(const AllFiled<EabCase>& cases, const EabCase& shown) {
  // The branching arms' way of decoding: that of the case, if it is one of them.
  const bool branches = shown.arm == "original" || shown.arm == "cow";
  const std::string decode = branches ? shown.decode : "batched";
  Gathered gathered;
  for (const ArmDecode& which : kEabOrder)
    for (const Filed<EabCase>& one : cases) {
      const EabCase& record = *one.record;
      if (record.arm != which.arm || record.decode != which.decode ||
          !same_setting(record, shown, {"arm", "decode"}))
        continue;
      if ((record.arm == "original" || record.arm == "cow") && record.decode != decode)
        continue;
      gathered.add(arm_title(record.arm, record.decode), record.peak_bytes,
                   [&] { return results::load_eab_trace_guarded(*one.path, record.case_id); });
    }
  return gathered.plot(
      "Memory over time beyond the weights, by what it is for",
      {fmt::format("prompt {} ({} tokens); {}, {}; {} {} of at most {} tokens", shown.prompt_id,
                   shown.prompt_tokens, shown.model, shown.dtype, shown.samples,
                   shown.samples == 1 ? "sample" : "samples", shown.max_new_tokens)});
}

// Of the setting with most arms, and among these at the greatest depth.
const EpCase* ep_to_show(const AllFiled<EpCase>& cases) {
  if (cases.empty())
    return nullptr;
  std::vector<EpCase> records;
  for (const Filed<EpCase>& one : cases)
    records.push_back(*one.record);
  constexpr std::string_view kCompared[] = {"arm"};
  const EpGrouping grouping = group_rows(records, kCompared);
  const auto& best = *std::ranges::max_element(grouping.groups, {}, [](const EpGroup& group) {
    return std::pair(group.rows.size(), group.rows.front()->depth);
  });
  return cases[static_cast<std::size_t>(best.rows.front() - records.data())].record;
}

std::optional<Plot> ep_plot(const AllFiled<EpCase>& cases, const EpCase& shown) {
  EpRows rows;
  for (const Filed<EpCase>& one : cases)
    if (same_setting(*one.record, shown, {"arm"}))
      rows.push_back(one.record);
  const DrawnArms arms = arms_to_draw(rows);
  std::vector<std::string> order = arms.shown;
  order.insert(order.end(), arms.left_out.begin(), arms.left_out.end());
  // The one that is asked for is among the panels.
  if (const auto own = std::ranges::find(order, shown.arm);
      own - order.begin() >= static_cast<std::ptrdiff_t>(kMostPanels))
    std::rotate(order.begin() + kMostPanels - 1, own, own + 1);
  Gathered gathered;
  for (const std::string& arm : order)
    for (const Filed<EpCase>& one : cases)
      if (one.record->arm == arm && same_setting(*one.record, shown, {"arm"}))
        gathered.add(arm, one.record->peak_bytes, [&] {
          return results::load_ep_trace_guarded(*one.path, one.record->case_id);
        });
  return gathered.plot("Memory over time of a training step, by what it is for",
                       {fmt::format("depth {}, {}", shown.depth, shared_text({&shown}))});
}

} // namespace

std::vector<NamedPlot> timeline_plots(const std::vector<results::RunData>& runs,
                                      const std::string& case_id) {
  std::vector<NamedPlot> plots;
  const AllFiled<EabCase> eab = recorded_cases(runs, &results::RunData::eab);
  const AllFiled<EpCase> ep = recorded_cases(runs, &results::RunData::ep);
  const EabCase* of_eab = named(eab, case_id);
  const EpCase* of_ep = named(ep, case_id);
  if (!of_eab)
    of_eab = eab_to_show(eab);
  if (!of_ep)
    of_ep = ep_to_show(ep);
  if (of_eab)
    if (auto plot = eab_plot(eab, *of_eab))
      plots.push_back({"eab-memory-over-time", *std::move(plot)});
  if (of_ep)
    if (auto plot = ep_plot(ep, *of_ep))
      plots.push_back({"ep-memory-over-time", *std::move(plot)});
  return plots;
}

} // namespace peakbench::report
