#include "report/eab_plot_parts.h"

#include <fmt/format.h>

#include "report/shown_text.h"

namespace peakbench::report {

namespace {
constexpr std::size_t kPromptWidth = 110;
}

Style style_of_arm(std::string_view arm, std::string_view decode) {
  Style style{.colour = Colour::black, .marker = Marker::plus};
  if (arm == "naive")
    style = {.colour = Colour::dark_grey, .marker = Marker::cross};
  else if (arm == "naive_batched")
    style = {.colour = Colour::orange, .marker = Marker::square};
  else if (arm == "prefill_once")
    style = {.colour = Colour::purple, .marker = Marker::triangle};
  else if (arm == "original")
    style = {.colour = Colour::vermillion, .marker = Marker::diamond};
  else if (arm == "cow")
    style = {.colour = Colour::blue, .marker = Marker::disc};
  style.dash = decode == "batched" ? Dash::solid : Dash::dashed;
  style.width = 2;
  return style;
}

std::string arm_title(std::string_view arm, std::string_view decode) {
  if (arm != "original" && arm != "cow") // these have one way only
    return std::string(arm);
  return fmt::format("{}, {}", arm, decode == "per_path" ? "per path" : decode);
}

std::string setting_line(const results::EabCase& record, std::size_t samples) {
  std::string line = fmt::format(
      "{}; {}, {}; {} {} of at most {} tokens", arm_title(record.arm, record.decode), record.model,
      record.dtype, samples, samples == 1 ? "sample" : "samples", record.max_new_tokens);
  if (record.arm == "cow" || record.arm == "original")
    line += record.schedule.empty()
                ? fmt::format("; branch factor {}, at most {} paths, temperature {:g}",
                              record.branch_factor, record.max_paths, record.temperature)
                : "; branching by schedule " + record.schedule;
  return line;
}

std::string prompt_line(const results::EabCase& record, const std::string& prompt) {
  return prompt.empty() ? "prompt " + record.prompt_id
                        : "“" + cut_to_width(shown_text(prompt), kPromptWidth) + "”";
}

} // namespace peakbench::report
