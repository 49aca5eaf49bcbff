#include "suite/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "suite/product.h"
#include "suite/selection.h"
#include "support/support.h"

namespace peakbench::suite {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

Plan plan_of(const std::string& yaml, const std::vector<std::string>& overrides = {}) {
  return make_plan(parse_config(yaml, "c.yaml", overrides));
}

// A model that needs no file.
constexpr const char* kSynthetic = R"(
eab:
  model: synthetic:smollm2-135m
  dtype: [float32, bfloat16]
  prompts: {generate: {tokens: [5, 9], count: 2}}
  prompt_format: raw
  max_new_tokens: 4
  branching: {schedule: [3, 2]}
)";

TEST(Product, VisitsEveryPointOnceLastAxisFastest) {
  std::vector<std::vector<std::size_t>> points;
  for_each_point({2, 1, 3}, [&](const auto& at) { points.push_back(at); });
  using P = std::vector<std::size_t>;
  EXPECT_THAT(points,
              ElementsAre(P{0, 0, 0}, P{0, 0, 1}, P{0, 0, 2}, P{1, 0, 0}, P{1, 0, 1}, P{1, 0, 2}));
  int visits = 0;
  for_each_point({2, 0}, [&](const auto&) { ++visits; });
  EXPECT_EQ(visits, 0);
}

TEST(Plan, EpIsTheProductOfItsAxes) {
  const Plan plan =
      plan_of("seed: [1, 2]\nep: {arms: [backprop, ep_fused], depths: [2, 3, 5], width: [4, 8]}");
  EXPECT_EQ(plan.ep.size(), 2u * 2 * 3 * 2);
  std::set<std::string> ids;
  for (const PlannedCase& one : plan.cases)
    ids.insert(one.id);
  EXPECT_EQ(ids.size(), plan.cases.size());
  EXPECT_EQ(plan.ep[0].record.arm, "backprop");
  EXPECT_EQ(plan.ep[1].record.arm, "ep_fused");
  EXPECT_EQ(plan.ep[2].settings.depth, 3);
}

TEST(Plan, RecordsAndSettingsSayTheSame) {
  const Plan plan = plan_of(
      "ep: {arms: ep_fused, depths: 7, width: 16, batch: 3, steps: 9, rate: 0.2, momentum: 0.4, "
      "beta: 0.3, "
      "learning_rate: 0.1, loss: mse, init: he, optimizer: sgd, profile: compat, dtype: float64}");
  const ep::Settings& settings = plan.ep.at(0).settings;
  const results::EpCase& record = plan.ep.at(0).record;
  EXPECT_EQ(settings.arm, ep::Arm::ep_fused);
  EXPECT_EQ(settings.depth, 7);
  EXPECT_EQ(settings.width, record.width);
  EXPECT_EQ(settings.batch, record.batch);
  EXPECT_EQ(settings.steps, 9);
  EXPECT_DOUBLE_EQ(settings.rate, 0.2);
  EXPECT_DOUBLE_EQ(settings.momentum, record.momentum);
  EXPECT_DOUBLE_EQ(settings.beta, 0.3);
  EXPECT_DOUBLE_EQ(settings.learning_rate, 0.1);
  EXPECT_EQ(settings.loss, ep::Loss::mse);
  EXPECT_EQ(settings.init, ep::Init::he);
  EXPECT_EQ(settings.optimizer, ep::Optimizer::sgd);
  EXPECT_EQ(settings.profile, ep::Profile::compat);
  EXPECT_EQ(settings.dtype, at::kDouble);
  EXPECT_EQ(record.profile, "compat");
  EXPECT_EQ(record.case_id, plan.cases.at(0).id);
  EXPECT_TRUE(record.status.empty());
}

// Results of older runs must stay recognisable: this id may change only with the schema version.
TEST(Plan, IdsAreStable) {
  EXPECT_EQ(plan_of("ep: {arms: ep_fused, depths: 10}").cases.at(0).id, "0163c8acd1feac62");
  EXPECT_EQ(plan_of(kSynthetic, {"eab.arms=cow", "eab.decode=batched", "eab.dtype=float32"})
                .cases.at(0)
                .id,
            "854fae982adfab02");
}

TEST(Plan, LabelsTellWhatCasesDifferIn) {
  const Plan one = plan_of("ep: {arms: ep_fused, depths: [10, 20]}");
  EXPECT_EQ(one.label(one.cases.at(1)), "ep ep_fused depth 20");
  const Plan more =
      plan_of("ep: {arms: ep_fused, depths: 10, init: [torch, residual], beta: [0.5, 1]}");
  EXPECT_EQ(more.label(more.cases.at(3)), "ep ep_fused depth 10, beta 1, init residual");
}

