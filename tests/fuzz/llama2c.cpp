// A llama2.c tokenizer and, behind a mark, the model that it belongs to.
#include "llm/llama2c.h"

#include "use_model.h"

using namespace peakbench;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = fuzz::cut_at(fuzz::text_of(data, size), "\n@model.bin\n");
  const std::string_view tokenizer = parts.first, model = parts.second;
  const fuzz::Folder& folder = fuzz::folder();
  const std::string path = folder.write("tok.bin", tokenizer);
  fuzz::accepts([&] { fuzz::use_tokenizer(*llm::open_llama2c_tokenizer(path), tokenizer); });
  if (!model.empty())
    fuzz::accepts([&] { fuzz::use_model(*llm::open_llama2c(folder.write("model.bin", model))); });
  return 0;
}
