// The demo without --prompt: asks, answers and obeys commands until the end of its input.
#pragma once

#include <optional>
#include <string>

#include "suite/demo.h"
#include "suite/demo_output.h"
#include "suite/demo_progress.h"
#include "suite/demo_session.h"
#include "suite/line_reader.h"

namespace peakbench::suite {

class Conversation {
public:
  explicit Conversation(const DemoOptions& options);
  // Until /quit, the end of the input (0), or an interrupt while nothing is measured (3).
  int run();

private:
  bool obey(const std::string& line); // false: the end
  void change(const std::string& name, const std::string& value);
  void turn(const std::string& name, const std::string& value);
  void show() const;
  void answer(const std::string& prompt);
  void present(const DemoResult& result);
  std::string free_prefix() const;
  std::string free_out() const;

  DemoOptions options_;
  bool terminal_;
  LineReader input_;
  DemoProgress progress_;
  DemoSession session_;
  std::optional<DemoResult> last_;
};

} // namespace peakbench::suite
