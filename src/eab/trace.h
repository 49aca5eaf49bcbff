// The token tree once it is drawn: what can be told from it alone.
#pragma once

#include <cstdint>
#include <vector>

#include "eab/generation.h"

namespace peakbench::eab {

// The tokens from the prompt's end to `leaf`.
std::vector<std::int32_t> tokens_to(const Trace& trace, std::int32_t leaf);

// Renumbers the nodes by position, keeping their order within one: the order in which paths that
// grow together draw them. So sampling one after the other and side by side give equal traces.
void order_by_position(Trace& trace);
// Sorts the samples, highest log-probability first, equals in their order.
void order_by_log_prob(Trace& trace);

// Adds what the trace knows: samples, final paths, emitted tokens; of the tree's tokens those
// that belong to a sample (unique_tree_tokens) and the rest (pruned_tokens).
void count_tokens(const Trace& trace, Counters& counters);

// The most tokens beyond the prompt that are live at once, in the KV cache of any store: tokens
// that are fed to the model and belong to a path that goes on. Told by the tree alone.
std::int64_t peak_live_tokens(const Trace& trace);

} // namespace peakbench::eab
