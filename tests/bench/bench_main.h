// What every micro-benchmark begins with.
#pragma once

#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "llm/model_source.h"

namespace peakbench::bench {

// A run under ctest: everything once, as small as it goes.
inline bool smoke = false;

// The benchmarked model: --model FILE, or SmolLM2 where set-up put it, or its shape with random
// weights, which costs the same.
inline std::string model_name = "models/SmolLM2-135M-Instruct.Q4_1.gguf";

inline std::unique_ptr<llm::ModelSource> open_model() {
  if (smoke || !std::filesystem::exists(model_name))
    model_name = "synthetic:smollm2-135m";
  return llm::ModelSource::open(model_name);
}

// Google Benchmark's options, and: --model FILE, --smoke.
inline int run(int argc, char** argv, void (*add)()) {
  std::vector<char*> rest;
  static std::string once = "--benchmark_min_time=0";
  for (int i = 0; i < argc; ++i) {
    if (std::strcmp(argv[i], "--smoke") == 0)
      smoke = true;
    else if (std::strcmp(argv[i], "--model") == 0 && i + 1 < argc)
      model_name = argv[++i];
    else
      rest.push_back(argv[i]);
  }
  if (smoke)
    rest.push_back(once.data());
  int count = static_cast<int>(rest.size());
  rest.push_back(nullptr);
  add();
  benchmark::Initialize(&count, rest.data());
  if (benchmark::ReportUnrecognizedArguments(count, rest.data()))
    return 2;
  benchmark::AddCustomContext("threads", std::to_string(at::get_num_threads()));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

} // namespace peakbench::bench
