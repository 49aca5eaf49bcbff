// Does it learn? A training run of one arm on real data.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>

#include "base/deadline.h"
#include "ep/dataset.h"
#include "ep/settings.h"

namespace peakbench::ep {

struct TrainingPlan {
  std::int64_t steps = 300;
  std::int64_t evaluate_every = 50; // and after the last step
  std::int64_t test_rows = 2000;    // the first ones of the test set
};

// A point of the training curve. Both losses are C / B at the forward pass (loss.h).
struct TrainingPoint {
  std::int64_t step = 0; // training steps done; 0: the initial weights
  // Mean over the steps since the point before, each before its update; NaN at step 0.
  double training_loss = std::numeric_limits<double>::quiet_NaN();
  double test_loss = 0, test_accuracy = 0;
};

// UserError if the dataset does not fit the settings and the plan: image size, rows.
void require_fitting(const Settings& settings, const Dataset& dataset, const TrainingPlan& plan);

// Rows of the training set in the order in which an epoch uses them: a permutation, the same for
// every arm, rank and device.
std::vector<std::int64_t> rows_of_epoch(std::uint64_t seed, std::int64_t epoch, std::int64_t rows);

// Trains a network drawn from the seed, `settings.batch` rows a step, every row once per epoch (a
// last batch that would not be full is left out). `point` gets every point at once, so that what
// was measured before a failure is kept. Throws Diverged (naming the training step, and settling
// step and layer where the arm knows them), TimedOut.
void train(const Settings& settings, const Dataset& dataset, const TrainingPlan& plan,
           at::Device device, const Deadline& deadline,
           const std::function<void(const TrainingPoint&)>& point);

} // namespace peakbench::ep
