#include "report/validity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace peakbench::report {

namespace {

struct Advice {
  const char *status, *what;
};
constexpr Advice kAdvice[] = {
    {"failed", "read the reason, then run again with --retry-failed"},
    {"out_of_memory", "take fewer paths, layers or rows, or a device with more memory"},
    {"timed_out", "raise case_time_limit_seconds, then run again with --retry-failed"},
    {"diverged", "lower rate or learning_rate, or take another init"},
    {"skipped", "read the reason"},
};

std::string cases_text(std::int64_t count) {
  return fmt::format("{} case{}", count, count == 1 ? "" : "s");
}

} // namespace

std::string repeats_text(std::int64_t least, std::int64_t most) {
  if (most < 0)
    return "";
  return least == most ? fmt::format("{} repeat{} each", most, most == 1 ? "" : "s")
                       : fmt::format("{} to {} repeats each", least, most);
}

void Validity::add(const std::string& status, const std::string& validity,
                   const std::string& device, std::int64_t repeats, std::int64_t memory_repeats,
                   double interval_percent) {
  ++cases_;
  if (status != "ok") {
    ++not_ok_[status];
    return;
  }
  ++ok_;
  if (validity.starts_with("INVALID")) {
    if (++invalid_ == 1)
      first_reason_ = validity.size() > 9 ? validity.substr(9) : "no reason given"; // "INVALID: "
  }
  // A GPU's caching allocator may split blocks otherwise in another repeat.
  unstable_ += memory_repeats == 0 && !device.starts_with("cuda");
  peaks_known_ |= memory_repeats >= 0;
  if (repeats >= 0) {
    least_repeats_ = least_repeats_ < 0 ? repeats : std::min(least_repeats_, repeats);
    most_repeats_ = std::max(most_repeats_, repeats);
  }
  noisy_ += interval_percent > kNoisyPercent;
  widest_percent_ = std::fmax(widest_percent_, interval_percent);
}

// Why it is INVALID; "" if it is not.
std::string Validity::problems() const {
  std::vector<std::string> list;
  if (ok_ == 0)
    list.emplace_back("no case ended ok");
  if (invalid_ > 0)
    list.push_back(
        fmt::format("{} of {} failed its check ({})", invalid_, cases_text(cases_), first_reason_));
  if (unstable_ > 0)
    list.push_back(fmt::format("the peak of {} differs between repeats", cases_text(unstable_)));
  return fmt::format("{}", fmt::join(list, "; "));
}

std::string Validity::measured() const {
  std::string text = fmt::format("{} ok", cases_text(ok_));
  if (most_repeats_ >= 0)
    text += ", " + repeats_text(least_repeats_, most_repeats_);
  if (peaks_known_ && unstable_ == 0 && most_repeats_ > 1)
    text += ", peaks the same in every repeat";
  if (!std::isnan(widest_percent_))
    text += fmt::format(", widest interval {:.1f} % of its median", widest_percent_);
  if (most_repeats_ == 1)
    text += " (one repeat carries no interval)";
  else if (least_repeats_ >= 0 && least_repeats_ < kRepeatsForInterval)
    text += fmt::format(" (under {} repeats it covers the median with less than 95 %)",
                        kRepeatsForInterval);
  return text;
}

std::string Validity::advice() const {
  std::vector<std::string> list;
  if (invalid_ > 0)
    list.emplace_back("leave them out (--where validity=VALID) and find out why");
  if (unstable_ > 0)
    list.emplace_back("run these cases again, and report it if it stays");
  for (const Advice& one : kAdvice)
    if (not_ok_.contains(one.status))
      list.push_back(fmt::format("{}: {}", one.status, one.what));
  if (noisy_ > 0)
    list.push_back(fmt::format("{} with an interval above {:g} %: give repeats.max and "
                               "repeats.time_limit_seconds more, and nothing else on the machine",
                               cases_text(noisy_), kNoisyPercent));
  return list.empty() ? "" : fmt::format(" What to do: {}.", fmt::join(list, "; "));
}

std::string Validity::text() const {
  if (cases_ == 0)
    return "";
  std::vector<std::string> missing;
  for (const auto& [status, count] : not_ok_)
    missing.push_back(fmt::format("{} {}", count, status));
  const std::string gaps = missing.empty()
                               ? ""
                               : fmt::format("{} of {} left out ({})", cases_ - ok_,
                                             cases_text(cases_), fmt::join(missing, ", "));
  if (const std::string why = problems(); !why.empty())
    return "INVALID: " + why + (gaps.empty() ? "" : "; " + gaps) + "." + advice();
  return (gaps.empty() ? "VALID: " : "VALID, with gaps: " + gaps + "; ") + measured() + "." +
         advice();
}

} // namespace peakbench::report
