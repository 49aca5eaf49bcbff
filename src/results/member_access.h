// Getters for field lists, and the number of members of a record, so that a list cannot miss one.
#pragma once

#include <cstddef>
#include <utility>

namespace peakbench::results {

// member<&EabCase::samples>(record), member<&EabCase::peak, &PeakByTag::states>(record)
template <class Record, auto First, auto... Rest>
constexpr auto& member_of(Record& record) {
  if constexpr (sizeof...(Rest) == 0)
    return record.*First;
  else
    return member_of<std::remove_reference_t<decltype(record.*First)>, Rest...>(record.*First);
}

namespace detail {
struct Anything {
  std::size_t ignored;
  template <class Type>
  constexpr operator Type() const noexcept; // never defined
};

template <class Aggregate, std::size_t... Index>
constexpr bool has_members(std::index_sequence<Index...>) {
  return requires { Aggregate{Anything{Index}...}; };
}
} // namespace detail

// How many members an aggregate has: the greatest number of initializers that it takes.
template <class Aggregate, std::size_t Limit = 128>
constexpr std::size_t member_count() {
  if constexpr (detail::has_members<Aggregate>(std::make_index_sequence<Limit>{}))
    return Limit;
  else
    return member_count<Aggregate, Limit - 1>();
}

} // namespace peakbench::results
