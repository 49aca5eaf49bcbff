// The training run of an EP case, and the data for it.
#pragma once

#include <c10/core/Device.h>

#include "base/deadline.h"
#include "results/records.h"
#include "suite/plan.h"

namespace peakbench::suite {

// Loads the configuration's dataset, if it names one, for all EP cases of the plan. UserError if it
// is missing, damaged, or does not fit a case: before anything runs.
void attach_dataset(const Config& config, Plan& plan);

// Fills the training curve and the record's final figures. A run that fails, diverges or takes too
// long gives the record its status and reason, and throws nothing: what was measured before it,
// the case's step and the curve so far, stays.
void train_ep_case(const EpPlanned& planned, const EpTraining& training, c10::Device device,
                   const Deadline& deadline, results::EpRow& row);

} // namespace peakbench::suite
