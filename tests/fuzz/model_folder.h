// What a Hugging Face folder needs beside the file that is fuzzed.
#pragma once

#include <string_view>

namespace peakbench::fuzz {

// Three letters and a merge.
inline constexpr std::string_view kSmallTokenizer = R"({"model": {"type": "BPE",
  "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]},
  "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false}})";

} // namespace peakbench::fuzz
