// A GGUF file: header, metadata, tensor table, tokenizer, configuration, and every tensor's data.
#include "llm/gguf_file.h"
#include "llm/gguf_source.h"
#include "llm/gguf_tokenizer.h"
#include "use_model.h"

using namespace peakbench;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = fuzz::text_of(data, size);
  const std::string path = fuzz::folder().write("model.gguf", bytes);
  fuzz::accepts([&] {
    const llm::GgufFile file(path);
    for (const auto& [name, stored] : file.tensors())
      for (const auto type : {at::kFloat, at::kHalf})
        llm::load_tensor(stored, type, at::kCPU);
    for (const char* key : {"general.alignment", "general.name", "llama.block_count"}) {
      fuzz::accepts([&] { file.integer(key); });
      fuzz::accepts([&] { file.number(key); });
      fuzz::accepts([&] { file.boolean(key); });
      fuzz::accepts([&] { file.text(key); });
      fuzz::accepts([&] { file.texts(key); });
      fuzz::accepts([&] { file.numbers(key); });
    }
    fuzz::use_tokenizer(*llm::read_gguf_tokenizer(file), bytes);
  });
  fuzz::accepts([&] { fuzz::use_model(*llm::open_gguf(path)); });
  return 0;
}
