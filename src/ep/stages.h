// The parts of a training step that an onlooker can tell apart. Arms announce them; without an
// onlooker that is one comparison.
#pragma once

#include <string_view>

namespace peakbench::ep {

enum class Stage {
  settling, // one phase, from its forward pass on
  energy,   // building the energy (inside of settling or contrast), for arms that need its graph
  contrast, // the weights' gradients from the settled states, or by back-propagation
};
inline constexpr std::string_view kStageNames[] = {"settling", "energy", "contrast"};

// Stages nest and end in reverse order.
class StageWatch {
public:
  virtual ~StageWatch() = default;
  virtual void begin(Stage stage) = 0;
  virtual void end(Stage stage) = 0;
};

class StageScope {
public:
  StageScope(StageWatch* watch, Stage stage) : watch_(watch), stage_(stage) {
    if (watch_)
      watch_->begin(stage_);
  }
  ~StageScope() {
    if (watch_)
      watch_->end(stage_);
  }
  StageScope(const StageScope&) = delete;
  StageScope& operator=(const StageScope&) = delete;

private:
  StageWatch* watch_;
  Stage stage_;
};

} // namespace peakbench::ep
