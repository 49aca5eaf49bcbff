#include "results/timeline.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "results/lists.h"

namespace peakbench::results {

namespace {

constexpr const char* kName = "timeline";
constexpr const char* kEvents = "events";
constexpr const char* kSpan = "span";
constexpr std::size_t kPhaseWidth = 16;
constexpr std::size_t kTags = kTagMembers.size();

// TimelinePoint as HDF5 sees it: the phase by its name, so that readers need no second list.
struct RawPoint {
  double seconds = 0;
  std::int64_t total = 0;
  std::int64_t by_tag[kTags] = {};
  char phase[kPhaseWidth] = {};
};

Handle point_type() {
  const Handle text(H5Tcopy(H5T_C_S1), H5Tclose, "H5Tcopy");
  check(H5Tset_size(text, kPhaseWidth), "H5Tset_size");
  check(H5Tset_cset(text, H5T_CSET_UTF8), "H5Tset_cset");
  check(H5Tset_strpad(text, H5T_STR_NULLPAD), "H5Tset_strpad");
  Handle type(H5Tcreate(H5T_COMPOUND, sizeof(RawPoint)), H5Tclose, "H5Tcreate");
  insert(type, "seconds", offsetof(RawPoint, seconds), H5T_NATIVE_DOUBLE);
  insert(type, "total_bytes", offsetof(RawPoint, total), H5T_NATIVE_INT64);
  for (std::size_t tag = 0; tag < kTags; ++tag)
    insert(type, (std::string(kTagNames[tag]) + "_bytes").c_str(),
           offsetof(RawPoint, by_tag) + tag * sizeof(std::int64_t), H5T_NATIVE_INT64);
  insert(type, "phase", offsetof(RawPoint, phase), text);
  return type;
}

// HDF5 leaves what it does not find as it was: a missing column would read as zeros.
void require_columns(hid_t dataset, hid_t wanted) {
  const Handle stored(H5Dget_type(dataset), H5Tclose, "H5Dget_type");
  const int columns = check(H5Tget_nmembers(wanted), "H5Tget_nmembers");
  for (unsigned column = 0; column < static_cast<unsigned>(columns); ++column) {
    char* const name = H5Tget_member_name(wanted, column);
    const bool there =
        H5Tget_class(stored) == H5T_COMPOUND && H5Tget_member_index(stored, name) >= 0;
    H5free_memory(name);
    if (!there)
      throw Hdf5Error("a timeline without one of its columns");
  }
}

std::int32_t phase_number(std::string_view name, std::vector<std::string>& phases) {
  auto known = std::ranges::find(phases, name);
  if (known == phases.end())
    known = phases.insert(phases.end(), std::string(name));
  return static_cast<std::int32_t>(known - phases.begin());
}

} // namespace

std::size_t peak_of(const Timeline& timeline) {
  const auto highest = std::ranges::max_element(timeline.points, {}, &TimelinePoint::total);
  return static_cast<std::size_t>(highest - timeline.points.begin());
}

void describe_timeline(hid_t traces) {
  const auto add = [&](const std::string& column, const char* unit,
                       const std::string& description) {
    write_attribute(traces, kName + ("." + column + ".unit"), std::string(unit));
    write_attribute(traces, kName + ("." + column + ".description"), description);
  };
  add("seconds", "seconds", "since the recorded repeat began");
  add("total_bytes", "bytes",
      "live memory as peak_bytes counts it: the highest of every `span` of all `events` "
      "(attributes), start and end besides");
  for (const char* const tag : kTagNames)
    add(std::string(tag) + "_bytes", "bytes", std::string("of it: ") + tag);
  add("phase", "", "part of the work; empty before the first one");
}

void write_timeline(hid_t trace, const Timeline& timeline) {
  if (timeline.points.empty())
    return;
  std::vector<RawPoint> rows(timeline.points.size());
  for (std::size_t index = 0; index < rows.size(); ++index) {
    const TimelinePoint& point = timeline.points[index];
    RawPoint& row = rows[index];
    row.seconds = point.seconds;
    row.total = point.total;
    for (std::size_t tag = 0; tag < kTags; ++tag)
      row.by_tag[tag] = point.by_tag.*kTagMembers[tag];
    timeline.phases.at(static_cast<std::size_t>(point.phase)).copy(row.phase, kPhaseWidth);
  }
  const Handle type = point_type();
  write_list(trace, kName, packed(type), type, rows.data(), rows.size(), true);
  const Handle dataset(H5Dopen2(trace, kName, H5P_DEFAULT), H5Dclose, "H5Dopen");
  write_attribute(dataset, kEvents, timeline.events);
  write_attribute(dataset, kSpan, timeline.span);
}

Timeline read_timeline(hid_t trace) {
  Timeline timeline;
  if (!has_link(trace, kName))
    return timeline;
  const List list(trace, kName);
  const Handle type = point_type();
  require_columns(list.dataset, type);
  std::vector<RawPoint> rows(list.count);
  if (list.count > 0)
    check(
        H5Dread(list.dataset, type, H5S_ALL, H5S_ALL, list.transfer(sizeof(RawPoint)), rows.data()),
        "H5Dread");
  for (const RawPoint& row : rows) {
    TimelinePoint point;
    point.seconds = row.seconds;
    point.total = row.total;
    for (std::size_t tag = 0; tag < kTags; ++tag)
      point.by_tag.*kTagMembers[tag] = row.by_tag[tag];
    point.phase = phase_number({row.phase, strnlen(row.phase, kPhaseWidth)}, timeline.phases);
    timeline.points.push_back(point);
  }
  timeline.events = read_integer_attribute(list.dataset, kEvents);
  timeline.span = read_integer_attribute(list.dataset, kSpan);
  return timeline;
}

} // namespace peakbench::results
