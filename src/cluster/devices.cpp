#include "cluster/devices.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sched.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cluster/cuda_device.h"

namespace peakbench::cluster {

namespace {

// Every rank's value, on every rank.
nlohmann::json exchange(const Session& session, const nlohmann::json& mine) {
  nlohmann::json all = nlohmann::json::array();
  for (const std::string& one : session.gather(mine.dump()))
    all.push_back(nlohmann::json::parse(one));
  return nlohmann::json::parse(session.broadcast(all.dump()));
}

std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int core = 0; core < CPU_SETSIZE; ++core)
      if (CPU_ISSET(core, &set))
        cores.push_back(core);
  return cores;
}

// cgroup v2: "<microseconds per period>|max <period>".
double container_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  return file >> quota >> period && period > 0 ? quota / period : 0;
}

[[noreturn]] void refuse_cuda() {
  throw UserError("device: cuda is not possible",
                  PEAKBENCH_USE_CUDA ? "no GPU is visible here"
                                     : "this program was built without CUDA",
                  "say device: cpu or auto");
}

} // namespace

int pick_gpu(std::span<const RankGpus> ranks, std::size_t me) {
  const RankGpus& mine = ranks[me];
  std::size_t local_ranks = 0, before_me = 0;
  bool same = true, disjoint = true;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (ranks[i].host != mine.host)
      continue;
    ++local_ranks;
    if (i == me)
      continue;
    if (i < me)
      ++before_me;
    same = same && ranks[i].identities == mine.identities;
    for (const std::string& gpu : ranks[i].identities)
      disjoint = disjoint && std::find(mine.identities.begin(), mine.identities.end(), gpu) ==
                                 mine.identities.end();
  }
  if (same && before_me < mine.identities.size() && local_ranks <= mine.identities.size())
    return static_cast<int>(before_me);
  if (disjoint && !mine.identities.empty())
    return 0;
  throw UserError(fmt::format("{} ranks on {} but {} GPU{} visible", local_ranks, mine.host,
                              mine.identities.size(), mine.identities.size() == 1 ? "" : "s"),
                  "a rank's GPU memory can only be measured if no other rank uses it",
                  "start at most one rank per GPU, or say device: cpu");
}

int share_of_cores(std::span<const std::vector<int>> cores, std::size_t me, double quota) {
  double share = 0;
  for (const int core : cores[me]) {
    const auto users = std::count_if(cores.begin(), cores.end(), [core](const auto& other) {
      return std::find(other.begin(), other.end(), core) != other.end();
    });
    share += 1.0 / static_cast<double>(users);
  }
  if (quota > 0)
    share = std::min(share, quota / static_cast<double>(cores.size()));
  return std::max(1, static_cast<int>(share + 1e-9));
}

c10::Device choose_device(const Session& session, const std::string& wish) {
  if (wish == "cpu")
    return c10::Device(c10::kCPU);
  const std::vector<std::string> visible = visible_gpu_identities();
  const nlohmann::json all = exchange(session, {{"host", session.host()}, {"gpus", visible}});
  std::vector<RankGpus> ranks;
  bool none = true;
  for (const nlohmann::json& one : all) {
    ranks.push_back({one["host"], one["gpus"].get<std::vector<std::string>>()});
    none = none && ranks.back().identities.empty();
  }
  if (none && wish == "auto")
    return c10::Device(c10::kCPU);
  std::optional<std::string> error;
  int index = 0;
  try {
    if (none)
      refuse_cuda();
    index = pick_gpu(ranks, static_cast<std::size_t>(session.rank()));
  } catch (const UserError& problem) {
    error = problem.what();
  }
  session.agree(error);
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

void use_device(c10::Device device) {
  if (device.is_cuda())
    use_gpu(device.index());
}

c10::Device single_device(const std::string& wish) {
  const bool any = wish != "cpu" && !visible_gpu_identities().empty();
  if (any)
    use_gpu(0);
  if (!any && wish == "cuda")
    refuse_cuda();
  return any ? c10::Device(c10::kCUDA, 0) : c10::Device(c10::kCPU);
}

int threads_per_rank(const Session& session) {
  const nlohmann::json all =
      exchange(session, {{"host", session.host()}, {"cores", allowed_cores()}});
  std::vector<std::vector<int>> local;
  std::size_t me = 0;
  for (std::size_t rank = 0; rank < all.size(); ++rank) {
    if (all[rank]["host"] != session.host())
      continue;
    if (rank == static_cast<std::size_t>(session.rank()))
      me = local.size();
    local.push_back(all[rank]["cores"].get<std::vector<int>>());
  }
  return share_of_cores(local, me, container_quota());
}

int single_threads() {
  const std::vector<std::vector<int>> mine{allowed_cores()};
  return share_of_cores(mine, 0, container_quota());
}

DeviceFacts facts_of(c10::Device device) {
  return device.is_cuda() ? gpu_facts(device.index()) : DeviceFacts{};
}

void release_cached_memory(c10::Device device) {
  if (device.is_cuda())
    release_cached_gpu_memory();
}

} // namespace peakbench::cluster