TEST(Plan, HashDependsOnCasesAndRepeatsOnly) {
  const std::string yaml = "ep: {arms: ep_fused, depths: [10, 20]}";
  const std::string hash = plan_of(yaml).hash;
  EXPECT_EQ(plan_of(yaml, {"name=other", "case_time_limit_seconds=5", "cluster.threads=1"}).hash,
            hash);
  EXPECT_NE(plan_of(yaml, {"ep.depths=[10, 21]"}).hash, hash);
  EXPECT_NE(plan_of(yaml, {"repeats.min=2"}).hash, hash);
  EXPECT_NE(plan_of(yaml, {"seed=7"}).hash, hash);
}

TEST(Plan, LeavesOutDecodeModesThatAnArmDoesNotHave) {
  const Plan plan = plan_of(kSynthetic);
  // naive, naive_batched, prefill_once once each, original and cow twice: 7; x 2 types x 4 prompts.
  EXPECT_EQ(plan.eab.size(), 7u * 2 * 4);
  for (const EabPlanned& one : plan.eab)
    EXPECT_TRUE(eab::allows(one.settings.arm, one.settings.decode))
        << one.record.arm << one.record.decode;
  EXPECT_THAT(
      [] {
        plan_of(kSynthetic, {"eab.arms=naive", "eab.decode=batched"});
      },
      ThrowsMessage<UserError>(HasSubstr("no case is left")));
}

TEST(Plan, PromptsAreDecodedTogetherInTheirOrder) {
  const Plan plan =
      plan_of(kSynthetic, {"eab.arms=[naive, cow]", "eab.dtype=float32",
                           "eab.decode=[per_path, batched]", "eab.prompts_per_step=[1, 3]"});
  std::vector<std::string> together;
  for (const EabPlanned& one : plan.eab) {
    EXPECT_EQ(one.record.prompts_per_step == 1 ? 1U : one.prompts.size(), one.prompts.size());
    if (one.record.prompts_per_step == 1)
      continue;
    EXPECT_EQ(one.record.arm, "cow") << "naive decodes path by path";
    EXPECT_EQ(one.record.decode, "batched");
    together.push_back(fmt::format("{} {}", one.prompts.size(), one.record.prompt_id));
  }
  ASSERT_EQ(together.size(), 2U) << "four prompts, three and one";
  EXPECT_THAT(together[0], ::testing::StartsWith("3 "));
  EXPECT_EQ(std::count(together[0].begin(), together[0].end(), '+'), 2);
  EXPECT_THAT(together[1], ::testing::StartsWith("1 "));
  EXPECT_EQ(plan.eab.size(), 4U * 3 + 2) << "naive, cow, cow; and the two groups";
}

TEST(Plan, SyntheticModelsAreMarkedAndBranchBySchedule) {
  const Plan plan = plan_of(kSynthetic);
  for (const EabPlanned& one : plan.eab) {
    EXPECT_EQ(one.record.weights, "random");
    EXPECT_EQ(one.record.schedule, "3,2");
    EXPECT_THAT(one.settings.schedule, ElementsAre(3, 2));
  }
  EXPECT_THAT([] { plan_of(kSynthetic, {"eab.branching=null"}); },
              ThrowsMessage<UserError>(HasSubstr("needs `eab.branching.schedule`")));
  EXPECT_THAT([] { plan_of(kSynthetic, {"eab.prompts={text: [hello]}"}); },
              ThrowsMessage<UserError>(HasSubstr("a synthetic model has no tokenizer")));
}

TEST(Plan, ARealModelNeedsNoSchedule) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const std::string model = (shared / "data/models/stories260k/stories260K.bin").string();
  const std::vector<std::string> text{
      "eab.model=" + model, "eab.prompts={text: [Once upon a time]}", "eab.branching=null"};
  const Plan plan = plan_of(kSynthetic, text);
  EXPECT_EQ(plan.eab.at(0).record.weights, "file");
  EXPECT_EQ(plan.eab.at(0).record.schedule, "");
  EXPECT_GT(plan.encoded.at(0).tokens.size(), 3u);
  EXPECT_THAT(
      [&] {
        plan_of(kSynthetic, {text[0], text[1]});
      },
      ThrowsMessage<UserError>(HasSubstr("has no use here")));
}

TEST(Plan, AMissingModelIsNamed) {
  EXPECT_THAT([] { plan_of("eab: {model: nowhere.gguf, prompts: {text: [a]}}"); },
              ThrowsMessage<UserError>(HasSubstr("nowhere.gguf")));
}

