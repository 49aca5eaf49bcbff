// The 1 MB model of the unit tests, and generations with it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "eab/generation.h"
#include "llm/model.h"
#include "llm/model_source.h"
#include "llm/tokenizer.h"

namespace peakbench::eab::testing {

struct LoadedModel {
  std::shared_ptr<const llm::Tokenizer> tokenizer;
  llm::Model model;

  static LoadedModel open(const std::filesystem::path& file, at::ScalarType dtype);
  std::vector<std::int32_t> encode(const std::string& text) const;
  // With the model's own end tokens, unless others are given.
  Generation run(const std::string& prompt, const Settings& settings,
                 std::vector<std::int32_t> end_tokens = {}) const;
};

std::filesystem::path stories_file(const std::filesystem::path& shared);

// Prompts of different lengths and styles.
const std::vector<std::string>& story_prompts();
// A text that makes some 200 tokens with either test model.
std::string long_prompt(const LoadedModel& model, std::size_t tokens);

} // namespace peakbench::eab::testing
