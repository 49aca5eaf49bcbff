#include "llm/chat_template.h"

#include <array>

namespace peakbench::llm {

namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The Jinja string literal that holds position `at`, its escapes resolved.
std::string literal_around(std::string_view jinja, std::size_t at) {
  const std::size_t open = jinja.find_last_of("'\"", at);
  if (open == std::string_view::npos)
    return "";
  const std::size_t close = jinja.find(jinja[open], at);
  if (close == std::string_view::npos)
    return "";
  std::string text;
  for (std::size_t i = open + 1; i < close; ++i) {
    if (jinja[i] == '\\' && i + 1 < close) {
      const char next = jinja[++i];
      text += next == 'n' ? '\n' : next == 't' ? '\t' : next;
    } else {
      text += jinja[i];
    }
  }
  return text;
}

// The system turn that the template writes when the messages have none: a literal with the whole
// turn in it, as in SmolLM2's and Qwen2.5's.
std::string default_system_turn(std::string_view jinja) {
  constexpr std::string_view start = "<|im_start|>system";
  constexpr std::string_view end = "<|im_end|>";
  for (std::size_t at = jinja.find(start); at != std::string_view::npos;
       at = jinja.find(start, at + 1)) {
    std::string literal = literal_around(jinja, at);
    const std::size_t stop = literal.find(end);
    if (literal.starts_with(start) && stop != std::string::npos) {
      literal.resize(stop);
      return literal + std::string(end) + "\n";
    }
  }
  return "";
}

ChatTemplate chatml(std::string_view jinja, std::string_view begin_text) {
  ChatTemplate chat{contains(jinja, "enable_thinking") ? "qwen3" : "chatml", "", "", false};
  if (contains(jinja, "bos_token"))
    chat.before = begin_text;
  chat.before += default_system_turn(jinja) + "<|im_start|>user\n";
  chat.after = "<|im_end|>\n<|im_start|>assistant\n";
  return chat;
}

ChatTemplate llama3(std::string_view jinja, std::string_view begin_text) {
  const std::string header = "<|start_header_id|>", header_end = "<|end_header_id|>\n\n";
  const std::string end = "<|eot_id|>";
  ChatTemplate chat{"llama-3", std::string(begin_text), "", true};
  // From 3.1 on there is always a system turn. Its date is today's only where the runtime can tell;
  // the template's own fallback keeps prompts the same on every day.
  if (contains(jinja, "Cutting Knowledge Date"))
    chat.before += header + "system" + header_end +
                   "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n" + end;
  chat.before += header + "user" + header_end;
  chat.after = end + header + "assistant" + header_end;
  return chat;
}

// Versions differ in the blanks around [INST] and [/INST], which are inside the template's
// literals.
std::optional<ChatTemplate> instruct(std::string_view jinja, std::string_view begin_text) {
  const std::size_t open = jinja.find("[INST]"), close = jinja.find("[/INST]");
  if (close == std::string_view::npos)
    return std::nullopt;
  const bool llama2 = contains(jinja, "<<SYS>>");
  return ChatTemplate{llama2 ? "llama-2" : "mistral",
                      std::string(begin_text) + literal_around(jinja, open),
                      literal_around(jinja, close), llama2};
}

} // namespace

std::string ChatTemplate::render(std::string_view user_text) const {
  if (trim) {
    constexpr std::string_view blanks = " \t\n\r\v\f";
    const std::size_t first = user_text.find_first_not_of(blanks);
    user_text = first == std::string_view::npos
                    ? std::string_view()
                    : user_text.substr(first, user_text.find_last_not_of(blanks) - first + 1);
  }
  return before + std::string(user_text) + after;
}

std::optional<ChatTemplate> find_chat_template(std::string_view jinja,
                                               std::string_view begin_text) {
  if (contains(jinja, "<|im_start|>"))
    return chatml(jinja, begin_text);
  if (contains(jinja, "<|start_header_id|>"))
    return llama3(jinja, begin_text);
  if (contains(jinja, "[INST]"))
    return instruct(jinja, begin_text);
  return std::nullopt;
}

std::string chat_template_names() { return "chatml, qwen3, llama-3, llama-2, mistral"; }

} // namespace peakbench::llm
