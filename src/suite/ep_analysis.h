// What is looked at beside a case's timed steps, at the configuration's analysis_depths.
#pragma once

#include <c10/core/Device.h>

#include "base/deadline.h"
#include "ep/settings.h"
#include "results/records.h"

namespace peakbench::suite {

// Fills components and operations, and the record's differences to ep_autograd.
void analyse_ep_case(const ep::Settings& settings, c10::Device device, const Deadline& deadline,
                     results::EpRow& row);

} // namespace peakbench::suite
