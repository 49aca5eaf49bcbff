// Writers of small model files, byte by byte as the formats describe them. They share no code with
// the readers.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace peakbench::llm::testing {

template <typename Number>
std::string bytes_of(Number number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}
template <typename Number>
std::string bytes_of(const std::vector<Number>& numbers) {
  std::string bytes;
  for (Number number : numbers)
    bytes += bytes_of(number);
  return bytes;
}

class GgufWriter {
public:
  GgufWriter& text(const std::string& key, const std::string& value);
  GgufWriter& integer(const std::string& key, std::uint32_t value);
  GgufWriter& number(const std::string& key, float value);
  GgufWriter& boolean(const std::string& key, bool value);
  GgufWriter& texts(const std::string& key, const std::vector<std::string>& values);
  GgufWriter& integers(const std::string& key, const std::vector<std::int32_t>& values);
  GgufWriter& numbers(const std::string& key, const std::vector<float>& values);
  // A value as raw bytes, its type number before it.
  GgufWriter& raw(const std::string& key, std::uint32_t type, const std::string& value);
  GgufWriter& remove(const std::string& key);
  // Dimensions in the file's order, contiguous one first.
  GgufWriter& tensor(const std::string& name, const std::vector<std::uint64_t>& dimensions,
                     std::uint32_t type, const std::string& data);
  GgufWriter& remove_tensor(const std::string& name);

  std::string header() const; // up to the alignment padding
  std::string bytes() const;
  std::uint32_t version = 3;

private:
  struct Tensor {
    std::string name;
    std::vector<std::uint64_t> dimensions;
    std::uint32_t type;
    std::string data;
  };
  std::vector<std::pair<std::string, std::string>> values_; // key -> type and value
  std::vector<Tensor> tensors_;
};

// GPT-2's way to write any bytes as printable characters, from its definition.
std::string byte_level(const std::string& bytes);

// The tokens of a small byte-level vocabulary: the 256 bytes, "th", "the", " the", and the special
// "<|begin|>", "<|end|>", "<|im_start|>", "<|im_end|>" (259 to 262).
std::vector<std::string> small_tokens();
std::vector<std::string> small_merges();

// A complete model: 2 layers, width 32, 4 heads of 8 with 2 KV heads, feed-forward 64, F32. Element
// i of a tensor is weight_value(name, i).
GgufWriter small_gguf(const std::string& architecture = "llama");
float weight_value(const std::string& gguf_name, std::size_t element);
std::vector<float> weight_values(const std::string& gguf_name, std::size_t count);

struct SafeTensor {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::string data;
};
std::string safetensors_bytes(const std::vector<SafeTensor>& tensors);

// The same small model as a Hugging Face folder (q and k rows in half-split order); returns its
// weights.
std::vector<SafeTensor> write_huggingface(const std::filesystem::path& folder,
                                          const std::string& architecture = "LlamaForCausalLM");
std::string huggingface_config(const std::string& architecture);
std::string huggingface_tokenizer();

} // namespace peakbench::llm::testing
