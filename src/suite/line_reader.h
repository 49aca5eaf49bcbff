// Lines of the standard input for a conversation that a signal can end at any time.
#pragma once

#include <string>

namespace peakbench::suite {

class LineReader {
public:
  explicit LineReader(int descriptor) : descriptor_(descriptor) {}
  enum class Got { line, end, interrupted };
  // Waits for a line (without its end). `interrupted`: a signal came that a handler has seen.
  Got read(std::string& line);

private:
  int descriptor_;
  bool ended_ = false;
  std::string waiting_;
};

} // namespace peakbench::suite
