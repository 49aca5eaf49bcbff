// IDX files written by tests, and a small dataset that can be learnt.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "ep/dataset.h"
#include "support/support.h"

namespace peakbench::ep::testing {

// The header of an IDX file of unsigned bytes.
inline std::string idx_header(const std::vector<std::int64_t>& sizes) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(sizes.size())};
  for (const std::int64_t size : sizes)
    for (const int shift : {24, 16, 8, 0})
      bytes += static_cast<char>(size >> shift & 255);
  return bytes;
}

// Four files: square images whose brightest pixel tells the label (0 .. 3), beside noise.
inline void write_images(const std::filesystem::path& folder, std::int64_t training_rows,
                         std::int64_t test_rows, std::int64_t side = 3) {
  const auto write = [&](const std::string& part, std::int64_t rows, std::int64_t from) {
    std::string images = idx_header({rows, side, side}), labels = idx_header({rows});
    for (std::int64_t row = from; row < from + rows; ++row) {
      const std::int64_t label = row * 7 / 3 % 4;
      labels += static_cast<char>(label);
      for (std::int64_t pixel = 0; pixel < side * side; ++pixel)
        images += static_cast<char>(pixel == 2 * label ? 200 + row % 50 : row * (pixel + 3) % 60);
    }
    peakbench::testing::write_file(folder / (part + "-images-idx3-ubyte"), images);
    peakbench::testing::write_file(folder / (part + "-labels-idx1-ubyte"), labels);
  };
  write("train", training_rows, 0);
  write("t10k", test_rows, 1000);
}

} // namespace peakbench::ep::testing
