// Rows as bytes, for the way from a process that reads files to the one that asked (guard.h), and
// for hashes of their content. Of this machine only: numbers as they lie in memory.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "results/fields.h"

namespace peakbench::results {

template <class Number>
void put(std::string& bytes, Number number) {
  static_assert(std::is_arithmetic_v<Number>);
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}
inline void put(std::string& bytes, const std::string& text) {
  put(bytes, std::uint64_t{text.size()});
  bytes += text;
}
// NaNs are one value: absent.
inline void put(std::string& bytes, double number) {
  const double value = std::isnan(number) ? kAbsentReal : number;
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// std::runtime_error where the bytes end too early: whoever sent them was out of its mind.
class WireReader {
public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  template <class Number>
  Number number() {
    Number value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view text() { return take(number<std::uint64_t>()); }
  bool at_end() const { return rest_.empty(); }

private:
  std::string_view take(std::size_t count) {
    if (count > rest_.size())
      throw std::runtime_error("a message is cut off");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string_view rest_;
};

template <class Record>
void put_field(std::string& bytes, const Field<Record>& field, const Record& record) {
  // Getters take a mutable record (fields.h); nothing is written here.
  std::visit([&](auto get) { put(bytes, std::as_const(get(const_cast<Record&>(record)))); },
             field.get);
}

template <class Record>
void put_row(std::string& bytes, const Record& record) {
  for (const auto& field : fields<Record>())
    put_field(bytes, field, record);
}

template <class Record>
Record get_row(WireReader& bytes) {
  Record record;
  for (const auto& field : fields<Record>())
    std::visit(
        [&]<class Type>(Type& (*get)(Record&)) {
          if constexpr (std::is_same_v<Type, std::string>)
            get(record) = bytes.text();
          else
            get(record) = bytes.number<Type>();
        },
        field.get);
  return record;
}

} // namespace peakbench::results
