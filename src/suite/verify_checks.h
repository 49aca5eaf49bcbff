// What `peakbench verify` checks, and how it says so.
#pragma once

#include <c10/core/Device.h>

#include <string>
#include <vector>

#include "measure/self_check.h"
#include "report/ep_criteria.h"
#include "results/records.h"

namespace peakbench::suite {

using Checks = std::vector<measure::Check>;

// A negative control: something wrong was put in, and the check must have failed for it.
measure::Check control(const std::string& what, const std::string& goal,
                       const std::string& measured, bool failed);
// A criterion of the report: passed where it is met or explained; what was not measured is not.
measure::Check check_of(const report::Criterion& criterion);

bool all_passed(const Checks& checks);
// One line each: "ok     cpu    NAME: expected ..., measured ...", or FAILED.
std::string checks_text(const std::string& device, const Checks& checks);

// The criteria, each with its controls. Progress goes to the standard error.
Checks check_memory(const std::string& model, c10::Device device);
// `published`: the published gradient stands in for every arm's, which must not pass; nothing else
// is looked at then. For seeing that a failure is seen.
Checks check_ep(c10::Device device, bool published = false);
// `model`: a path or synthetic:NAME.
Checks check_eab(const std::string& model, c10::Device device);

// Parts of check_eab, on what the cases of one prompt and model gave: original and cow, path by
// path and batched, with two seeds.
Checks judge_eab(const std::vector<results::EabRow>& rows);

} // namespace peakbench::suite
