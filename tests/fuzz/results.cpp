// A results file. Most inputs are choices: changes that are made to a good file through HDF5
// itself, so that what is tested is this suite's readers, in this process. Others are bytes that
// are put over those of a good file; HDF5 does not survive all of these, the guarded readers must.
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>

#include "fuzz.h"
#include "hostile_results.h"
#include "results/guard.h"
#include "results/hdf5.h"

using namespace peakbench;

namespace {

constexpr int kMostChanges = 6;

void damage(std::string& bytes, FuzzedDataProvider& choices) {
  if (choices.ConsumeBool())
    bytes.resize(choices.ConsumeIntegralInRange<std::size_t>(0, bytes.size()));
  while (choices.remaining_bytes() > 0 && !bytes.empty()) {
    const auto at = choices.ConsumeIntegralInRange<std::size_t>(0, bytes.size() - 1);
    bytes[at] = static_cast<char>(choices.ConsumeIntegral<std::uint8_t>());
  }
}

} // namespace

// A guarded reader that HDF5 brings down is what it is for: libFuzzer must not keep its input. (Its
// parent is watched as ever.)
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  pthread_atfork(nullptr, nullptr, [] { __sanitizer_set_death_callback(nullptr); });
  return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider choices(data, size);
  const bool raw = choices.ConsumeIntegralInRange(0, 15) == 0;
  std::string bytes = fuzz::good_results();
  if (raw)
    damage(bytes, choices);
  const std::string path = fuzz::folder().write("results.h5", bytes);
  if (raw) {
    // Over long before libFuzzer's own limit, also on a busy machine.
    constexpr results::GuardLimits kLimits{1, 10, std::int64_t{1} << 30};
    fuzz::accepts([&] { results::load_guarded(path, kLimits); });
    return 0;
  }
  fuzz::change_results(path, choices, kMostChanges);
  fuzz::accepts([&] { results::load(path); });
  fuzz::accepts([&] { results::load_eab_trace(path, "eab1"); });
  fuzz::accepts([&] { results::load_ep_trace(path, "ep1"); });
  return 0;
}
