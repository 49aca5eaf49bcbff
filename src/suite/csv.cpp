#include "suite/csv.h"

#include <fmt/format.h>

#include "base/error.h"

namespace peakbench::suite {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class Parser {
public:
  Parser(const std::string& text, const std::string& file)
      : text_(text), file_(file), at_(text.starts_with(kByteOrderMark) ? 3 : 0) {}

  std::vector<CsvRow> rows() {
    std::vector<CsvRow> rows;
    while (at_ < text_.size()) {
      if (const std::size_t end = line_end(at_)) {
        next_line(end);
        continue;
      }
      rows.push_back(row());
    }
    return rows;
  }

private:
  // Length of the line end that stands at `at`, 0 if none does.
  std::size_t line_end(std::size_t at) const {
    if (text_.compare(at, 2, "\r\n") == 0)
      return 2;
    return text_.compare(at, 1, "\n") == 0 ? 1 : 0;
  }
  bool cell_ends(std::size_t at) const {
    return at >= text_.size() || text_[at] == ',' || line_end(at) > 0;
  }
  void next_line(std::size_t length) {
    at_ += length;
    ++line_;
  }

  CsvRow row() {
    CsvRow row{line_, {}};
    for (;; ++at_) {
      row.cells.push_back(at_ < text_.size() && text_[at_] == '"' ? quoted() : plain());
      if (at_ >= text_.size() || text_[at_] != ',')
        break;
    }
    if (at_ < text_.size())
      next_line(line_end(at_));
    return row;
  }

  std::string plain() {
    const std::size_t begin = at_;
    for (; !cell_ends(at_); ++at_)
      if (text_[at_] == '"')
        throw UserError(fmt::format("{}:{}: a quote inside a cell", file_, line_),
                        "only a cell that begins with a quote may have one",
                        R"(write the cell as "...", with "" for each quote in it)");
    return text_.substr(begin, at_ - begin);
  }

  std::string quoted() {
    const std::size_t first_line = line_;
    std::string cell;
    for (++at_; at_ < text_.size();) {
      if (text_[at_] == '"') {
        if (cell_ends(at_ + 1)) {
          ++at_;
          return cell;
        }
        at_ += text_[at_ + 1] == '"' ? 2 : 1;
        cell += '"';
        continue;
      }
      line_ += text_[at_] == '\n';
      cell += text_[at_++];
    }
    throw UserError(fmt::format("{}:{}: a quoted cell does not end", file_, first_line),
                    "a quote opens it and none closes it", "");
  }

  const std::string& text_;
  const std::string& file_;
  std::size_t at_ = 0, line_ = 1;
};

} // namespace

std::vector<CsvRow> parse_csv(const std::string& text, const std::string& file) {
  return Parser(text, file).rows();
}

} // namespace peakbench::suite
