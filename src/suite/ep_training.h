// The training run of an EP case.
#pragma once

#include <c10/core/Device.h>

#include "base/deadline.h"
#include "ep/settings.h"
#include "results/records.h"
#include "suite/config.h"

namespace peakbench::suite {

// Fills the training curve and the record's final figures.
void train_ep_case(const ep::Settings& settings, const EpTraining& training, c10::Device device,
                   const Deadline& deadline, results::EpRow& row);

} // namespace peakbench::suite
