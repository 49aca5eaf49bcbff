// The token tree of a case as runs of tokens between branchings, for pictures and texts of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "results/records.h"

namespace peakbench::report {

inline constexpr std::size_t kNone = static_cast<std::size_t>(-1);

struct Segment {
  std::size_t parent = kNone;              // segment before it; none: directly under the prompt
  std::vector<std::size_t> nodes = {};     // of the trace, never empty
  std::vector<std::size_t> children = {};  // segments; those that lead to likelier samples first
  std::size_t sample = kNone;              // that ends here: 0 is the most likely one
  bool kept = false;                       // leads to a sample
  std::vector<std::size_t> pruned_at = {}; // offsets into nodes behind which pruned tokens hang
};

struct TokenTree {
  std::vector<Segment> segments;  // parents first
  std::vector<std::size_t> roots; // as children
  std::size_t pruned_tokens = 0, pruned_ends = 0;
};

// With `with_pruned` pruned paths are segments like others (kept: false), else they only show as
// `pruned_at`. UserError if the trace contradicts itself.
TokenTree tree_of(const results::EabTrace& trace, bool with_pruned);

// Of a case that decoded several prompts together, the part that belongs to the first one.
results::EabTrace first_prompt(const results::EabTrace& trace);

// Token id -> text; "<123>" where the trace does not know it.
class TokenTexts {
public:
  explicit TokenTexts(const results::EabTrace& trace);
  std::string operator()(std::int32_t token) const;
  // Of a segment's tokens, fit to be shown.
  std::string operator()(const results::EabTrace& trace, const Segment& segment) const;

private:
  std::map<std::int32_t, std::string> texts_;
};

// The nodes from the prompt to a sample's leaf.
std::vector<std::size_t> nodes_of(const results::EabTrace& trace,
                                  const results::TraceSample& sample);
// Where the path of a sample branched off, as positions.
std::vector<std::int32_t> branch_positions(const results::EabTrace& trace,
                                           const results::TraceSample& sample);

// The tree as indented text of at most `width` columns.
std::string tree_text(const results::EabTrace& trace, std::size_t width);

} // namespace peakbench::report
