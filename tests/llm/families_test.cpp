// Small random models of every family, in every file form, against transformers in float64
// (golden/make_families.py), and the same comparison with one detail wrong.
#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <functional>

#include "expect_error.h"
#include "family_model.h"
#include "llm/model.h"
#include "llm/rope.h"
#include "support/support.h"

namespace peakbench::llm {
namespace {

using nlohmann::json;
using peakbench::testing::ScratchFolder;
using peakbench::testing::write_file;
using testing::family_gguf;
using testing::FileType;
using testing::GgufChoice;
using testing::golden_families;
using ::testing::HasSubstr;
using testing::user_error;

constexpr double kTolerance = 1e-4;
constexpr double kWrong = 10 * kTolerance;

using Ids = std::vector<std::int32_t>;

double distance(const at::Tensor& logits, const json& expected) {
  const auto values = expected.get<std::vector<double>>();
  return (logits.to(at::kDouble) - at::tensor(values)).abs().max().item<double>();
}

// One path: the first `at_once` tokens as a prompt, the others step by step.
at::Tensor logits_of(const Model& model, KvKind kind, const Ids& ids, std::size_t at_once) {
  const auto store = model.make_kv_store(kind);
  const std::vector<PathId> path{store->create()};
  const std::span<const std::int32_t> all(ids);
  at::Tensor logits = model.prefill(all.first(at_once), *store, path);
  for (std::size_t i = at_once; i < ids.size(); ++i)
    logits = model.step(all.subspan(i, 1), *store, path);
  return logits[0];
}

// The largest distance over the prompts of a family, each computed at once.
double error(const Model& model, const json& family) {
  double worst = 0;
  for (const json& prompt : family["prompts"]) {
    const Ids ids = testing::family_prompt(prompt["length"].get<std::int64_t>());
    worst = std::max(worst,
                     distance(logits_of(model, KvKind::shared, ids, ids.size()), prompt["logits"]));
  }
  return worst;
}
double error(const ModelSource& source, const json& family) {
  return error(Model(source, at::kFloat, at::kCPU), family);
}

Ids greedy(const Model& model, const json& family) {
  const auto store = model.make_kv_store(KvKind::shared);
  const std::vector<PathId> path{store->create()};
  Ids answer;
  at::Tensor logits = model.prefill(
      testing::family_prompt(family["prompts"][0]["length"].get<std::int64_t>()), *store, path);
  while (answer.size() < family["greedy"].size()) {
    answer.push_back(static_cast<std::int32_t>(logits.argmax(1).item<std::int64_t>()));
    logits = model.step(std::span(&answer.back(), 1), *store, path);
  }
  return answer;
}

// A model that is told something else about itself, or has one tensor upside down.
class Mistaken final : public ModelSource {
public:
  Mistaken(const ModelSource& right, const std::function<void(ModelConfig&)>& change,
           std::string turned = "")
      : right_(right), config_(right.config()), turned_(std::move(turned)) {
    change(config_);
  }
  const ModelConfig& config() const override { return config_; }
  bool has(const std::string& name) const override { return right_.has(name); }
  at::Tensor tensor(const std::string& name, at::ScalarType dtype,
                    at::Device device) const override {
    const at::Tensor tensor = right_.tensor(name, dtype, device);
    return name == turned_ ? tensor.flip(0) : tensor;
  }
  std::shared_ptr<const Tokenizer> tokenizer() const override { return right_.tokenizer(); }
  std::int64_t file_bytes() const override { return right_.file_bytes(); }
  std::int64_t parameters() const override { return right_.parameters(); }

private:
  const ModelSource& right_;
  ModelConfig config_;
  std::string turned_;
};

// One test process goes through all families: loading the libraries takes longer than they do.
class Families : public ::testing::Test {
protected:
  struct Family {
    std::string name;
    json described;
    bool is_llama() const { return described["gguf"] == "llama"; } // in a GGUF file
  };
  static std::vector<Family> all(const std::vector<std::string>& names = {}) {
    std::vector<Family> families;
    for (const auto& [name, described] : golden_families()["families"].items())
      if (names.empty() || std::find(names.begin(), names.end(), name) != names.end())
        families.push_back({name, described});
    return families;
  }
  std::unique_ptr<ModelSource> huggingface(const json& described, FileType type = FileType::f32,
                                           std::size_t shards = 1) {
    const std::string name = "folder" + std::to_string(folders_++);
    std::filesystem::create_directory(folder_ / name);
    testing::write_family(folder_ / name, described, type, shards);
    return ModelSource::open((folder_ / name).string());
  }
  std::unique_ptr<ModelSource> gguf(const testing::GgufWriter& writer) {
    write_file(folder_ / "model.gguf", writer.bytes());
    return ModelSource::open((folder_ / "model.gguf").string());
  }
  std::unique_ptr<ModelSource> gguf(const Family& family, FileType type = FileType::f32) {
    return gguf(family_gguf(family.described, {.type = type, .interleave = family.is_llama()}));
  }
  ScratchFolder folder_;
  int folders_ = 0;
};

TEST_F(Families, FolderAtOnceAndStepByStep) {
  for (const Family& family : all()) {
    SCOPED_TRACE(family.name);
    const Model model(*huggingface(family.described), at::kFloat, at::kCPU);
    EXPECT_EQ(greedy(model, family.described), family.described["greedy"].get<Ids>());
    for (const json& prompt : family.described["prompts"]) {
      const Ids ids = testing::family_prompt(prompt["length"].get<std::int64_t>());
      for (const std::size_t at_once : {ids.size(), ids.size() / 2, std::size_t{1}})
        EXPECT_LT(distance(logits_of(model, KvKind::shared, ids, at_once), prompt["logits"]),
                  kTolerance)
            << at_once << " of " << ids.size();
      EXPECT_LT(distance(logits_of(model, KvKind::dense, ids, ids.size() / 2), prompt["logits"]),
                kTolerance);
    }
  }
}

TEST_F(Families, FolderOfHalvesInShards) {
  for (const Family& family : all()) {
    SCOPED_TRACE(family.name);
    EXPECT_LT(error(*huggingface(family.described, FileType::bf16, 3), family.described),
              kTolerance);
    EXPECT_LT(error(*huggingface(family.described, FileType::f16, 2), family.described),
              kTolerance);
  }
}

TEST_F(Families, GgufOfEveryPlainType) {
  for (const Family& family : all())
    for (const FileType type : {FileType::f32, FileType::f16, FileType::bf16, FileType::q8_0}) {
      SCOPED_TRACE(family.name + " " + std::to_string(static_cast<int>(type)));
      const auto source = gguf(family, type);
      EXPECT_EQ(source->parameters(), huggingface(family.described)->parameters());
      const Model model(*source, at::kFloat, at::kCPU);
      EXPECT_LT(error(model, family.described), kTolerance);
      EXPECT_EQ(greedy(model, family.described), family.described["greedy"].get<Ids>());
    }
}

TEST_F(Families, Bfloat16IsNear) {
  for (const Family& family : all()) {
    SCOPED_TRACE(family.name);
    const auto source = huggingface(family.described);
    const double off = error(Model(*source, at::kBFloat16, at::kCPU), family.described);
    EXPECT_LT(off, 1.5); // the logits' standard deviation is 4 to 6
    EXPECT_GT(off, kWrong) << "or it did not compute in bfloat16";
  }
}

struct Detail {
  const char* name;
  bool (*is_there)(const ModelConfig&);
  void (*drop)(ModelConfig&);
};
constexpr Detail kDetails[] = {
    {"epsilon", [](const ModelConfig&) { return true; },
     [](ModelConfig& c) { c.norm_epsilon = c.norm_epsilon > 5e-6 ? 1e-6 : 1e-5; }},
    {"rotary base", [](const ModelConfig&) { return true; },
     [](ModelConfig& c) { c.rope_theta *= 1.01; }},
    {"biases", [](const ModelConfig& c) { return c.qkv_bias; },
     [](ModelConfig& c) { c.qkv_bias = false; }},
    {"norms of q and k", [](const ModelConfig& c) { return c.qk_norm; },
     [](ModelConfig& c) { c.qk_norm = false; }},
    {"head of its own", [](const ModelConfig& c) { return !c.tied_embedding; },
     [](ModelConfig& c) { c.tied_embedding = true; }},
    {"rotary scaling", [](const ModelConfig& c) { return c.rope_scaling.kind != "none"; },
     [](ModelConfig& c) { c.rope_scaling = {}; }},
    {"low frequencies", [](const ModelConfig& c) { return c.rope_scaling.kind == "llama3"; },
     [](ModelConfig& c) { c.rope_scaling.low_frequency_factor = 1.5; }},
    {"original context", [](const ModelConfig& c) { return c.rope_scaling.kind == "llama3"; },
     [](ModelConfig& c) { c.rope_scaling.original_context *= 2; }},
};

TEST_F(Families, EveryDetailIsSeen) {
  for (const Family& family : all()) {
    SCOPED_TRACE(family.name);
    const auto source = huggingface(family.described);
    const ModelConfig& config = source->config();
    EXPECT_EQ(config.qkv_bias, family.name.starts_with("qwen2"));
    EXPECT_EQ(config.qk_norm, family.name.starts_with("qwen3"));
    EXPECT_EQ(config.rope_scaling.kind != "none", family.name.starts_with("llama"));
    const Mistaken nothing(*source, [](ModelConfig&) {});
    EXPECT_LT(error(nothing, family.described), kTolerance);
    for (const Detail& detail : kDetails) {
      if (!detail.is_there(config))
        continue;
      EXPECT_GT(error(Mistaken(*source, detail.drop), family.described), kWrong) << detail.name;
    }
  }
}

TEST_F(Families, GgufDetailsAreSeen) {
  for (const Family& family : all()) {
    SCOPED_TRACE(family.name);
    const json& described = family.described;
    EXPECT_GT(error(*gguf(family_gguf(described, {.interleave = !family.is_llama()})), described),
              kWrong)
        << "rows of q and k in the other order";
    if (!described.contains("rope_factors"))
      continue;
    EXPECT_GT(error(*gguf(family_gguf(described, {.rope_factors = false})), described), kWrong);
  }
}

// Heads that are not as wide as the width says: the configuration must tell.
TEST_F(Families, HeadWidth) {
  for (const Family& family : all({"llama-3.2", "mistral-0.3", "qwen3", "qwen3-untied"})) {
    SCOPED_TRACE(family.name);
    json described = family.described;
    described["config"].erase("head_dim");
    EXPECT_THAT(user_error([&] { huggingface(described); }), HasSubstr("q_proj"));
    const std::string attention = described["gguf"].get<std::string>() + ".attention.";
    testing::GgufWriter writer = family_gguf(family.described, {.rope_factors = false});
    writer.remove(attention + "key_length").remove(attention + "value_length");
    EXPECT_THAT(user_error([&] { gguf(writer); }), HasSubstr("q_proj"));
  }
}

// Inside the window it is full attention; past it every layer forgets, which is another model.
TEST_F(Families, MistralsWindowIsItsContext) {
  const Family family = all({"mistral-0.1"}).front();
  const auto folder = huggingface(family.described);
  EXPECT_EQ(folder->config().context, 128);
  EXPECT_EQ(gguf(family)->config().context, 128);
  const Model model(*folder, at::kFloat, at::kCPU);
  EXPECT_LT(error(model, family.described), kTolerance);
  const json& beyond = family.described["beyond_window"];
  const Ids ids = testing::family_prompt(beyond["length"].get<std::int64_t>());
  EXPECT_GT(distance(logits_of(model, KvKind::shared, ids, ids.size()), beyond["logits"]), kWrong)
      << "or the window need not be the context";
}

TEST_F(Families, ABlockTypeForEveryMatrix) {
  const json& family = golden_families()["mixed"];
  const auto source = gguf(testing::mixed_gguf());
  const Model model(*source, at::kFloat, at::kCPU);
  EXPECT_LT(error(model, family), kTolerance);
  EXPECT_EQ(greedy(model, family), family["greedy"].get<Ids>());
  // Each matrix matters: with its rows in another order the logits are others.
  for (const auto& [name, type] : family["types"].items()) {
    if (type == "F32")
      continue;
    const Mistaken turned(
        *source, [](ModelConfig&) {}, name);
    EXPECT_GT(error(turned, family), kWrong) << name << " of type " << type;
  }
}

// Files by the packages that users' files come from, not by our writers (golden/make_files.py).
TEST_F(Families, FilesWrittenByTheirPackages) {
  const auto written = peakbench::testing::source_folder() / "tests/llm/golden";
  const json expected = json::parse(peakbench::testing::read_file(written / "written.json"));
  const auto compare = [](const ModelSource& source, const json& answers) {
    const Model model(source, at::kFloat, at::kCPU);
    EXPECT_LT(error(model, answers), kTolerance);
    EXPECT_EQ(greedy(model, answers), answers["greedy"].get<Ids>());
  };
  const auto file = ModelSource::open((written / "written.gguf").string());
  compare(*file, expected["gguf"]);
  EXPECT_EQ(file->config().rope_factors.size(), 8U);
  EXPECT_EQ(file->tokenizer()->begin_token(), 280);
  EXPECT_EQ(file->tokenizer()->end_tokens(), (Ids{281, 284})) << "eos and eot";
  const Mistaken plain(*file, [](ModelConfig& c) { c.rope_factors.clear(); });
  EXPECT_GT(error(plain, expected["gguf"]), kWrong);

  std::filesystem::copy(written / "written", folder_ / "written");
  write_file(folder_ / "written/tokenizer.json",
             testing::golden_tokenizers()["qwen2"]["file"].dump());
  const auto folder = ModelSource::open((folder_ / "written").string());
  compare(*folder, expected["folder"]);
  EXPECT_EQ(folder->config().head_width, 12);
  EXPECT_EQ(folder->file_bytes(), 2 * folder->parameters()) << "bfloat16";
  EXPECT_EQ(folder->tokenizer()->end_tokens(), (Ids{280, 282})) << "of generation_config.json";
}

TEST(PublishedFrequencies, OfLlama3) {
  for (const auto& [name, theirs] : golden_families()["frequencies"].items()) {
    ModelConfig config;
    config.head_width = 2 * static_cast<std::int64_t>(theirs.size());
    config.rope_theta = 5e5;
    config.rope_scaling = {"llama3", name == "llama-3.2-1b" ? 32.0 : 8.0, 1, 4, 8192};
    const std::vector<double> ours = Rope(config).frequencies();
    ASSERT_EQ(ours.size(), theirs.size());
    for (std::size_t i = 0; i < ours.size(); ++i)
      EXPECT_NEAR(ours[i] / theirs[i].get<double>(), 1, 1e-6) << name << " pair " << i;
  }
}

} // namespace
} // namespace peakbench::llm
