#include "suite/spooling.h"

#include <fmt/format.h>

#include <cstdio>

namespace peakbench::suite {

namespace {

void warn(const std::string& text) {
  std::fputs(fmt::format("peakbench: warning: {}\n", text).c_str(), stderr);
}

} // namespace

void take_over_spool(const std::string& path, results::Store& store) {
  const results::Spooled spooled = results::read_spool(path, store.identity());
  const std::size_t taken = results::take_over(spooled, store);
  if (taken > 0)
    fmt::print(stderr, "{} finished case{} of a run that was killed taken over from {}.spool\n",
               taken, taken == 1 ? "" : "s", path);
  for (const std::string& file : spooled.foreign)
    warn(file + " is not of this results file, and left alone; remove it if it is not needed");
}

RankSpool::RankSpool(const cluster::Session& session, const std::string& path,
                     const std::string& identity)
    : path_(path) {
  const std::string shared = session.broadcast(identity);
  std::string problem;
  const auto attempt = [&](const auto& action) {
    try {
      if (problem.empty())
        action();
    } catch (const std::exception& error) {
      problem = error.what();
    }
  };
  attempt([&] {
    if (session.rank() == 0)
      results::make_spool_folder(path);
  });
  session.barrier();
  attempt([&] { spool_.emplace(path, shared); });
  const auto problems = session.gather(problem);
  std::size_t without = 0;
  for (const std::string& one : problems) {
    without += !one.empty();
    if (problem.empty())
      problem = one;
  }
  if (without > 0)
    warn(
        fmt::format("{} of {} ranks cannot keep finished cases on their own disk ({}); if they are "
                    "killed, what rank 0 has not written by then is done again",
                    without, problems.size(), problem));
}

void RankSpool::append(std::string_view message) noexcept {
  if (!spool_)
    return;
  try {
    spool_->append(message);
  } catch (const std::exception& error) {
    warn(fmt::format("{}; this rank goes on without", error.what()));
    spool_.reset();
  }
}

void RankSpool::clear() noexcept {
  if (spool_)
    spool_->clear();
}

void RankSpool::remove(const cluster::Session& session) {
  if (spool_)
    spool_->remove();
  spool_.reset();
  session.barrier();
  if (session.rank() == 0)
    results::remove_spool_folder(path_);
}

} // namespace peakbench::suite
