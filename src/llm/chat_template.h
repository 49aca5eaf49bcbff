// Chat templates of the supported families, recognised in the Jinja text of a model file. Only what
// a single user turn renders to is kept; no Jinja is run.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace peakbench::llm {

struct ChatTemplate {
  std::string family;        // chatml | qwen3 | llama-3 | llama-2 | mistral
  std::string before, after; // around the user's text
  bool trim = false;         // the template strips blanks around it
  std::string render(std::string_view user_text) const;
};

// `begin_text` is the file's bos_token. Empty if the text is empty or of no supported family.
std::optional<ChatTemplate> find_chat_template(std::string_view jinja, std::string_view begin_text);
std::string chat_template_names();

} // namespace peakbench::llm
