// A safetensors file by itself and, with a config.json behind a mark, as a Hugging Face folder.
#include "llm/safetensors.h"

#include "llm/huggingface.h"
#include "model_folder.h"
#include "use_model.h"

using namespace peakbench;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [weights, config] = fuzz::cut_at(fuzz::text_of(data, size), "\n@config.json\n");
  const fuzz::Folder& folder = fuzz::folder();
  const std::string path = folder.write("model.safetensors", weights);
  fuzz::accepts([&] {
    const llm::MappedFile file(path);
    for (const auto& [name, stored] : llm::read_safetensors(file))
      for (const auto type : {at::kFloat, at::kBFloat16})
        llm::load_tensor(stored, type, at::kCPU);
  });
  if (config.empty())
    return 0;
  folder.write("config.json", config);
  static const std::string tokenizer = folder.write("tokenizer.json", fuzz::kSmallTokenizer);
  fuzz::accepts([&] { fuzz::use_model(*llm::open_huggingface(folder.path())); });
  return 0;
}
