#include "report/html_svg.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "report/html_text.h"

namespace peakbench::report {

namespace {

constexpr std::array<std::string_view, 15> kElements{
    "circle",  "defs",     "desc", "filter", "g",    "line",  "path", "pattern",
    "polygon", "polyline", "rect", "svg",    "text", "title", "use"};
constexpr std::array<std::string_view, 36> kAttributes{"class",
                                                       "cx",
                                                       "cy",
                                                       "d",
                                                       "dx",
                                                       "dy",
                                                       "fill-opacity",
                                                       "font-family",
                                                       "font-size",
                                                       "font-style",
                                                       "font-weight",
                                                       "height",
                                                       "opacity",
                                                       "patternUnits",
                                                       "points",
                                                       "r",
                                                       "rx",
                                                       "ry",
                                                       "shape-rendering",
                                                       "stroke-opacity",
                                                       "stroke-width",
                                                       "stroke-dasharray",
                                                       "stroke-linecap",
                                                       "text-anchor",
                                                       "stroke-linejoin",
                                                       "transform",
                                                       "viewBox",
                                                       "width",
                                                       "x",
                                                       "x1",
                                                       "x2",
                                                       "xml:space",
                                                       "y",
                                                       "y1",
                                                       "y2",
                                                       "fill-rule"};

// plot_script.cpp's colours: those of axes and texts, then Okabe's and Ito's.
const std::map<std::string, const char*, std::less<>>& variables() {
  static const std::map<std::string, const char*, std::less<>> kVariables{
      {"0,0,0", "black"},         {"64,64,64", "dark-grey"},     {"128,128,128", "grey"},
      {"228,228,228", "grid"},    {"196,196,196", "light-grey"}, {"230,159,0", "orange"},
      {"86,180,233", "sky"},      {"0,158,115", "green"},        {"0,114,178", "blue"},
      {"213,94,0", "vermillion"}, {"204,121,167", "purple"},     {"255,255,255", "paper"}};
  return kVariables;
}

// "rgb(0, 114, 178)", "black" and "#ffffff" as what the page calls them; empty: no colour.
std::string colour_of(std::string_view value) {
  if (value == "none" || value == "currentColor")
    return std::string(value);
  std::string plain;
  for (const char character : value)
    if (character != ' ')
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(character)));
  if (plain == "black")
    plain = "rgb(0,0,0)";
  if (plain == "#ffffff" || plain == "white")
    plain = "rgb(255,255,255)";
  if (!plain.starts_with("rgb(") || plain.find_first_not_of("0123456789,", 4) != plain.size() - 1 ||
      plain.back() != ')')
    return "";
  const auto known = variables().find(plain.substr(4, plain.size() - 5));
  return known == variables().end() ? plain : "var(--plot-" + std::string(known->second) + ")";
}

bool among(std::span<const std::string_view> list, std::string_view name) {
  return std::ranges::find(list, name) != list.end();
}

struct Attribute {
  std::string_view name, value;
};
struct Tag {
  std::string_view name;
  std::vector<Attribute> attributes;
  bool closing = false, empty = false;
  std::size_t end = 0; // behind its '>'

  std::string_view value(std::string_view of) const {
    for (const Attribute& attribute : attributes)
      if (attribute.name == of)
        return attribute.value;
    return "";
  }
};

class Page {
public:
  Page(std::string_view svg, const SvgNames& names) : svg_(svg), names_(names) {}

  std::string text() && {
    while (at_ < svg_.size())
      step();
    if (!open_.empty() || !begun_)
      throw std::runtime_error("gnuplot drew no complete SVG");
    return std::move(out_);
  }

private:
  struct Open {
    std::string_view name;
    std::size_t start = 0, content = 0; // in out_
  };

  void step() {
    if (svg_.substr(at_).starts_with("<?"))
      return skip_behind("?>");
    if (svg_.substr(at_).starts_with("<!--"))
      return skip_behind("-->");
    Tag tag;
    if (svg_[at_] == '<' && read_tag(tag))
      return tag.closing ? close(tag) : open(tag);
    character();
  }

  void skip_behind(std::string_view end) {
    const std::size_t found = svg_.find(end, at_);
    at_ = found == svg_.npos ? svg_.size() : found + end.size();
  }

  void character() {
    if (in_text())
      out_ += svg_[at_] == '<' ? std::string("&lt;") : std::string(1, svg_[at_]);
    ++at_;
  }
  bool in_text() const {
    return !open_.empty() && (open_.back().name == "text" || open_.back().name == "title");
  }

  static bool is_name(char character) {
    return std::isalnum(static_cast<unsigned char>(character)) || character == '-' ||
           character == ':' || character == '_';
  }
  std::string_view name_at(std::size_t& at) const {
    const std::size_t start = at;
    while (at < svg_.size() && is_name(svg_[at]))
      ++at;
    return svg_.substr(start, at - start);
  }
  void skip_blanks(std::size_t& at) const {
    while (at < svg_.size() && std::isspace(static_cast<unsigned char>(svg_[at])))
      ++at;
  }

