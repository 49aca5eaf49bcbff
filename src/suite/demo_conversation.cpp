#include "suite/demo_conversation.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "base/error.h"
#include "report/file_plots.h"
#include "suite/config_reader.h"
#include "suite/interrupt.h"

namespace peakbench::suite {

namespace fs = std::filesystem;

namespace {

struct Command {
  const char *name, *arguments, *meaning;
};
// Beside the settings.
constexpr Command kCommands[] = {
    {"compare", "on|off", "on: every arm, for the comparison; off: cow alone"},
    {"plots", "on|off", "save pictures for every prompt from now on"},
    {"show", "", "the settings as they are"},
    {"tree", "", "the last prompt's token tree"},
    {"help", "", "this text"},
    {"quit", "", "the end (as is the end of the input)"},
};

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos)
    return "";
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string help_text() {
  std::string text = "A line is a prompt; a line that begins with / is a command:\n";
  for (const DemoSetting& setting : demo_settings())
    if (setting.changeable)
      text += fmt::format("  {:24} {}\n", fmt::format("/{} VALUE", setting.name), setting.meaning);
  for (const Command& command : kCommands)
    text += fmt::format("  {:24} {}\n", fmt::format("/{} {}", command.name, command.arguments),
                        command.meaning);
  return text + "A setting without a value is shown. Examples: /threshold 0.1   /arms cow,naive\n";
}

[[noreturn]] void refuse_unknown(const std::string& name) {
  std::vector<std::string> names;
  for (const DemoSetting& setting : demo_settings())
    if (setting.changeable)
      names.emplace_back(setting.name);
  for (const Command& command : kCommands)
    names.emplace_back(command.name);
  const std::string guess = closest(name, names);
  throw UserError(fmt::format("no command /{}", name), "",
                  guess.empty() ? "/help lists them."
                                : fmt::format("Did you mean /{}? /help lists them all.", guess));
}

void refuse_argument(const std::string& name, const std::string& value) {
  if (!value.empty())
    throw UserError(fmt::format("/{} takes no value, not `{}`", name, value));
}

} // namespace

Conversation::Conversation(const DemoOptions& options)
    : options_(options), terminal_(isatty(STDIN_FILENO) != 0), input_(STDIN_FILENO),
      progress_(std::cerr, isatty(STDERR_FILENO) != 0), session_(options.settings, progress_) {
  // What is wrong with the model is told before the first question.
  session_.check(options_.settings, "a prompt");
}

int Conversation::run() {
  if (terminal_)
    std::cout << "Ask something. /help explains the commands, /quit ends.\n";
  for (;;) {
    const InterruptWatch watch;
    if (terminal_)
      std::cout << "\nprompt> " << std::flush;
    std::string line;
    const LineReader::Got got = input_.read(line);
    if (got != LineReader::Got::line) {
      if (terminal_)
        std::cout << std::endl;
      return got == LineReader::Got::end ? kExitOk : kExitInterrupted;
    }
    line = trimmed(line);
    try {
      if (line.empty())
        continue;
      if (line[0] != '/')
        answer(line);
      else if (!obey(line.substr(1)))
        return kExitOk;
    } catch (const Interrupted&) {
      std::cerr << "interrupted: this prompt has no result" << std::endl;
    } catch (const std::exception& error) { // whatever it was, the next prompt may do better
      std::cerr << "peakbench-demo: " << error.what() << std::endl;
    }
    std::cout << std::flush;
  }
}

bool Conversation::obey(const std::string& line) {
  const std::size_t space = line.find_first_of(" \t");
  const std::string name = line.substr(0, space);
  const std::string value = space == line.npos ? "" : trimmed(line.substr(space));
  if (name == "compare" || name == "plots") {
    turn(name, value);
    return true;
  }
  if (const DemoSetting* setting = find_demo_setting(name); setting && setting->changeable) {
    change(name, value);
    return true;
  }
  if (name != "help" && name != "show" && name != "tree" && name != "quit")
    refuse_unknown(name);
  refuse_argument(name, value);
  if (name == "help")
    std::cout << help_text();
  else if (name == "show")
    show();
  else if (name == "tree" && !last_)
    throw UserError("no tree yet", "", "Ask something first.");
  else if (name == "tree")
    std::cout << demo_tree(*last_);
  return name != "quit";
}

void Conversation::change(const std::string& name, const std::string& value) {
  if (!value.empty())
    options_.settings.set(name, value, "/" + name);
  std::cout << name << " " << options_.settings.get(name) << '\n';
}

void Conversation::turn(const std::string& name, const std::string& value) {
  if (value != "on" && value != "off")
    throw UserError(fmt::format("/{} cannot be `{}`", name, value), "allowed: on, off", "");
  const bool on = value == "on";
  if (name == "compare")
    return change("arms", on ? kAllArms : kOneArm);
  if (on)
    report::require_gnuplot();
  options_.save_plots = on;
  std::cout << "plots " << (on ? "in " + options_.plots : value) << '\n';
}

void Conversation::show() const {
  for (const DemoSetting& setting : demo_settings())
    std::cout << fmt::format("{:15} {}\n", setting.name, options_.settings.get(setting.name));
  std::cout << fmt::format("{:15} {}\n", "plots", options_.save_plots ? options_.plots : "off");
  std::cout << fmt::format("{:15} {}\n", "out", options_.out.empty() ? "off" : options_.out);
}

// Every prompt has files of its own: the first number that is free.
std::string Conversation::free_prefix() const {
  std::error_code ignored;
  for (int number = 1;; ++number) {
    const std::string prefix = fmt::format("{}-", number);
    bool taken = false;
    for (const char* name : kDemoPlots)
      for (const fs::path& file : report::files_of(options_.plots, prefix + name))
        taken = taken || fs::exists(file, ignored);
    if (!taken)
      return prefix;
  }
}

std::string Conversation::free_out() const {
  if (options_.out.empty())
    return "";
  const fs::path path = options_.out;
  std::error_code ignored;
  for (int number = 1;; ++number) {
    const fs::path one = path.parent_path() / fmt::format("{}-{}{}", path.stem().string(), number,
                                                          path.extension().string());
    if (!fs::exists(one, ignored))
      return one.string();
  }
}

void Conversation::answer(const std::string& prompt) {
  last_ = session_.run(options_.settings, prompt, free_out(), options_.command_line);
  present(*last_);
}

void Conversation::present(const DemoResult& result) {
  std::cout << demo_text(result);
  if (!result.data.path.empty())
    std::cout << "\nresults: " << result.data.path << '\n';
  if (!options_.save_plots)
    return;
  std::cout << '\n';
  for (const fs::path& file :
       report::save_all(demo_plots(result, free_prefix()), options_.plots, false))
    std::cout << "plot: " << file.string() << '\n';
}

} // namespace peakbench::suite
