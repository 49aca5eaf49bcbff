// When a phase ends before its T steps, and the published adaptive rate (Settings::tolerance,
// ::adaptive). The rules of profile compat are those of the MEP project's settling loop.
#pragma once

#include <ATen/core/TensorBody.h>

#include <functional>
#include <limits>
#include <vector>

#include "ep/settings.h"

namespace peakbench::ep {

// compat: before every step the energy is looked at. Five changes in a row below the tolerance end
// the phase. Adaptive: a step that raised the energy is taken back and the rate halved; after any
// other the rate grows by a tenth, up to ten times what it began with. A step taken back counts as
// one of the T, and velocities are not taken back.
class EnergyRule {
public:
  explicit EnergyRule(const Settings& settings);
  bool watches() const { return watches_; }
  enum class Verdict { go_on, taken_back, ended };
  // `states` are put back in place if the step before is; `rate` is changed.
  Verdict look(double energy, std::vector<at::Tensor>& states, double& rate);

private:
  bool watches_, adaptive_;
  double tolerance_;
  double previous_ = std::numeric_limits<double>::quiet_NaN(), first_rate_ = 0;
  int quiet_ = 0; // changes below the tolerance in a row
  std::vector<at::Tensor> accepted_;
};

// clean: a row of the batch stops, in all layers, once a step moves no unit of it further than the
// tolerance.
class RowRule {
public:
  explicit RowRule(const Settings& settings);
  bool watches() const { return tolerance_ > 0; }
  void before(const std::vector<at::Tensor>& states, const std::vector<at::Tensor>& velocities);
  // Puts rows that have stopped back in place, and finds those that stop now.
  void after(std::vector<at::Tensor>& states, std::vector<at::Tensor>& velocities);
  bool all_stopped() const;

private:
  double tolerance_;
  at::Tensor stopped_; // [batch, 1] bool
  std::vector<at::Tensor> states_, velocities_;
};

} // namespace peakbench::ep
