// A tokenizer.json and, behind marks, the files that may lie beside it.
#include "llm/huggingface.h"
#include "use_model.h"

using namespace peakbench;

namespace {

constexpr std::pair<const char*, std::string_view> kNeighbours[] = {
    {"generation_config.json", "\n@generation_config.json\n"},
    {"chat_template.jinja", "\n@chat_template.jinja\n"},
    {"tokenizer_config.json", "\n@tokenizer_config.json\n"},
};

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text = fuzz::text_of(data, size);
  const fuzz::Folder& folder = fuzz::folder();
  for (const auto& [name, mark] : kNeighbours) {
    const auto [before, after] = fuzz::cut_at(text, mark);
    text = before;
    if (after.empty())
      folder.remove(name);
    else
      folder.write(name, after);
  }
  const std::string path = folder.write("tokenizer.json", text);
  fuzz::accepts([&] { fuzz::use_tokenizer(*llm::open_huggingface_tokenizer(path), text); });
  return 0;
}
