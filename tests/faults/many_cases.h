// A plan of many tiny cases, so that writing is most of the work; and launches of it.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "checker.h"
#include "launcher.h"
#include "results/spool.h"
#include "results/store.h"
#include "support/processes.h"
#include "support/support.h"

namespace peakbench::testing {

class ManyCases : public ::testing::Test {
protected:
  static constexpr std::size_t kAll = 60;
  ManyCases() {
    write_file(scratch_ / "c.yaml", R"(
name: many
repeats: {warm_up: 0, min: 2, max: 2}
seed: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
device: cpu
cluster: {threads: 1}
ep: {arms: [backprop, ep_analytic, ep_fused], depths: [2, 3], width: 8, batch: 2, steps: 4}
)");
  }
  std::string file(const std::string& name) const { return (scratch_ / name).string(); }
  std::vector<std::string> run(const std::string& out, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"run", file("c.yaml"), "--out", file(out)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  // Of a launch whose second rank can be held: rank 0 does its own half of the plan meanwhile.
  std::vector<std::string> in_halves(const std::string& out) const {
    return run(out, {"--set", "cluster.share=static"});
  }
  static std::string identity_of(const results::RunData& data) {
    return data.info.plan_hash + " " + data.info.created;
  }
  ScratchFolder scratch_;
};

} // namespace peakbench::testing
