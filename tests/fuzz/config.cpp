// A configuration, and one override per line behind a mark.
#include "suite/config.h"

#include "fuzz.h"

using namespace peakbench;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = fuzz::cut_at(fuzz::text_of(data, size), "\n@set\n");
  const std::string text(parts.first);
  std::string_view lines = parts.second;
  std::vector<std::string> overrides;
  while (!lines.empty()) {
    const auto [line, rest] = fuzz::cut_at(lines, "\n");
    overrides.emplace_back(line);
    lines = rest;
  }
  fuzz::accepts([&] {
    const suite::Config config = suite::parse_config(text, "config.yaml", overrides);
    if (config.eab && config.eab->model.size() < 1000)
      for (const std::string& model : config.eab->model)
        suite::resolve(model, config.path);
  });
  return 0;
}
