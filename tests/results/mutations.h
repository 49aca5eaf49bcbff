// What disks, copies and editors make of a good file.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <utility>

namespace peakbench::results::testing {

class Mutations {
public:
  explicit Mutations(std::string good, std::uint64_t seed = 20250101)
      : good_(std::move(good)), random_(seed) {}
  std::string next() {
    std::string bytes = good_;
    switch (random_() % 5) {
    case 0: // a lost sector
      bytes.replace(at() / 512 * 512, 512, std::string(512, '\0'));
      break;
    case 1:
      for (int flips = 0; flips < 3; ++flips)
        bytes[at()] = static_cast<char>(random_());
      break;
    case 2:
      bytes.resize(at());
      break;
    case 3: // a page of another place
      bytes.replace(at() / 512 * 512, 512, bytes.substr(at() / 512 * 512, 512));
      break;
    default: { // a size or an offset
      const std::uint64_t value = std::uint64_t{1} << (random_() % 64);
      bytes.replace(at() / 8 * 8, 8, reinterpret_cast<const char*>(&value), 8);
    }
    }
    return bytes;
  }

private:
  std::size_t at() { return random_() % good_.size(); }
  std::string good_;
  std::mt19937_64 random_;
};

// The n-th of the places where texts lie (global heaps), lost; "" if there are not so many. HDF5
// 1.10.8 looks for an object in such a heap of zeros for ever.
inline std::string without_heap(std::string bytes, int number) {
  std::size_t at = bytes.find("GCOL");
  for (; number > 0 && at != bytes.npos; --number)
    at = bytes.find("GCOL", at + 1);
  return at == bytes.npos ? "" : bytes.replace(at + 16, 496, std::string(496, '\0'));
}

} // namespace peakbench::results::testing
