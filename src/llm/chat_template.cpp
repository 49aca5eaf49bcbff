#include "llm/chat_template.h"

namespace peakbench::llm {

namespace {

// By the marks that it writes.
std::string family_of(std::string_view jinja) {
  const auto has = [&](const char* part) { return jinja.find(part) != std::string_view::npos; };
  if (has("<|im_start|>"))
    return has("enable_thinking") ? "qwen3" : "chatml";
  if (has("<|start_header_id|>"))
    return "llama-3";
  if (has("[INST]"))
    return has("<<SYS>>") ? "llama-2" : "mistral";
  return has("<|user|>") && has("eos_token") ? "zephyr" : "other";
}

} // namespace

ChatTemplate::ChatTemplate(const std::string& jinja, std::string begin_text, std::string end_text)
    : family_(family_of(jinja)), begin_text_(std::move(begin_text)),
      end_text_(std::move(end_text)) {
  const std::string probe = "Where is the text?";
  try {
    jinja_ = std::make_shared<const JinjaTemplate>(jinja);
    if (render(probe).find(probe) == std::string::npos)
      problem_ = "it leaves the user's text out";
  } catch (const JinjaError& error) {
    problem_ = error.what();
  }
}

// As transformers does it. strftime_now is left undefined: templates that ask for it have a date of
// their own, and a prompt must be the same on every day.
std::string ChatTemplate::render(std::string_view user_text) const {
  const JinjaValue message = {{"role", "user"}, {"content", user_text}};
  std::map<std::string, JinjaValue> variables{{"messages", JinjaValue::array({message})},
                                              {"tools", nullptr},
                                              {"documents", nullptr},
                                              {"add_generation_prompt", true}};
  if (!begin_text_.empty())
    variables["bos_token"] = begin_text_;
  if (!end_text_.empty())
    variables["eos_token"] = end_text_;
  return jinja_->render(std::move(variables));
}

} // namespace peakbench::llm
