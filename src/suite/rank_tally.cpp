#include "suite/rank_tally.h"

#include <array>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace peakbench::suite {

namespace {

// No case's message, which is a MessagePack object, begins with a letter.
constexpr std::string_view kSummary = "summary ";

constexpr std::array kMembers{
    &RankSummary::cases,        &RankSummary::restarts,       &RankSummary::start_seconds,
    &RankSummary::seconds,      &RankSummary::busy_seconds,   &RankSummary::idle_seconds,
    &RankSummary::load_seconds, &RankSummary::gathered_bytes, &RankSummary::gathering_seconds,
};

constexpr double kUnknown = results::kAbsentReal;

} // namespace

std::vector<double> values_of(const RankSummary& summary) {
  std::vector<double> values;
  for (const auto member : kMembers)
    values.push_back(summary.*member);
  return values;
}

RankSummary summary_of(const std::vector<double>& values) {
  RankSummary summary;
  for (std::size_t index = 0; index < kMembers.size(); ++index)
    summary.*kMembers[index] = values.at(index);
  return summary;
}

std::string summary_message(const RankSummary& summary) {
  const std::vector<double> values = values_of(summary);
  std::string message(kSummary);
  message.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double));
  return message;
}

std::optional<RankSummary> summary_in(const std::string& message) {
  if (!message.starts_with(kSummary))
    return std::nullopt;
  std::vector<double> values(kMembers.size());
  if (message.size() != kSummary.size() + values.size() * sizeof(double))
    throw std::runtime_error("a rank's summary is of another length");
  std::memcpy(values.data(), message.data() + kSummary.size(), values.size() * sizeof(double));
  return summary_of(values);
}

RankTally::RankTally(const std::vector<Placement>& placements) {
  for (const Placement& placement : placements)
    ranks_.emplace_back().placement = placement;
}

void RankTally::note_case(int from, double bytes) {
  Known& known = ranks_.at(static_cast<std::size_t>(from));
  known.cases += 1;
  known.bytes += from == 0 ? 0 : bytes; // which sends to nobody
}

void RankTally::note_summary(int from, const RankSummary& summary) {
  Known& known = ranks_.at(static_cast<std::size_t>(from));
  known.summary = summary;
  known.told_at = Clock::now();
}

void RankTally::note_loss(int rank) { ranks_.at(static_cast<std::size_t>(rank)).lost = true; }

std::vector<RankOutcome> RankTally::outcomes(const RankSummary& own) const {
  std::vector<RankOutcome> all;
  for (const Known& known : ranks_) {
    RankOutcome& outcome = all.emplace_back();
    outcome.placement = known.placement;
    outcome.lost = known.lost;
    RankSummary& summary = outcome.summary;
    if (all.size() == 1) {
      summary = own;
      continue;
    }
    if (known.summary) {
      summary = *known.summary;
      summary.seconds += std::chrono::duration<double>(Clock::now() - known.told_at).count();
      summary.idle_seconds = summary.seconds - summary.busy_seconds;
    } else {
      for (const auto member : kMembers)
        summary.*member = kUnknown;
      summary.cases = known.cases;
    }
    summary.gathered_bytes = known.bytes;
    summary.gathering_seconds = kUnknown;
    if (known.lost) // nobody knows what it did since
      summary.seconds = summary.idle_seconds = kUnknown;
  }
  return all;
}

} // namespace peakbench::suite
