// The token tree for a terminal.
#include <fmt/format.h>

#include "report/numbers.h"
#include "report/shown_text.h"
#include "report/token_tree.h"

namespace peakbench::report {

namespace {

constexpr std::size_t kPrunedShown = 20; // more pruned paths are only counted

class Writer {
public:
  Writer(const results::EabTrace& trace, const TokenTree& tree, std::size_t width)
      : trace_(trace), tree_(tree), texts_(trace), width_(width) {}

  std::string text() && {
    for (const std::size_t root : tree_.roots)
      write(root, "", root == tree_.roots.back());
    return std::move(text_);
  }

private:
  // Tokens in front, so that a run that starts with a blank does not look indented.
  void write(std::size_t index, const std::string& before, bool last) {
    const Segment& segment = tree_.segments[index];
    const results::TraceNode& first = trace_.nodes[segment.nodes.front()];
    std::string end;
    if (segment.sample != kNone)
      end =
          fmt::format("  #{}  {:.2f}", segment.sample + 1, trace_.samples[segment.sample].log_prob);
    else if (!segment.kept && segment.children.empty())
      end = "  (pruned)";
    std::string begin = before + (last ? "└ " : "├ ");
    begin += first.branched ? fmt::format("[{} H {:.2f}] ", first.position, first.entropy)
                            : fmt::format("[{}] ", first.position);
    const std::size_t used = display_width(begin) + display_width(end);
    const std::size_t room = used + 8 < width_ ? width_ - used : 8;
    text_ += begin + cut_to_width(texts_(trace_, segment), room) + end + "\n";
    const std::string inside = before + (last ? "  " : "│ ");
    for (const std::size_t child : segment.children)
      write(child, inside, child == segment.children.back());
  }

  const results::EabTrace& trace_;
  const TokenTree& tree_;
  TokenTexts texts_;
  std::size_t width_;
  std::string text_;
};

} // namespace

std::string tree_text(const results::EabTrace& trace, std::size_t width) {
  TokenTree tree = tree_of(trace, true);
  const std::size_t pruned = tree.pruned_ends;
  const bool shown = pruned <= kPrunedShown;
  if (!shown)
    tree = tree_of(trace, false);
  std::string text = Writer(trace, tree, width).text();
  if (!shown)
    text += fmt::format("{} pruned paths ({} tokens) are left out\n", pruned, tree.pruned_tokens);
  return text;
}

} // namespace peakbench::report
