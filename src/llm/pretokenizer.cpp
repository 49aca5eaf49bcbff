#define PCRE2_CODE_UNIT_WIDTH 8
#include "llm/pretokenizer.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace peakbench::llm {

namespace {

constexpr const char* kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr const char* kDigit = R"(\p{N})";
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct Known {
  std::string_view name;
  std::vector<std::string> patterns;
};
const std::array<Known, 4>& known() {
  static const std::array<Known, 4> all{{{"gpt-2", {kGpt2}},
                                         {"smollm", {kDigit, kGpt2}},
                                         {"qwen2", {kQwen2}},
                                         {"llama-bpe", {kLlama3}}}};
  return all;
}

// \s is Unicode's White_Space in the reference. PCRE2's differs (it has U+180E), so it is spelled
// out.
constexpr std::string_view kBlanks =
    R"(\t-\r\x20\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
// Letters and numbers of Unicode 15 and 16, which the reference knows and PCRE2 before 10.45 does
// not.
constexpr std::string_view kLetters =
    R"(\p{L}\x{1C89}\x{1C8A}\x{A7CB}-\x{A7CD}\x{A7DA}-\x{A7DC}\x{105C0}-\x{105F3}\x{10D4A}-\x{10D65})"
    R"(\x{10D6F}-\x{10D85}\x{10EC2}-\x{10EC4}\x{1123F}\x{11240}\x{11380}-\x{11389}\x{1138B}\x{1138E})"
    R"(\x{11390}-\x{113B5}\x{113B7}\x{113D1}\x{113D3}\x{11BC0}-\x{11BE0}\x{11F02}\x{11F04}-\x{11F10})"
    R"(\x{11F12}-\x{11F33}\x{1342F}\x{13441}-\x{13446}\x{13460}-\x{143FA}\x{16100}-\x{1611D})"
    R"(\x{16D40}-\x{16D6C}\x{18CFF}\x{1B132}\x{1B155}\x{1DF25}-\x{1DF2A}\x{1E030}-\x{1E06D})"
    R"(\x{1E4D0}-\x{1E4EB}\x{1E5D0}-\x{1E5ED}\x{1E5F0}\x{2B739}\x{2EBF0}-\x{2EE5D}\x{31350}-\x{323AF})";
constexpr std::string_view kNumbers =
    R"(\p{N}\x{10D40}-\x{10D49}\x{116D0}-\x{116E3}\x{11BF0}-\x{11BF9}\x{11F50}-\x{11F59})"
    R"(\x{16130}-\x{16139}\x{16D70}-\x{16D79}\x{1CCF0}-\x{1CCF9}\x{1D2C0}-\x{1D2D3})"
    R"(\x{1E4F0}-\x{1E4F9}\x{1E5F1}-\x{1E5FA})";

// The pattern with the reference's meaning of \s, \S, \p{L} and \p{N}.
std::string translate(std::string_view pattern) {
  struct Escape {
    std::string_view text, members;
    bool negated;
  };
  constexpr std::array<Escape, 4> escapes{{{"\\s", kBlanks, false},
                                           {"\\S", kBlanks, true},
                                           {"\\p{L}", kLetters, false},
                                           {"\\p{N}", kNumbers, false}}};
  std::string result;
  bool in_class = false;
  while (!pattern.empty()) {
    std::size_t taken = 1;
    if (pattern[0] == '\\') {
      taken = std::min<std::size_t>(2, pattern.size());
      std::string replaced(pattern.substr(0, taken));
      for (const Escape& escape : escapes) {
        if (!pattern.starts_with(escape.text) || (escape.negated && in_class))
          continue;
        replaced = escape.members;
        if (!in_class)
          replaced = (escape.negated ? "[^" : "[") + replaced + "]";
        taken = escape.text.size();
      }
      result += replaced;
    } else {
      if (pattern[0] == '[')
        in_class = true;
      if (pattern[0] == ']')
        in_class = false;
      result += pattern[0];
    }
    pattern.remove_prefix(taken);
  }
  return result;
}

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
struct FreeMatch {
  void operator()(pcre2_match_data* match) const { pcre2_match_data_free(match); }
};

std::string error_text(int error) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

} // namespace