TEST(Plan, EncodesEachPromptOncePerModel) {
  const Plan plan = plan_of(kSynthetic);
  EXPECT_EQ(plan.encoded.size(), 4u);
  EXPECT_EQ(plan.encoded[0].tokens.size(), 5u);
  EXPECT_EQ(plan.encoded[3].tokens.size(), 9u);
}

TEST(Plan, JsonHasTheVariablesAndNothingMeasured) {
  const auto json = nlohmann::json::parse(plan_of("ep: {arms: ep_fused, depths: [10, 20]}").json());
  ASSERT_EQ(json["ep"].size(), 2u);
  EXPECT_EQ(json["ep"][1]["depth"], 20);
  EXPECT_EQ(json["ep"][1]["arm"], "ep_fused");
  EXPECT_FALSE(json["ep"][1].contains("peak_bytes"));
  EXPECT_FALSE(json["ep"][1].contains("status"));
}

TEST(PlanCost, GrowsWithTheWork) {
  const Plan plan = plan_of("ep: {arms: [ep_fused, ep_autograd], depths: [10, 1000]}");
  const auto cost = [&](std::size_t i) { return plan.cases.at(i).cost_seconds; };
  EXPECT_GT(cost(0), 0);
  EXPECT_GT(cost(1), cost(0));
  EXPECT_GT(cost(2), cost(0));
  EXPECT_GT(cost(3), cost(1));
}

TEST(PlanCost, CasesOfOnePromptAreOneGroup) {
  const Plan plan = plan_of(kSynthetic, {"ep.arms=backprop", "ep.depths=2"});
  std::set<std::string> groups;
  for (const PlannedCase& one : plan.cases)
    if (one.kind == Kind::eab)
      groups.insert(one.group);
  EXPECT_EQ(groups.size(), 2u * 4);
  EXPECT_EQ(plan.cases.back().group, "");
}

TEST(Selection, LeavesOutWhatIsFinished) {
  const Plan plan = plan_of("ep: {arms: ep_fused, depths: [2, 3, 4]}");
  const std::vector<std::pair<std::string, std::string>> finished{{plan.cases[0].id, "ok"},
                                                                  {plan.cases[1].id, "timed_out"}};
  EXPECT_THAT(select_cases(plan, "", {}, false), ElementsAre(0, 1, 2));
  EXPECT_THAT(select_cases(plan, "", finished, false), ElementsAre(2));
  EXPECT_THAT(select_cases(plan, "", finished, true), ElementsAre(1, 2));
}

TEST(Selection, TakesOneKindOnly) {
  const Plan plan = plan_of(kSynthetic, {"ep.arms=backprop", "ep.depths=2"});
  EXPECT_EQ(select_cases(plan, "eab", {}, false).size(), plan.eab.size());
  EXPECT_THAT(select_cases(plan, "ep", {}, false), ElementsAre(plan.eab.size()));
}

TEST(Selection, RunsFirstWhatOthersReuse) {
  const Plan plan = plan_of(kSynthetic);
  const auto selected = select_cases(plan, "", {}, false);
  std::vector<std::size_t> seen;
  for (std::size_t rank = 0; rank < 2; ++rank) {
    std::vector<std::size_t> mine;
    for (std::size_t i = 0; i < selected.size(); ++i)
      if ((i % 3 == 0) == (rank == 1))
        mine.push_back(selected[i]);
    mine = in_running_order(plan, mine);
    seen.insert(seen.end(), mine.begin(), mine.end());
    for (std::size_t i = 1; i < mine.size(); ++i) {
      const EabPlanned &before = plan.eab[mine[i - 1]], &after = plan.eab[mine[i]];
      EXPECT_LE(before.dtype == at::kBFloat16, after.dtype == at::kBFloat16)
          << "types are not mixed";
      const bool same_group = before.dtype == after.dtype && before.prompts == after.prompts;
      EXPECT_FALSE(same_group && !eab::branches(before.settings.arm) &&
                   eab::branches(after.settings.arm));
    }
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, selected);
}

TEST(Selection, PartsAreThePlanWhateverIsDoneAlready) {
  const Plan plan = plan_of(kSynthetic);
  const auto all = select_cases(plan, "", {}, false);
  const std::vector<std::size_t> rest(all.begin() + 5, all.end());
  std::vector<std::size_t> together;
  for (int number = 1; number <= 3; ++number) {
    const auto part = part_of_plan(plan, all, number, 3);
    EXPECT_FALSE(part.empty());
    together.insert(together.end(), part.begin(), part.end());
    for (const std::size_t index : part_of_plan(plan, rest, number, 3))
      EXPECT_EQ(std::count(part.begin(), part.end(), index), 1) << "a case changes its part";
  }
  std::sort(together.begin(), together.end());
  EXPECT_EQ(together, all);
}

} // namespace
} // namespace peakbench::suite
