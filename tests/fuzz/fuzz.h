// What the fuzz targets share. A target calls a loader with the input; a UserError is how a loader
// refuses one. Whatever else leaves it ends the program, and libFuzzer keeps the input: another
// exception, a crash, a report of a sanitizer, too much memory or time (limits: tools/fuzz.sh).
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace peakbench::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Whether `load` took the input.
template <typename Load>
bool accepts(Load&& load) {
  try {
    load();
    return true;
  } catch (const UserError& error) {
    // A message is for people: neither empty nor a whole file.
    if (*error.what() == '\0' || std::string_view(error.what()).size() > 1'000'000)
      std::abort();
    return false;
  }
}

// Inputs of several files: the first one, and what follows a line with the mark of another.
// Nothing if the mark is not there.
inline std::pair<std::string_view, std::string_view> cut_at(std::string_view text,
                                                            std::string_view mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos)
    return {text, {}};
  return {text.substr(0, at), text.substr(at + mark.size())};
}

// A folder of this process in memory, removed at its end (a crash leaves it).
class Folder {
public:
  Folder() {
    const char* root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    path_ = std::string(root) + "/peakbench-fuzz-" + std::to_string(getpid());
    std::filesystem::remove_all(path_);
    std::filesystem::create_directory(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  // Writes the file, whatever was in it before; returns its path.
  std::string write(const std::string& name, std::string_view bytes) const {
    std::string path = path_ + "/" + name;
    std::FILE* file = std::fopen(path.c_str(), "wb");
    if (!file || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size() ||
        std::fclose(file) != 0)
      std::abort();
    return path;
  }
  void remove(const std::string& name) const { unlink((path_ + "/" + name).c_str()); }

private:
  std::string path_;
};

inline const Folder& folder() {
  static const Folder one;
  return one;
}

} // namespace peakbench::fuzz
