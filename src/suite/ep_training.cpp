#include "suite/ep_training.h"

#include "base/error.h"
#include "ep/training.h"
#include "suite/outcome.h"

namespace peakbench::suite {

namespace {

ep::TrainingPlan plan_of(const EpTraining& training) {
  return {training.steps, training.evaluate_every, training.test_rows};
}

} // namespace

void attach_dataset(const Config& config, Plan& plan) {
  if (plan.ep.empty() || config.ep->training.dataset.empty())
    return;
  const EpTraining& training = config.ep->training;
  const std::string where = training.dataset == "fashion-mnist"
                                ? training.dataset
                                : resolve(training.dataset, config.path);
  const auto dataset = std::make_shared<const ep::Dataset>(
      ep::load_dataset(where, plan.ep.front().settings.classes));
  for (EpPlanned& one : plan.ep) {
    ep::require_fitting(one.settings, *dataset, plan_of(training));
    one.dataset = dataset;
  }
}

void train_ep_case(const EpPlanned& planned, const EpTraining& training, c10::Device device,
                   const Deadline& deadline, results::EpRow& row) {
  results::EpCase& record = row.record;
  try {
    ep::train(planned.settings, *planned.dataset, plan_of(training), device, deadline,
              [&](const ep::TrainingPoint& point) {
                row.training.push_back({record.case_id, point.step, point.training_loss,
                                        point.test_loss, point.test_accuracy});
              });
    const results::EpTrainingRow& last = row.training.back();
    record.trained_loss = last.training_loss;
    record.test_loss = last.test_loss;
    record.test_accuracy = last.test_accuracy;
  } catch (const Interrupted&) {
    throw;
  } catch (...) {
    const Outcome outcome = outcome_of_current_exception();
    record.status = outcome.status;
    record.reason = "in the training run: " + outcome.reason;
  }
}

} // namespace peakbench::suite
