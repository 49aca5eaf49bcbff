// The chat template of a model file, run on one user turn with the generation prompt.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "llm/jinja.h"

namespace peakbench::llm {

class ChatTemplate {
public:
  // `jinja`: the file's template; `begin_text`, `end_text`: what it calls bos_token and eos_token.
  // It is tried out here: what is not supported is kept for `problem`.
  ChatTemplate(const std::string& jinja, std::string begin_text, std::string end_text);

  // chatml | qwen3 | llama-3 | llama-2 | mistral | zephyr | other
  const std::string& family() const { return family_; }
  // Why there is nothing to render: empty if there is.
  const std::string& problem() const { return problem_; }
  // What the model is given; encode it with special tokens and without another begin token.
  std::string render(std::string_view user_text) const;

private:
  std::string family_, begin_text_, end_text_, problem_;
  std::shared_ptr<const JinjaTemplate> jinja_;
};

} // namespace peakbench::llm