  // False if what is here is no tag of an element that gnuplot draws with.
  bool read_tag(Tag& tag) const {
    std::size_t at = at_ + 1;
    if (at < svg_.size() && svg_[at] == '/') {
      tag.closing = true;
      ++at;
    }
    tag.name = name_at(at);
    if (!among(kElements, tag.name) || (in_text() && !tag.closing))
      return false;
    for (;;) {
      skip_blanks(at);
      if (at >= svg_.size())
        return false;
      if (svg_[at] == '/') {
        tag.empty = true;
        ++at;
        continue;
      }
      if (svg_[at] == '>') {
        tag.end = at + 1;
        return !tag.closing || (!open_.empty() && open_.back().name == tag.name);
      }
      const std::string_view name = name_at(at);
      skip_blanks(at);
      if (name.empty() || at + 1 >= svg_.size() || svg_[at] != '=')
        return false;
      ++at;
      skip_blanks(at);
      if (at >= svg_.size() || (svg_[at] != '"' && svg_[at] != '\''))
        return false;
      const std::size_t end = svg_.find(svg_[at], at + 1);
      if (end == svg_.npos)
        return false;
      tag.attributes.push_back({name, svg_.substr(at + 1, end - at - 1)});
      at = end + 1;
    }
  }

  void open(const Tag& tag) {
    const bool sheet = tag.name == "rect" && tag.value("fill") == "#ffffff";
    const bool theirs = open_.size() == 1 && (tag.name == "title" || tag.name == "desc");
    if (tag.name == "filter" || theirs)
      return skip_behind("</" + std::string(tag.name) + ">");
    at_ = tag.end;
    if (sheet)
      return;
    const std::size_t start = out_.size();
    out_ += "<" + std::string(tag.name);
    for (const Attribute& attribute : tag.attributes)
      add(attribute);
    if (open_.empty())
      head();
    out_ += tag.empty ? "/>" : ">";
    if (open_.empty())
      out_ += "<title id=\"" + names_.prefix + "title\">" + escaped(names_.title) +
              "</title><desc id=\"" + names_.prefix + "desc\">" + escaped(names_.description) +
              "</desc>";
    if (!tag.empty)
      open_.push_back({tag.name, start, out_.size()});
    begun_ = true;
  }

  void head() {
    out_ += " role=\"img\" aria-labelledby=\"" + names_.prefix + "title\" aria-describedby=\"" +
            names_.prefix + "desc\"";
  }

  void add(const Attribute& attribute) {
    const auto [name, value] = attribute;
    if (name == "id" && !value.starts_with("gnuplot"))
      put(name, names_.prefix + std::string(value));
    else if ((name == "href" || name == "xlink:href") && value.starts_with('#'))
      put("href", "#" + names_.prefix + std::string(value.substr(1)));
    else if (name == "fill" && value.starts_with("url(#")) // hatching
      put(name, "url(#" + names_.prefix + std::string(value.substr(5)));
    else if (name == "style" && !open_.empty() && open_.back().name == "pattern")
      add_style(value);
    else if (name == "fill" || name == "stroke" || name == "color")
      put(name, colour_of(value));
    else if (among(kAttributes, name))
      put(name, std::string(value));
  }

  // "fill:none; stroke:rgb(0,0,0)" as attributes: the page's policy lets no styles in.
  void add_style(std::string_view style) {
    while (!style.empty()) {
      const std::string_view one = style.substr(0, style.find(';'));
      style.remove_prefix(std::min(style.size(), one.size() + 1));
      const std::size_t name = one.find_first_not_of(' '), colon = one.find(':');
      if (name == one.npos || colon == one.npos || colon < name)
        continue;
      const std::string_view property = one.substr(name, colon - name);
      if (property == "fill" || property == "stroke")
        put(property, colour_of(one.substr(colon + 1)));
    }
  }

  void put(std::string_view name, const std::string& value) {
    if (!value.empty())
      out_ += " " + std::string(name) + "=\"" + escaped(value) + "\"";
  }

  void close(const Tag& tag) {
    const Open last = open_.back();
    open_.pop_back();
    at_ = tag.end;
    const bool named_only =
        tag.name == "title" && out_.substr(last.content).starts_with("gnuplot_");
    if (named_only || (tag.name == "g" && out_.size() == last.content))
      out_.resize(last.start); // many of gnuplot's groups hold nothing
    else
      out_ += "</" + std::string(tag.name) + ">";
  }

  std::string_view svg_;
  const SvgNames& names_;
  std::size_t at_ = 0;
  std::string out_;
  std::vector<Open> open_;
  bool begun_ = false;
};

} // namespace

std::string svg_in_page(const std::string& svg, const SvgNames& names) {
  return Page(svg, names).text();
}

} // namespace peakbench::report
