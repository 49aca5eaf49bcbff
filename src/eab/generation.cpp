#include "eab/generation.h"

#include <string>

#include "base/error.h"
#include "eab/decoder.h"
#include "llm/config.h"

namespace peakbench::eab {

namespace {

void check(const llm::Model& model, std::span<const std::int32_t> prompt,
           const Settings& settings) {
  const auto demand = [](bool holds, const std::string& problem, const std::string& suggestion) {
    if (!holds)
      throw UserError(problem, "", suggestion);
  };
  demand(!prompt.empty(), "the prompt has no tokens", "give it a text, or use prompt_format: chat");
  demand(settings.max_new_tokens >= 1, "max_new_tokens is below 1", "use 1 or more");
  demand(settings.max_paths >= 1, "max_paths is below 1", "use 1 or more");
  demand(settings.samples >= 1, "samples is below 1", "use 1 or more");
  demand(settings.temperature > 0, "temperature is not positive",
         "use top_k: 1 for greedy decoding");
  demand(settings.top_k >= 0, "top_k is negative", "use 0 to switch it off");
  demand(settings.top_p > 0 && settings.top_p <= 1, "top_p is not in (0, 1]",
         "use 1 to switch it off");
  demand(allows(settings.arm, settings.decode),
         "arm " + std::string(name_of(settings.arm)) + " cannot decode " +
             std::string(name_of(settings.decode)),
         "use its other decode mode");
  const auto tokens = static_cast<std::int64_t>(prompt.size()) + settings.max_new_tokens;
  demand(tokens <= model.config().context,
         "prompt and max_new_tokens make " + std::to_string(tokens) +
             " tokens, the model's context is " + llm::context_text(model.config()),
         "use a shorter prompt or fewer tokens");
}

} // namespace

JointGeneration generate(const llm::Model& model, const llm::Tokenizer* tokenizer,
                         std::span<const std::int32_t> end_tokens, std::span<const Prompt> prompts,
                         const Settings& settings, const Deadline& deadline) {
  for (const Prompt& prompt : prompts)
    check(model, prompt.tokens, settings);
  if (prompts.empty() || (prompts.size() > 1 && settings.decode != Decode::batched))
    throw UserError("several prompts cannot be decoded path by path", "",
                    "decode one prompt at a time, or batched");
  const Task task{model, end_tokens, prompts, settings, deadline};
  JointGeneration result =
      branches(settings.arm)
          ? generate_branching(task,
                               settings.arm == Arm::cow ? llm::KvKind::shared : llm::KvKind::dense)
          : generate_independent(task);
  if (tokenizer) {
    const Stopwatch clock(result.sampling_seconds);
    for (Trace& trace : result.traces)
      for (Sample& sample : trace.samples)
        sample.text = tokenizer->decode(sample.tokens);
  }
  return result;
}

Generation generate(const llm::Model& model, const llm::Tokenizer* tokenizer,
                    std::span<const std::int32_t> end_tokens, std::span<const std::int32_t> prompt,
                    std::uint64_t key, const Settings& settings, const Deadline& deadline) {
  const Prompt one{prompt, key};
  JointGeneration joint = generate(model, tokenizer, end_tokens, {&one, 1}, settings, deadline);
  return {static_cast<Cost&>(joint), std::move(joint.traces.front())};
}

} // namespace peakbench::eab
