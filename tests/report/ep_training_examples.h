// Cases of training runs with figures chosen by hand.
#pragma once

#include "report/examples.h"

namespace peakbench::report::testing {

inline EpCase trained_case(const std::string& arm, std::int64_t depth, const std::string& init,
                           double accuracy) {
  EpCase row = ep_case(arm, depth, 1e-3, 5000000);
  row.init = init;
  row.dataset = "fashion-mnist";
  row.training_steps = 200;
  row.optimizer = "sgd";
  row.batch = 32;
  row.beta = 0.5;
  row.learning_rate = 0.1;
  row.dtype = "float32";
  row.trained_loss = 2 - accuracy;
  row.test_loss = 2.5 - accuracy;
  row.test_accuracy = accuracy;
  row.cosine_to_backprop = 0.5;
  row.case_id = results::case_id_of(row);
  return row;
}

inline std::vector<results::EpTrainingRow> curve_of_case(const EpCase& row, bool whole = true) {
  std::vector<results::EpTrainingRow> points{{row.case_id, 0, results::kAbsentReal, 2.3, 0.1}};
  points.push_back({row.case_id, 100, 1.5, 1.6, 0.4});
  if (whole)
    points.push_back({row.case_id, 200, row.trained_loss, row.test_loss, row.test_accuracy});
  return points;
}

// Two inits, two depths, three arms; ep_fused at depth 30 of init torch diverged.
inline results::RunData training_run() {
  results::RunData run;
  for (const char* init : {"torch", "orthogonal"})
    for (const std::int64_t depth : {4, 30})
      for (const char* arm : {"backprop", "truncated_backprop", "ep_fused"}) {
        const double base = init[0] == 't' ? 0.5 : 0.8;
        EpCase row = trained_case(arm, depth, init, arm[0] == 'e' ? base - 0.05 : base);
        const bool diverged = arm[0] == 'e' && depth == 30 && init[0] == 't';
        if (diverged) {
          row.status = "diverged";
          row.trained_loss = row.test_loss = row.test_accuracy = results::kAbsentReal;
        }
        for (const results::EpTrainingRow& point : curve_of_case(row, !diverged))
          run.ep_training.push_back(point);
        run.ep.push_back(row);
      }
  return run;
}

} // namespace peakbench::report::testing
