// Real models against values of another implementation (golden/make_golden.py).
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "llm/model.h"
#include "tests/support/support.h"

namespace peakbench::llm {
namespace {

using nlohmann::json;

json golden(const std::string& name) {
  return json::parse(peakbench::testing::read_file(peakbench::testing::source_folder() /
                                                   "tests/llm/golden" / name));
}

// What a model answers to one golden case.
struct Answer {
  at::Tensor first, last; // logits [vocabulary]
  std::vector<std::int32_t> greedy;
};

Answer answer(const Model& model, const json& expected) {
  const auto ids = expected["ids"].get<std::vector<std::int32_t>>();
  const auto store = model.make_kv_store(KvKind::shared);
  const std::vector<PathId> path{store->create()};
  at::Tensor logits = model.prefill(ids, *store, path);
  Answer answer{logits[0].clone(), {}, {}};
  for (std::size_t i = 0; i < expected["greedy"].size(); ++i) {
    const std::vector<std::int32_t> token{
        static_cast<std::int32_t>(logits.argmax(1).item<std::int64_t>())};
    answer.greedy.push_back(token.front());
    logits = model.step(token, *store, path);
  }
  answer.last = logits[0];
  return answer;
}

double distance(const at::Tensor& logits, const json& top) {
  double worst = 0;
  for (const json& entry : top)
    worst = std::max(worst, std::abs(logits[entry["id"].get<std::int64_t>()].item<double>() -
                                     entry["logit"].get<double>()));
  return worst;
}

void expect_golden(const Model& model, const json& cases, double tolerance) {
  for (const json& expected : cases) {
    const Answer got = answer(model, expected);
    EXPECT_LT(distance(got.first, expected["top"]), tolerance);
    EXPECT_EQ(got.greedy, expected["greedy"].get<std::vector<std::int32_t>>());
    EXPECT_LT(distance(got.last, expected["top_at_end"]), tolerance);
  }
}

// A model file whose configuration or tensors are not what they should be.
class WrongSource final : public ModelSource {
public:
  WrongSource(const ModelSource& right, bool interleave)
      : right_(right), config_(right.config()), interleave_(interleave) {}
  ModelConfig& told() { return config_; }
  const ModelConfig& config() const override { return config_; }
  bool has(const std::string& name) const override { return right_.has(name); }
  at::Tensor tensor(const std::string& name, at::ScalarType dtype,
                    at::Device device) const override {
    const at::Tensor tensor = right_.tensor(name, dtype, device);
    if (!interleave_ ||
        (name.find("q_proj") == std::string::npos && name.find("k_proj") == std::string::npos))
      return tensor;
    // Rows in the order of interleaved pairs, as a GGUF file of a llama has them.
    const std::int64_t width = tensor.size(1);
    return tensor.view({-1, 2, config_.head_width / 2, width}).transpose(1, 2).reshape({-1, width});
  }
  std::shared_ptr<const Tokenizer> tokenizer() const override { return right_.tokenizer(); }
  std::int64_t file_bytes() const override { return right_.file_bytes(); }
  std::int64_t parameters() const override { return right_.parameters(); }

private:
  const ModelSource& right_;
  ModelConfig config_;
  bool interleave_;
};

TEST(ModelGolden, Stories260k) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const auto source =
      ModelSource::open((shared / "data/models/stories260k/stories260K.bin").string());
  const Model model(*source, at::kFloat, at::kCPU);
  const json cases = golden("stories260k.json");
  expect_golden(model, cases, 1e-3);
  const std::string text =
      source->tokenizer()->decode(cases[0]["greedy"].get<std::vector<std::int32_t>>());
  EXPECT_NE(text.find("Once upon a time"), std::string::npos) << text;
}

TEST(ModelGolden, WrongModelsAreSeen) {
  PEAKBENCH_NEEDS_SHARED(shared);
  const auto source =
      ModelSource::open((shared / "data/models/stories260k/stories260K.bin").string());
  const json expected = golden("stories260k.json")[1];
  const auto error = [&](const WrongSource& wrong) {
    return distance(answer(Model(wrong, at::kFloat, at::kCPU), expected).first, expected["top"]);
  };
  EXPECT_LT(error(WrongSource(*source, false)), 1e-3) << "nothing changed yet";
  EXPECT_GT(error(WrongSource(*source, true)), 0.1) << "pairs of the other order";
  WrongSource wrong_theta(*source, false);
  wrong_theta.told().rope_theta = 500000;
  EXPECT_GT(error(wrong_theta), 0.1);
  WrongSource wrong_epsilon(*source, false);
  wrong_epsilon.told().norm_epsilon = 0.1;
  EXPECT_GT(error(wrong_epsilon), 0.01);
}

TEST(ModelGolden, SmolLM2) {
  PEAKBENCH_NEEDS_SMOLLM2(path);
  const auto source = ModelSource::open(path.string());
  const json cases = golden("smollm2.json");
  expect_golden(Model(*source, at::kFloat, at::kCPU), cases, 1e-3);
  EXPECT_EQ(source->tokenizer()->decode(
                std::vector<std::int32_t>{7042, 30, 198, 198, 504, 2988, 314, 42, 216}),
            " Paris.\n\nThe answer is: ");
}

TEST(ModelGolden, SmolLM2InBfloat16) {
  PEAKBENCH_NEEDS_SMOLLM2(path);
  const auto source = ModelSource::open(path.string());
  const json expected = golden("smollm2.json")[0];
  const Model model(*source, at::kBFloat16, at::kCPU);
  const Answer got = answer(model, expected);
  EXPECT_LT(distance(got.first, expected["top"]), 0.3);
  EXPECT_GT(distance(got.first, expected["top"]), 1e-4) << "or it did not compute in bfloat16";
  EXPECT_EQ(got.greedy.front(), expected["greedy"][0].get<std::int32_t>());
}

} // namespace
} // namespace peakbench::llm
