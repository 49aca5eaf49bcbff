// A chat template: what is supported must write the user's text, and only its own kind of error may
// come out of it.
#include "llm/chat_template.h"

#include <cstdlib>

#include "fuzz.h"
#include "llm/jinja_tokens.h"

using namespace peakbench;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const llm::ChatTemplate chat(std::string(fuzz::text_of(data, size)), "<s>", "</s>");
  if (!chat.problem().empty())
    return 0;
  for (const std::string_view text : {"", "caf\xC3\xA9 {{ \xFF }}", "  a\nb  "})
    try {
      chat.render(text);
    } catch (const llm::JinjaError&) {
      // A template may refuse a text.
    }
  return 0;
}
