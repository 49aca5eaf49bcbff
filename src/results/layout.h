// Names within the file, and the checks that tell whether a file is one of ours.
#pragma once

#include "base/error.h"
#include "results/hdf5.h"
#include "results/store.h"

namespace peakbench::results {

inline constexpr const char* kEnvironment = "/environment";
inline constexpr const char* kConfigYaml = "/config/yaml";
inline constexpr const char* kConfigPlan = "/config/plan";
inline constexpr const char* kEabCases = "/eab/cases";
inline constexpr const char* kEpCases = "/ep/cases";
inline constexpr const char* kEabSamples = "/eab/samples";
inline constexpr const char* kEpSamples = "/ep/samples";
inline constexpr const char* kEpComponents = "/ep/components";
inline constexpr const char* kEpOperations = "/ep/operations";
inline constexpr const char* kEpTraining = "/ep/training";
inline constexpr const char* kCommCases = "/comm/cases";
inline constexpr const char* kCommSamples = "/comm/samples";
inline constexpr const char* kScalingCases = "/scaling/cases";
inline constexpr const char* kScalingSamples = "/scaling/samples";
inline constexpr const char* kRanks = "/ranks";
inline constexpr const char* kSources = "/sources";
inline constexpr const char* kPlans = "/config/plans"; // of files with several
inline constexpr const char* kEabTraces = "/eab/traces";
inline constexpr const char* kEpTraces = "/ep/traces";

// All groups and empty tables of a new file.
void write_layout(hid_t file, const RunInfo& info);
// UserError if the file is missing, a folder, unreadable, empty or not HDF5; before HDF5 sees it.
void require_hdf5_file(const std::string& path);
// UserError if the HDF5 file is not ours or of another schema version.
void require_schema(hid_t file, const std::string& path);
// The same, and one of another plan, or one with other columns.
void require_same_plan(hid_t file, const std::string& path, const std::string& plan_hash);
inline constexpr const char* kMayNotResume = "the file is damaged, or may not be written.";
RunInfo read_run_info(hid_t file);
std::string identity_of(hid_t file); // see Store::identity()

// Runs `body`, turning an HDF5 failure into a UserError "cannot <action> results file PATH (why)".
template <class Body>
auto with_file(const char* action, const std::string& path, const std::string& suggestion,
               Body body) {
  const QuietErrors quiet;
  try {
    return body();
  } catch (const Hdf5Error& error) {
    throw UserError(std::string("cannot ") + action + " results file " + path, error.what(),
                    suggestion);
  }
}

} // namespace peakbench::results
