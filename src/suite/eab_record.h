// From generations and trials to the fields of an EAB record.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "eab/generation.h"
#include "llm/tokenizer.h"
#include "measure/trial.h"
#include "results/records.h"

namespace peakbench::suite {

// `runs`: every call of the trial loop, the measured ones last.
void fill_eab_record(results::EabCase& record, std::span<const eab::JointGeneration> runs,
                     const measure::TrialResult& trials);
// Adds one more prompt and its tree.
void add_trace(results::EabTrace& result, const eab::Trace& trace,
               const std::vector<std::int32_t>& prompt);
// Of every token in it; `tokenizer` may be null.
void add_token_texts(results::EabTrace& trace, const llm::Tokenizer* tokenizer);

} // namespace peakbench::suite
