// Bringing finished cases to rank 0 over MPI, as a run does: the time of one collection, from the
// first message to the last one in rank 0's hands. For mpirun with 2 ranks or more (tools/bench.sh
// does that); rank 0 measures, the others send what it asks for. Arguments: messages of each rank,
// bytes of a message (a case without a trace has some 2 kB, with one 30 kB, with a timeline
// 200 kB).
#include <nlohmann/json.hpp>

#include <cstdio>

#include "cluster/collector.h"
#include "tests/bench/bench_main.h"

namespace peakbench {
namespace {

constexpr int kSkipped = 77;
const cluster::Session* session = nullptr; // Google Benchmark calls plain functions

struct Collection {
  std::int64_t messages = 0, bytes = 0;
};

// Collective. How many bytes came to rank 0.
std::int64_t collect(const Collection& what) {
  std::int64_t arrived = 0;
  cluster::Collector collector(*session, [&](int, const std::string& message) {
    arrived += static_cast<std::int64_t>(message.size());
  });
  if (session->rank() != 0)
    for (std::int64_t i = 0; i < what.messages; ++i)
      collector.send(std::string(static_cast<std::size_t>(what.bytes), 'x'));
  collector.finish();
  return arrived;
}

void gather(benchmark::State& state) {
  const Collection what{state.range(0), state.range(1)};
  const std::int64_t expected = what.messages * what.bytes * (session->size() - 1);
  const std::string command = nlohmann::json{what.messages, what.bytes}.dump();
  for (auto _ : state) {
    session->broadcast(command);
    if (collect(what) != expected) {
      state.SkipWithError("messages were lost");
      break;
    }
  }
  state.SetBytesProcessed(state.iterations() * expected);
  state.SetItemsProcessed(state.iterations() * what.messages * (session->size() - 1));
  state.counters["ranks"] = session->size();
}

// A collection of nothing: what beginning and ending it costs.
void add() {
  auto* one = benchmark::RegisterBenchmark("gather", gather);
  one->UseRealTime()->Unit(benchmark::kMillisecond)->ArgNames({"messages", "bytes"});
  one->Args({0, 0});
  for (const std::int64_t bytes : {2'000, 30'000, 200'000})
    one->Args({bench::smoke ? 2 : 100, bytes});
}

void send_what_is_asked_for() {
  for (;;) {
    const auto command = nlohmann::json::parse(session->broadcast(""));
    if (command.empty())
      return;
    collect({command.at(0), command.at(1)});
  }
}

} // namespace
} // namespace peakbench

int main(int argc, char** argv) {
  using namespace peakbench;
  const cluster::Session own(argc, argv);
  session = &own;
  if (own.size() < 2) {
    std::fputs("bench_gather: needs 2 ranks or more: mpirun -n 2 bench_gather\n", stderr);
    return kSkipped;
  }
  if (own.rank() != 0) {
    send_what_is_asked_for();
    return 0;
  }
  const int status = bench::run(argc, argv, add);
  own.broadcast("[]");
  return status;
}
