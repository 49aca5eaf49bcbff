// What is looked at beside a case's timed steps, at the configuration's analysis_depths.
#pragma once

#include <c10/core/Device.h>

#include "base/deadline.h"
#include "ep/analysis.h"
#include "ep/settings.h"
#include "results/records.h"

namespace peakbench::suite {

// The record's differences to ep_autograd. One that the published gradient, the negative control,
// would pass as well is left out: it tells nothing.
void fill_differences(const ep::Comparison& comparison, results::EpCase& record);

// Fills components and operations, and the record's differences to ep_autograd. What diverges or
// takes too long (the case did neither) is left out.
void analyse_ep_case(const ep::Settings& settings, c10::Device device, const Deadline& deadline,
                     results::EpRow& row);

} // namespace peakbench::suite
