#include "suite/prompts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/error.h"
#include "base/hash.h"
#include "suite/prompt_file.h"

namespace peakbench::suite {

namespace {

// Generated prompts are made of these, in an order that depends on the prompt's number.
constexpr std::array<std::string_view, 12> kSentences{
    "The ferry left the harbour an hour before the fog came in.",
    "Nobody at the workshop could say who had ordered the second clock.",
    "A narrow path leads from the orchard down to the old mill.",
    "She measured the table twice and still cut the cloth too short.",
    "Most of the letters in the archive were written during one winter.",
    "When the pump stopped, the whole village heard the silence.",
    "The engineer drew three bridges and built the plainest of them.",
    "Two of the five lamps in the corridor had never worked.",
    "He kept the seeds in a tin box under the kitchen window.",
    "Every evening the baker counts the loaves that were not sold.",
    "The map shows a lake where today there is only gravel.",
    "After the concert the violinist walked home along the canal."};

std::string generated_text(std::int64_t number, std::size_t characters, std::string_view last) {
  std::string text = fmt::format("Note {}. ", number);
  for (auto i = static_cast<std::size_t>(number); text.size() < characters; ++i) {
    text += kSentences[(i * 5 + i / kSentences.size()) % kSentences.size()];
    text += ' ';
  }
  return text.append(last);
}

} // namespace

std::vector<Prompt> read_prompts(const PromptSource& source, const std::string& config_path) {
  if (!source.file.empty())
    return read_prompt_file(resolve(source.file, config_path));
  std::vector<Prompt> prompts;
  for (const std::string& text : source.texts) {
    const std::string id = fmt::format("text-{}", prompts.size() + 1);
    prompts.push_back({id, text, "", hash_hex(text)});
  }
  for (const std::int64_t tokens : source.generate_tokens)
    for (std::int64_t i = 1; i <= source.generate_count; ++i) {
      const std::string id = fmt::format("generated-{}-{}", tokens, i);
      Prompt prompt{id, "", "", hash_hex("sentences 1 " + id)};
      prompt.generated_tokens = tokens;
      prompt.number = i;
      prompts.push_back(std::move(prompt));
    }
  return prompts;
}

namespace {

std::vector<std::int32_t> hashed_tokens(const Prompt& prompt, std::int64_t vocabulary) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < prompt.generated_tokens; ++i)
    ids.push_back(static_cast<std::int32_t>(hash64(fmt::format("{}/{}", prompt.hash, i)) %
                                            static_cast<std::uint64_t>(vocabulary)));
  return ids;
}

// The ids of a text that is long enough, with its middle cut out: what the template puts after the
// text must stay, and shows as what two different endings have in common.
std::vector<std::int32_t> cut_to_length(const Prompt& prompt, const llm::Tokenizer& tokenizer,
                                        llm::PromptFormat format) {
  const auto wanted = static_cast<std::size_t>(prompt.generated_tokens);
  std::vector<std::int32_t> ids, other;
  for (std::size_t characters = 4 * wanted; ids.size() < wanted; characters *= 2) {
    ids = tokenizer.encode_prompt(generated_text(prompt.number, characters, "Why?"), format);
    other =
        tokenizer.encode_prompt(generated_text(prompt.number, characters, "Who said so"), format);
  }
  const auto [ours, theirs] = std::mismatch(ids.rbegin(), ids.rend(), other.rbegin(), other.rend());
  const auto after = static_cast<std::size_t>(ours - ids.rbegin());
  if (after >= wanted)
    throw UserError(fmt::format("prompt {}: {} tokens are too few", prompt.id, wanted),
                    "the chat template alone needs as many", "generate longer prompts");
  ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(wanted - after),
            ids.end() - static_cast<std::ptrdiff_t>(after));
  return ids;
}

} // namespace

std::vector<std::int32_t> encode(const Prompt& prompt, const llm::Tokenizer* tokenizer,
                                 llm::PromptFormat format, std::int64_t vocabulary) {
  if (!tokenizer && prompt.generated_tokens == 0)
    throw UserError(fmt::format("prompt {} cannot be encoded", prompt.id),
                    "a synthetic model has no tokenizer",
                    "use prompts: {generate: {tokens: [...], count: n}}");
  if (!tokenizer)
    return hashed_tokens(prompt, vocabulary);
  if (prompt.generated_tokens > 0)
    return cut_to_length(prompt, *tokenizer, format);
  return tokenizer->encode_prompt(prompt.text, format);
}

} // namespace peakbench::suite
