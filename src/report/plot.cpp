#include "report/plot.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.h"
#include "report/gnuplot.h"
#include "report/plot_script.h"
#include "report/shown_text.h"

namespace peakbench::report {

namespace fs = std::filesystem;

namespace {

void write_whole(const fs::path& path, const std::string& bytes) {
  const fs::path part = path.string() + ".part";
  errno = 0;
  std::ofstream file(part, std::ios::binary);
  file << bytes << std::flush;
  std::error_code problem;
  if (file)
    fs::rename(part, path, problem);
  if (!file || problem)
    throw UserError("cannot write " + path.string(),
                    problem ? problem.message() : std::strerror(errno), "");
}

std::string escaped(const std::string& text) {
  std::string result;
  for (const char character : shown_text(text))
    result += character == '&'   ? "&amp;"
              : character == '<' ? "&lt;"
              : character == '>' ? "&gt;"
                                 : std::string(1, character);
  return result;
}

// What a browser shows when the pointer rests on the picture, and reads out.
std::string with_title(std::string svg, const std::string& title) {
  const std::string theirs = "<title>Gnuplot</title>";
  if (const std::size_t at = svg.find(theirs); at != svg.npos)
    svg.replace(at, theirs.size(), "<title>" + escaped(title) + "</title>");
  return svg;
}

} // namespace

Style style_number(std::size_t n) {
  static constexpr Style kStyles[] = {
      {Colour::blue, Dash::solid, Marker::disc},
      {Colour::vermillion, Dash::dashed, Marker::square},
      {Colour::green, Dash::dash_dot, Marker::triangle},
      {Colour::purple, Dash::dotted, Marker::diamond},
      {Colour::orange, Dash::solid, Marker::circle},
      {Colour::sky, Dash::dashed, Marker::box},
      {Colour::black, Dash::dash_dot, Marker::cross},
      {Colour::grey, Dash::dotted, Marker::plus},
  };
  return kStyles[n % std::size(kStyles)];
}

std::string svg_of(const Plot& plot) {
  return with_title(run_gnuplot(script_of(plot, Canvas::svg)), plot.title);
}

std::vector<fs::path> files_of(const fs::path& directory, const std::string& name) {
  return {directory / (name + ".svg"), directory / (name + ".png")};
}

void check_absent(const std::vector<fs::path>& files) {
  std::error_code ignored;
  for (const fs::path& file : files)
    if (fs::exists(file, ignored))
      throw UserError("plot " + file.string() + " already exists", "nothing is overwritten",
                      "Add --force, or choose another folder.");
}

std::vector<fs::path> save(const Plot& plot, const fs::path& directory, const std::string& name,
                           bool overwrite) {
  const std::vector<fs::path> files = files_of(directory, name);
  std::error_code problem;
  if (!overwrite)
    check_absent(files);
  const std::string svg = svg_of(plot);
  const std::string png = run_gnuplot(script_of(plot, Canvas::png));
  fs::create_directories(directory, problem);
  if (problem)
    throw UserError("cannot make the folder " + directory.string(), problem.message(), "");
  write_whole(files[0], svg);
  write_whole(files[1], png);
  return files;
}

} // namespace peakbench::report