class PreTokenizer::Pattern {
public:
  Pattern(const std::string& pattern, const std::string& file) : file_(file) {
    // Set operations of the reference's engine mean something else here.
    if (pattern.find("&&") != std::string::npos)
      throw UserError(
          fmt::format("'{}': pre-tokenizer pattern '{}' is not supported", file, pattern),
          "it intersects character classes", "");
    const std::string translated = translate(pattern);
    int error = 0;
    PCRE2_SIZE offset = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                              PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset,
                              nullptr));
    if (!code_)
      throw UserError(
          fmt::format("'{}': pre-tokenizer pattern '{}' is not supported", file, pattern),
          error_text(error), "");
    pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE); // where it cannot, matching interprets
  }

  void split(std::string_view text, std::vector<std::string_view>& pieces) const {
    const std::unique_ptr<pcre2_match_data, FreeMatch> match(pcre2_match_data_create(1, nullptr));
    const std::unique_ptr<pcre2_match_context, FreeContext> context(
        pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(context.get(), limit_for(text));
    const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    std::size_t done = 0, from = 0;
    while (from < text.size()) {
      // The text has been checked; checking again in every call would be quadratic.
      int found = pcre2_match(code_.get(), subject, text.size(), from, PCRE2_NO_UTF_CHECK,
                              match.get(), context.get());
      if (found == PCRE2_ERROR_JIT_STACKLIMIT)
        found = pcre2_match(code_.get(), subject, text.size(), from,
                            PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, match.get(), context.get());
      if (found == PCRE2_ERROR_NOMATCH)
        break;
      if (found < 0)
        throw UserError(fmt::format("'{}': the pre-tokenizer pattern failed", file_),
                        error_text(found), "");
      const PCRE2_SIZE* at = pcre2_get_ovector_pointer(match.get());
      if (at[0] < done || at[1] < at[0]) // a lookaround with \K, where PCRE2 allows it
        throw UserError(fmt::format("'{}': the pre-tokenizer pattern cuts backwards", file_));
      if (at[1] == at[0]) { // an empty match cuts nothing
        from = at[1] + 1;
        while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0) == 0x80)
          ++from;
        continue;
      }
      if (at[0] > done)
        pieces.push_back(text.substr(done, at[0] - done));
      pieces.push_back(text.substr(at[0], at[1] - at[0]));
      done = from = at[1];
    }
    if (done < text.size())
      pieces.push_back(text.substr(done));
  }

private:
  // Steps of one match. A pattern that tries every way to cut a text ends in an error; those of
  // published models go through a text a few times at most.
  static std::uint32_t limit_for(std::string_view text) {
    constexpr std::size_t kLeast = 100'000, kPerByte = 20, kMost = 1 << 30;
    return static_cast<std::uint32_t>(std::min(kMost, kLeast + kPerByte * text.size()));
  }

  std::string file_;
  std::unique_ptr<pcre2_code, FreeCode> code_;
};

PreTokenizer::PreTokenizer() = default;
PreTokenizer::PreTokenizer(PreTokenizer&&) noexcept = default;
PreTokenizer& PreTokenizer::operator=(PreTokenizer&&) noexcept = default;
PreTokenizer::~PreTokenizer() = default;

const char* PreTokenizer::byte_level_pattern() { return kGpt2; }

PreTokenizer PreTokenizer::from_patterns(const std::vector<std::string>& patterns,
                                         const std::string& file) {
  PreTokenizer result;
  result.name_ = "custom";
  for (const Known& one : known())
    if (one.patterns == patterns)
      result.name_ = one.name;
  for (const std::string& pattern : patterns)
    result.patterns_.push_back(std::make_unique<Pattern>(pattern, file));
  return result;
}

PreTokenizer PreTokenizer::named(const std::string& name, const std::string& file) {
  std::string names;
  for (const Known& one : known()) {
    if (one.name == name)
      return from_patterns(one.patterns, file);
    names += (names.empty() ? "" : ", ") + std::string(one.name);
  }
  throw UserError(fmt::format("'{}': pre-tokenizer '{}' is not supported", file, name),
                  "supported: " + names, "");
}

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
  std::vector<std::string_view> pieces;
  if (!text.empty())
    pieces.push_back(text);
  for (const auto& pattern : patterns_) {
    std::vector<std::string_view> finer;
    finer.reserve(pieces.size() + text.size() / 4);
    for (std::string_view piece : pieces)
      pattern->split(piece, finer);
    pieces = std::move(finer);
  }
  return pieces;
}

} // namespace peakbench::llm
