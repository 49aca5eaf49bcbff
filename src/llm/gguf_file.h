// The header of a GGUF file (versions 2 and 3, little-endian): metadata and tensor table.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
// Every length is checked against the file before anything is allocated or read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llm/dequantize.h"
#include "llm/gguf_type.h"
#include "llm/mapped_file.h"

namespace peakbench::llm {

class GgufFile {
public:
  explicit GgufFile(const std::string& path);

  const std::string& path() const { return file_.path(); }
  std::uint32_t version() const { return version_; }
  bool has(const std::string& key) const { return values_.contains(key); }

  // Metadata by key. The optional ones are empty if the key is missing; a value of another type, or
  // one that does not fit, is a UserError. Integers of every width are accepted.
  std::optional<std::int64_t> integer(const std::string& key) const;
  std::optional<double> number(const std::string& key) const;
  std::optional<bool> boolean(const std::string& key) const;
  std::optional<std::string_view> text(const std::string& key) const;
  // Views into the mapping, which this object owns.
  std::optional<std::vector<std::string_view>> texts(const std::string& key) const;
  std::optional<std::vector<double>> numbers(const std::string& key) const;
  std::int64_t needed_integer(const std::string& key) const;
  std::string_view needed_text(const std::string& key) const;

  // Tensors by GGUF name; shapes row-major.
  const std::map<std::string, StoredTensor>& tensors() const { return tensors_; }

  // UserError about this file at a byte of it.
  [[noreturn]] void fail(const std::string& problem, const std::string& why,
                         std::uint64_t offset) const;

private:
  struct Value {
    GgufType type;
    GgufType element;     // of an array
    std::uint64_t count;  // of an array, else 1
    std::uint64_t offset; // of the first byte of the value (of an array: of its first element)
  };

  const Value* find(const std::string& key) const;
  [[noreturn]] void wrong_type(const std::string& key, const Value& value,
                               const char* wanted) const;
  std::uint64_t read_unsigned(std::uint64_t offset, std::size_t bytes) const;
  std::string_view read_string(std::uint64_t& offset) const;
  double read_number(GgufType type, std::uint64_t offset) const;
  Value read_value(std::uint64_t& offset) const;
  void need(std::uint64_t offset, std::uint64_t bytes, const char* what) const;
  void read_metadata(std::uint64_t count, std::uint64_t& offset);
  void read_tensors(std::uint64_t count, std::uint64_t& offset);

  MappedFile file_;
  std::uint32_t version_ = 0;
  std::map<std::string, Value> values_;
  std::map<std::string, StoredTensor> tensors_;
};

} // namespace peakbench::llm
