// The data set `timeline` of a trace: memory over the time of one repeat, by tag.
#pragma once

#include "results/hdf5.h"
#include "results/records.h"

namespace peakbench::results {

// What its columns are, as attributes of the group of all traces.
void describe_timeline(hid_t traces);
// Nothing where there are no points.
void write_timeline(hid_t trace, const Timeline& timeline);
// Without points where there is none. Hdf5Error for one whose columns are not a timeline's.
Timeline read_timeline(hid_t trace);

} // namespace peakbench::results
