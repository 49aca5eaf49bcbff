#include "results/layout.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "results/table.h"
#include "results/traces.h"

namespace peakbench::results {

namespace {

constexpr const char* kSchema = "schema_version";
constexpr char kSignature[8] = {'\211', 'H', 'D', 'F', '\r', '\n', '\032', '\n'};
constexpr const char* kNotOurs = "name the HDF5 file that `peakbench run` wrote.";

// Chunks are about 20 KB, the room that a file with a single row takes.
constexpr std::size_t kCasesPerChunk = 32;
constexpr std::size_t kRepeatsPerChunk = 256;

} // namespace

void write_layout(hid_t file, const RunInfo& info) {
  write_attribute(file, kSchema, std::int64_t{kSchemaVersion});
  write_attribute(file, "peakbench_version", std::string(PEAKBENCH_VERSION));
  write_attribute(file, "name", info.name);
  write_attribute(file, "created", info.created);
  write_attribute(file, "command_line", info.command_line);
  write_attribute(file, "plan_hash", info.plan_hash);
  write_attribute(file, "git_revision", info.git_revision);
  write_attribute(file, "git_dirty", std::int64_t{info.git_dirty});
  for (const char* group : {"/config", "/eab", "/ep", "/comm", "/scaling"})
    make_group(file, group);
  write_text(file, kConfigYaml, info.config_yaml);
  write_text(file, kConfigPlan, info.plan_json);
  create_table<EnvironmentRow>(file, kEnvironment, kCasesPerChunk);
  create_table<EabCase>(file, kEabCases, kCasesPerChunk);
  create_table<EpCase>(file, kEpCases, kCasesPerChunk);
  create_table<RepeatRow>(file, kEabSamples, kRepeatsPerChunk);
  create_table<RepeatRow>(file, kEpSamples, kRepeatsPerChunk);
  create_table<EpComponentRow>(file, kEpComponents, kRepeatsPerChunk);
  create_table<EpOperationRow>(file, kEpOperations, kRepeatsPerChunk);
  create_table<EpTrainingRow>(file, kEpTraining, kRepeatsPerChunk);
  create_table<CommCase>(file, kCommCases, kCasesPerChunk);
  create_table<RepeatRow>(file, kCommSamples, kRepeatsPerChunk);
  create_table<ScalingCase>(file, kScalingCases, kCasesPerChunk);
  create_table<RepeatRow>(file, kScalingSamples, kRepeatsPerChunk);
  create_table<RankRow>(file, kRanks, kCasesPerChunk);
  create_table<SourceRow>(file, kSources, kCasesPerChunk);
  create_trace_groups(file);
}

void require_hdf5_file(const std::string& path) {
  const std::string problem = "cannot read results file " + path;
  struct stat status {};
  // A pipe without a writer would keep us waiting.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    throw UserError(problem, std::strerror(errno), "");
  char start[sizeof kSignature] = {};
  const bool known = fstat(descriptor, &status) == 0;
  const bool regular = known && S_ISREG(status.st_mode);
  const ssize_t count = regular ? pread(descriptor, start, sizeof start, 0) : 0;
  close(descriptor);
  if (!regular)
    throw UserError(problem, "it is not a regular file", kNotOurs);
  if (status.st_size == 0)
    throw UserError(problem, "it is empty", kNotOurs);
  if (count != sizeof start || std::memcmp(start, kSignature, sizeof start) != 0)
    throw UserError(problem, "it is not an HDF5 file", kNotOurs);
}

namespace {

std::string version_text(hid_t file) {
  constexpr const char* kVersion = "peakbench_version";
  return check(H5Aexists(file, kVersion), "H5Aexists") > 0 ? read_text_attribute(file, kVersion)
                                                           : std::string();
}

} // namespace

void require_schema(hid_t file, const std::string& path) {
  const htri_t ours = check(H5Aexists(file, kSchema), "H5Aexists");
  if (ours == 0 || !has_link(file, "/eab") || !has_link(file, kEabCases))
    throw UserError("cannot read results file " + path,
                    "it is an HDF5 file, but not a results file of peakbench", kNotOurs);
  const std::int64_t version = read_integer_attribute(file, kSchema);
  const std::string writer = version_text(file);
  if (version != kSchemaVersion)
    throw UserError("cannot read results file " + path,
                    "peakbench " + (writer.empty() ? "of an unknown version" : writer) +
                        " wrote it with schema version " + std::to_string(version) +
                        ", this program reads version " + std::to_string(kSchemaVersion),
                    "use the version of peakbench that wrote it.");
}

void require_same_plan(hid_t file, const std::string& path, const std::string& plan_hash) {
  require_schema(file, path);
  const std::string plan = read_text_attribute(file, "plan_hash");
  if (plan != plan_hash)
    throw UserError("cannot resume results file " + path,
                    "it is of another plan, " + plan + ", and this configuration's is " + plan_hash,
                    "choose another --out, or run the configuration that it was made with.");
  const bool columns = has_columns_of_list<EabCase>(file, kEabCases) &&
                       has_columns_of_list<EpCase>(file, kEpCases) &&
                       has_columns_of_list<RepeatRow>(file, kEabSamples) &&
                       has_columns_of_list<RepeatRow>(file, kEpSamples) &&
                       has_link(file, kEpTraining) &&
                       has_columns_of_list<EpComponentRow>(file, kEpComponents) &&
                       has_columns_of_list<EpOperationRow>(file, kEpOperations) &&
                       has_columns_of_list<EpTrainingRow>(file, kEpTraining) &&
                       has_columns_of_list<EnvironmentRow>(file, kEnvironment) &&
                       has_link(file, kSources) && has_columns_of_list<SourceRow>(file, kSources) &&
                       has_columns_of_list<RankRow>(file, kRanks) &&
                       has_columns_of_list<CommCase>(file, kCommCases) &&
                       has_columns_of_list<RepeatRow>(file, kCommSamples) &&
                       has_columns_of_list<ScalingCase>(file, kScalingCases) &&
                       has_columns_of_list<RepeatRow>(file, kScalingSamples);
  if (!columns)
    throw UserError("cannot resume results file " + path,
                    "another version of peakbench wrote it, with other columns",
                    "choose another --out; both files can be aggregated together.");
}

RunInfo read_run_info(hid_t file) {
  RunInfo info;
  info.name = read_text_attribute(file, "name");
  info.created = read_text_attribute(file, "created");
  info.command_line = read_text_attribute(file, "command_line");
  info.plan_hash = read_text_attribute(file, "plan_hash");
  info.git_revision = read_text_attribute(file, "git_revision");
  info.git_dirty = read_integer_attribute(file, "git_dirty") != 0;
  info.config_yaml = read_text(file, kConfigYaml);
  info.plan_json = read_text(file, kConfigPlan);
  info.peakbench_version = version_text(file);
  return info;
}

std::string identity_of(hid_t file) {
  return read_text_attribute(file, "plan_hash") + " " + read_text_attribute(file, "created");
}

} // namespace peakbench::results
