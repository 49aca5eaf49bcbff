#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <span>

#include "ep/analysis.h"
#include "ep/arms.h"
#include "ep/optimizer.h"
#include "measure/memory.h"

namespace peakbench::ep {

namespace {

constexpr int kProfiledSteps = 3; // after one to warm up; the median counts

enum Part { kSettling, kEnergy, kContrast, kUpdate, kStep, kParts };
constexpr const char* kPartNames[] = {"settling", "energy", "contrast", "update", "step"};

using Clock = std::chrono::steady_clock;

// Books time and memory to the part that is entered last.
class Profiler : public StageWatch {
public:
  // What is live now is the base.
  explicit Profiler(measure::DeviceMemory& memory) : memory_(memory), base_(memory.live().total) {
    for (std::size_t i = 0; i < kParts; ++i)
      parts_[i].name = kPartNames[i];
  }
  void begin(Stage stage) override { enter(static_cast<Part>(stage)); }
  void end(Stage) override { leave(); }

  void enter(Part part) {
    memory_.synchronize();
    open_.push_back({part, std::make_unique<measure::MemoryScope>(memory_), Clock::now(), 0});
  }
  void leave(bool did_something = true) {
    memory_.synchronize();
    const Open& now = open_.back();
    const double seconds = std::chrono::duration<double>(Clock::now() - now.start).count();
    const measure::MemoryReading reading = now.memory->read();
    Component& part = parts_[now.part];
    const std::int64_t held = reading.start.total - base_;
    if (part.evaluations == 0 || held + reading.peak_bytes > part.peak_bytes) {
      part.held_bytes = held;
      part.peak_bytes = held + reading.peak_bytes;
    }
    part.evaluations += did_something ? 1 : 0;
    part.seconds += now.part == kStep ? seconds : seconds - now.inside_seconds;
    open_.pop_back();
    if (!open_.empty())
      open_.back().inside_seconds += seconds;
  }
  const std::array<Component, kParts>& parts() const { return parts_; }

private:
  struct Open {
    Part part;
    std::unique_ptr<measure::MemoryScope> memory;
    Clock::time_point start;
    double inside_seconds; // of the parts entered from here
  };
  measure::DeviceMemory& memory_;
  std::int64_t base_;
  std::array<Component, kParts> parts_;
  std::vector<Open> open_;
};

class ProfiledSink : public GradientSink {
public:
  ProfiledSink(Profiler& profiler, GradientSink& inner) : profiler_(profiler), inner_(inner) {}
  void accept(std::int64_t layer, const at::Tensor& weight, const at::Tensor& bias) override {
    profiler_.enter(kUpdate);
    inner_.accept(layer, weight, bias);
    profiler_.leave();
  }
  bool accept_factors(std::span<const FactoredGradient> gradients) override {
    profiler_.enter(kUpdate);
    const bool taken = inner_.accept_factors(gradients);
    profiler_.leave(taken);
    return taken;
  }
  // What a kernel updates itself is within its own time; this is what goes before and after it.
  std::optional<WeightUpdate> begin_update(std::int64_t first) override {
    profiler_.enter(kUpdate);
    std::optional<WeightUpdate> update = inner_.begin_update(first);
    profiler_.leave(update.has_value());
    return update;
  }
  void finish_update(std::span<const std::int64_t> layers) override {
    profiler_.enter(kUpdate);
    inner_.finish_update(layers);
    profiler_.leave(false);
  }

private:
  Profiler& profiler_;
  GradientSink& inner_;
};

} // namespace

std::vector<Component> profile_components(const Settings& settings, c10::Device device,
                                          const Deadline& deadline) {
  validate(settings);
  const c10::NoGradGuard no_recording;
  measure::DeviceMemory& memory = measure::DeviceMemory::of(device);
  const Network network = draw_network(settings, device);
  const Batch batch = draw_batch(settings, device);
  const std::int64_t before = memory.live().total;
  std::vector<std::array<Component, kParts>> steps;
  for (int i = 0; i <= kProfiledSteps; ++i) {
    WeightOptimizer optimizer(settings, network); // the first step's momentum is part of its cost
    Profiler profiler(memory);
    ProfiledSink sink(profiler, optimizer);
    profiler.enter(kStep);
    run_arm({settings, network, batch, nullptr, deadline, &profiler}, sink);
    profiler.leave();
    if (i > 0)
      steps.push_back(profiler.parts());
    for (std::int64_t layer = 0; layer < settings.depth; ++layer)
      draw_layer(settings, layer, network.layer(layer));
  }
  TORCH_INTERNAL_ASSERT(memory.live().total == before, "a training step left tensors behind");
  std::ranges::sort(steps, {}, [](const auto& parts) { return parts[kStep].seconds; });
  std::vector<Component> result;
  for (const Component& part : steps[kProfiledSteps / 2])
    if (part.evaluations > 0)
      result.push_back(part);
  return result;
}

} // namespace peakbench::ep
