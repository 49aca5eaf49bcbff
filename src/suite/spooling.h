// Finished cases that a rank keeps until rank 0 has written them (results/spool.h), as `run` uses
// it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cluster/session.h"
#include "results/spool.h"

namespace peakbench::suite {

// Rank 0, right after it has opened the file: what a killed run had finished and not written. Says
// so on stderr.
void take_over_spool(const std::string& path, results::Store& store);

// This rank's spool. Where there can be none the run goes on without, and says so once.
class RankSpool {
public:
  // Collective. `identity`: of the results file; rank 0's counts.
  RankSpool(const cluster::Session& session, const std::string& path, const std::string& identity);
  void append(std::string_view message) noexcept;
  void clear() noexcept;
  // Collective, after an orderly end: everything is in the results file.
  void remove(const cluster::Session& session);

private:
  std::string path_;
  std::optional<results::Spool> spool_;
};

} // namespace peakbench::suite
