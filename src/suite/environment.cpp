#include "suite/environment.h"

#include <torch/headeronly/version.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <variant>

#include "base/build_info.h"
#include "cluster/devices.h"
#include "results/fields.h"

namespace peakbench::suite {

namespace {

// Placement, threads and library switches. Nothing that could hold a secret or name a person.
constexpr std::array kVariables{"CUDA_VISIBLE_DEVICES",
                                "CUDA_DEVICE_ORDER",
                                "CUDA_LAUNCH_BLOCKING",
                                "PYTORCH_CUDA_ALLOC_CONF",
                                "OMP_NUM_THREADS",
                                "OMP_PROC_BIND",
                                "OMP_PLACES",
                                "GOMP_CPU_AFFINITY",
                                "MKL_NUM_THREADS",
                                "MKL_CBWR",
                                "NCCL_ALGO",
                                "NCCL_PROTO",
                                "NCCL_P2P_DISABLE",
                                "NCCL_IB_DISABLE",
                                "OMPI_MCA_btl",
                                "OMPI_MCA_rmaps_base_oversubscribe",
                                "OMPI_MCA_hwloc_base_binding_policy",
                                "SLURM_JOB_NUM_NODES",
                                "SLURM_NTASKS",
                                "SLURM_CPUS_PER_TASK",
                                "SLURM_GPUS_PER_TASK"};

// Through the field list, so that a new field travels by itself.
std::string pack(const results::EnvironmentRow& row) {
  nlohmann::json values = nlohmann::json::array();
  for (const auto& field : results::fields<results::EnvironmentRow>())
    std::visit([&](const auto& plain) { values.push_back(plain); }, results::value_of(field, row));
  return values.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

results::EnvironmentRow unpack(const std::string& bytes) {
  const nlohmann::json values = nlohmann::json::parse(bytes);
  results::EnvironmentRow row;
  std::size_t at = 0;
  for (const auto& field : results::fields<results::EnvironmentRow>())
    std::visit([&, &value = values.at(at++)](auto get) { value.get_to(get(row)); }, field.get);
  return row;
}

} // namespace

std::string device_name(c10::Device device) { return device.str(); }

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name"))
      if (const std::size_t colon = line.find(": "); colon != std::string::npos)
        return line.substr(colon + 2);
  return "";
}

std::string chosen_variables() {
  std::string lines;
  for (const char* name : kVariables)
    if (const char* value = std::getenv(name))
      lines += std::string(name) + "=" + value + "\n";
  return lines;
}

results::EnvironmentRow own_environment(c10::Device device, int threads) {
  const cluster::DeviceFacts facts = cluster::facts_of(device);
  results::EnvironmentRow row;
  row.ranks = 1;
  row.threads = threads;
  row.host = cluster::host_name();
  row.cpu = cpu_model();
  row.device = device_name(device);
  row.device_name = device.is_cuda() ? facts.name : row.cpu;
  row.driver = facts.driver;
  row.device_memory_bytes = facts.memory_bytes;
  row.peakbench_version = PEAKBENCH_VERSION;
  row.git_revision = git_revision();
  row.compiler = compiler();
  row.torch = TORCH_VERSION;
  row.mpi = cluster::mpi_version();
  row.hdf5 = PEAKBENCH_HDF5_VERSION;
  row.cuda = facts.cuda;
  row.nccl = facts.nccl;
  row.variables = chosen_variables();
  return row;
}

std::vector<results::EnvironmentRow> gather_environment(const cluster::Session& session,
                                                        c10::Device device, int threads) {
  results::EnvironmentRow row = own_environment(device, threads);
  row.rank = session.rank();
  row.ranks = session.size();
  row.local_rank = session.local_rank();
  row.host = session.host();
  std::vector<results::EnvironmentRow> rows;
  for (const std::string& one : session.gather(pack(row)))
    rows.push_back(unpack(one));
  return rows;
}

} // namespace peakbench::suite
