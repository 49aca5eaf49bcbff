#include "ep/training.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "ep/arms.h"
#include "ep/loss.h"
#include "ep/optimizer.h"
#include "ep/random.h"
#include "measure/tag.h"

namespace peakbench::ep {

namespace {

constexpr std::uint32_t kOrderOfRows = 5; // what the numbers are for; 1 to 4 are the network's
constexpr std::int64_t kRowsTestedAtOnce = 500; // bounds the memory of a test

at::Tensor output_of(const Network& network, const at::Tensor& input) {
  const measure::TagScope tag(measure::Tag::activations);
  at::Tensor output = predict(network.layer(0), input);
  for (std::int64_t i = 1; i < network.depth(); ++i)
    output = predict(network.layer(i), output.relu_());
  return output; // [rows, classes]
}

// Which rows a step trains on.
class Batches {
public:
  Batches(const Settings& settings, std::int64_t rows) : settings_(settings), rows_(rows) {}
  std::span<const std::int64_t> next() {
    if (at_ + settings_.batch > static_cast<std::int64_t>(order_.size())) {
      order_ = rows_of_epoch(settings_.seed, epoch_++, rows_);
      at_ = 0;
    }
    const auto batch = std::span<const std::int64_t>(order_).subspan(
        static_cast<std::size_t>(at_), static_cast<std::size_t>(settings_.batch));
    at_ += settings_.batch;
    return batch;
  }

private:
  const Settings& settings_;
  std::int64_t rows_, epoch_ = 0, at_ = 0;
  std::vector<std::int64_t> order_;
};

class TrainingRun {
public:
  TrainingRun(const Settings& settings, const Dataset& dataset, const TrainingPlan& plan,
              at::Device device, const Deadline& deadline)
      : settings_(settings), dataset_(dataset), plan_(plan), device_(device), deadline_(deadline),
        network_(draw_network(settings_, device)), optimizer_(settings_, network_),
        batches_(settings_, dataset.training.rows) {}

  // The loss of the batch before the update.
  double step(std::int64_t number) {
    deadline_.check();
    const Batch batch = batch_of(settings_, dataset_, dataset_.training, batches_.next(), device_);
    const at::Tensor loss = mean_loss(settings_, batch, output_of(network_, batch.input));
    try {
      run_arm({settings_, network_, batch, nullptr, deadline_}, optimizer_);
      require_finite(loss); // after the arm, which can say more
    } catch (const Diverged& error) {
      throw Diverged(fmt::format("{} (training step {} of {})", error.what(), number, plan_.steps));
    }
    return loss.item<double>();
  }

  void test(TrainingPoint& point) {
    double loss = 0;
    std::int64_t right = 0;
    for (std::int64_t first = 0; first < plan_.test_rows; first += kRowsTestedAtOnce) {
      deadline_.check();
      std::vector<std::int64_t> rows(
          static_cast<std::size_t>(std::min(kRowsTestedAtOnce, plan_.test_rows - first)));
      std::iota(rows.begin(), rows.end(), first);
      Settings settings = settings_;
      settings.batch = static_cast<std::int64_t>(rows.size());
      const Batch batch = batch_of(settings, dataset_, dataset_.test, rows, device_);
      const at::Tensor output = output_of(network_, batch.input);
      loss +=
          mean_loss(settings, batch, output).item<double>() * static_cast<double>(settings.batch);
      right += output.argmax(1).eq(batch.labels).sum().item<std::int64_t>();
    }
    point.test_loss = loss / static_cast<double>(plan_.test_rows);
    point.test_accuracy = static_cast<double>(right) / static_cast<double>(plan_.test_rows);
    if (!std::isfinite(point.test_loss))
      throw Diverged(fmt::format("ep: the test loss is {} after training step {} of {} "
                                 "(learning_rate too large?)",
                                 point.test_loss, point.step, plan_.steps));
  }

private:
  Settings settings_;
  const Dataset& dataset_;
  TrainingPlan plan_;
  at::Device device_;
  const Deadline& deadline_;
  Network network_;
  WeightOptimizer optimizer_;
  Batches batches_;
};

} // namespace

void require_fitting(const Settings& settings, const Dataset& dataset, const TrainingPlan& plan) {
  const auto refuse = [&](const std::string& problem, const std::string& why) {
    throw UserError(fmt::format("ep: {} does not fit dataset {}", problem, dataset.name), why, "");
  };
  if (dataset.width != settings.input_width)
    refuse(fmt::format("the network's input of {} values", settings.input_width),
           fmt::format("its images have {} pixels", dataset.width));
  if (settings.batch > dataset.training.rows)
    refuse(fmt::format("a batch of {} rows", settings.batch),
           fmt::format("it has {} rows to train on", dataset.training.rows));
  if (plan.test_rows > dataset.test.rows)
    refuse(fmt::format("a test of {} rows", plan.test_rows),
           fmt::format("it has {} rows to test", dataset.test.rows));
}

// Sorting by random keys; the few equal ones (32 bits each) keep their order.
std::vector<std::int64_t> rows_of_epoch(std::uint64_t seed, std::int64_t epoch, std::int64_t rows) {
  const at::Tensor keys = at::empty({rows}, at::kDouble);
  fill_uniform(keys, 1, {seed, kOrderOfRows, static_cast<std::uint32_t>(epoch)});
  const at::Tensor order = at::argsort(keys, /*stable=*/true, /*dim=*/0, /*descending=*/false);
  const auto* first = order.data_ptr<std::int64_t>();
  return {first, first + rows};
}

void train(const Settings& settings, const Dataset& dataset, const TrainingPlan& plan,
           at::Device device, const Deadline& deadline,
           const std::function<void(const TrainingPoint&)>& point) {
  validate(settings);
  require_fitting(settings, dataset, plan);
  const c10::NoGradGuard no_recording;
  TrainingRun run(settings, dataset, plan, device, deadline);
  TrainingPoint initial;
  run.test(initial);
  point(initial);
  double sum = 0;
  std::int64_t summed = 0;
  for (std::int64_t step = 1; step <= plan.steps; ++step) {
    sum += run.step(step);
    ++summed;
    if (step % plan.evaluate_every != 0 && step != plan.steps)
      continue;
    TrainingPoint now{.step = step, .training_loss = sum / static_cast<double>(summed)};
    run.test(now);
    point(now);
    sum = 0;
    summed = 0;
  }
}

} // namespace peakbench::ep
