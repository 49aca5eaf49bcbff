// Pictures of EP, from measured rows and traces only.
#pragma once

#include <functional>
#include <vector>

#include "report/eab_plots.h"
#include "results/store.h"

namespace peakbench::report {

// What a case left beside its row; an empty one where there is nothing.
using LoadEpTrace = std::function<results::EpTrace(const results::EpCase&)>;

// All of the below.
std::vector<NamedPlot> ep_plots(const std::vector<results::EpCase>& cases,
                                const std::vector<results::EpTrainingRow>& training,
                                const LoadEpTrace& load);

// Memory beyond the weights, time of a step and reach versus depth, of each setting with two depths
// or more.
std::vector<NamedPlot> ep_depth_plots(const std::vector<results::EpCase>& cases);
// Test accuracy versus depth, inits side by side.
std::vector<NamedPlot> ep_accuracy_plots(const std::vector<results::EpCase>& cases);
// Test accuracy versus training step, depths side by side.
std::vector<NamedPlot> ep_training_plots(const std::vector<results::EpCase>& cases,
                                         const std::vector<results::EpTrainingRow>& training);
// Of the initial weights, at one depth of each setting: energy versus settling step, gradient norm
// and cosine to back-propagation versus layer.
std::vector<NamedPlot> ep_layer_plots(const std::vector<results::EpCase>& cases,
                                      const LoadEpTrace& load);

} // namespace peakbench::report
