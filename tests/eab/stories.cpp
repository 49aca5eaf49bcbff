#include "eab/stories.h"

#include <ATen/Parallel.h>

#include "base/hash.h"

namespace peakbench::eab::testing {

LoadedModel LoadedModel::open(const std::filesystem::path& file, at::ScalarType dtype) {
  // Threads cost more than they gain on a model this small, most of all where tests run side by
  // side.
  at::set_num_threads(1);
  const std::unique_ptr<llm::ModelSource> source = llm::ModelSource::open(file.string());
  return {source->tokenizer(), llm::Model(*source, dtype, at::kCPU)};
}

std::vector<std::int32_t> LoadedModel::encode(const std::string& text) const {
  return tokenizer->encode_prompt(text, llm::PromptFormat::raw);
}

Generation LoadedModel::run(const std::string& prompt, const Settings& settings,
                            std::vector<std::int32_t> end_tokens) const {
  if (end_tokens.empty())
    end_tokens = tokenizer->end_tokens();
  return generate(model, tokenizer.get(), end_tokens, encode(prompt), hash64(prompt), settings,
                  Deadline());
}

std::filesystem::path stories_file(const std::filesystem::path& shared) {
  return shared / "data" / "models" / "stories260k" / "stories260K.bin";
}

const std::vector<std::string>& story_prompts() {
  static const std::vector<std::string> prompts = {
      "Once upon a time",
      "Lily wanted to go to the park with her dog. She",
      "The big red ball rolled down the hill and",
      "\"Can I have a cookie?\" asked Tim. His mom said,",
      "It was a rainy day. Ben and Mia stayed at home. They made a boat from paper. The boat was "
      "blue",
  };
  return prompts;
}

std::string long_prompt(const LoadedModel& model, std::size_t tokens) {
  const std::string sentences[] = {"One day a little girl went to the lake with her brother. ",
                                   "They saw a duck and gave it some bread. ",
                                   "The duck was happy and swam to its nest. ",
                                   "Then the sun went down, and it was time to go home. "};
  std::string text;
  for (std::size_t i = 0; model.encode(text).size() < tokens; ++i)
    text += sentences[i % 4];
  return text;
}

} // namespace peakbench::eab::testing
