// The command line: parses, and hands over to src/suite/command_*.cpp.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>

#include "base/build_info.h"
#include "base/error.h"
#include "cluster/session.h"
#include "measure/memory.h"
#include "results/resume_check.h"
#include "results/store.h"
#include "suite/commands.h"
#include "suite/worker.h"

namespace {

using namespace peakbench;

int print_error(const std::exception& error) {
  std::fputs(fmt::format("peakbench: {}\n", error.what()).c_str(), stderr);
  return kExitUserError;
}

std::string command_line(int argc, char** argv) {
  std::string line;
  for (int i = 0; i < argc; ++i)
    line += (i ? " " : "") + std::string(argv[i]);
  return line;
}

// The session outlives everything that communicates. An error that all ranks share is printed once
// and ends the job in order; any other one is known to this rank alone, which ends the job for all.
int run_with_session(int argc, char** argv, const suite::RunOptions& options) {
  results::start_hdf5();
  results::ResumeCheck check; // before MPI
  const cluster::Session session(argc, argv);
  try {
    return suite::run_command(session, options, check);
  } catch (const UserError& error) {
    return session.rank() == 0 ? print_error(error) : kExitUserError;
  } catch (const std::exception& error) {
    session.abort(print_error(error));
  }
}

constexpr const char* kRunExamples = R"(
Examples:
  mpirun -n 2 peakbench run configs/quick.yaml
  peakbench run configs/quick.yaml --set eab.max_paths=5 --out results/five.h5
  peakbench run configs/ep_depth.yaml --set 'ep.depths=[10, 100]' --dry-run
  peakbench run configs/quick.yaml --only ep --retry-failed
  peakbench run configs/quick.yaml --timeline
  peakbench run configs/quick.yaml --part 3/16 --out results/quick.3.h5    one task of a job array
A run whose results file is there already goes on with what is missing. Exit status: 0 all cases ok,
1 some not ok or a check failed, 2 wrong input, 3 interrupted with the results kept.)";

constexpr const char* kListExamples = R"(
Examples:
  peakbench list configs/quick.yaml
  peakbench list configs/quick.yaml --only eab --set eab.temperature=[0.5,1.0])";

constexpr const char* kVerifyExamples = R"(
Examples:
  peakbench verify                   everything, in a minute or two
  peakbench verify memory --device cuda --model models/SmolLM2-135M-Instruct.Q4_1.gguf
  peakbench verify ep
  peakbench verify eab --model synthetic:smollm2-135m
memory: allocations of known size, freed before the reading. ep: every arm against ep_autograd in
float64, memory versus depth, the published slopes. eab: original's and cow's trees, KV against the
least possible. Controls put in something wrong, which the checks must not pass. Exit status 1 if a
check fails.)";

constexpr const char* kModelExamples = R"(
Examples:
  peakbench model models/SmolLM2-135M-Instruct.Q4_1.gguf
  peakbench model models/SmolLM2-135M-Instruct.Q4_1.gguf --prompt "The capital of France is" --greedy 8
  peakbench model FOLDER --prompt "Why are there tides?" --format chat --greedy 40 --dtype bfloat16 --json
  peakbench model synthetic:qwen2.5-3b)";

constexpr const char* kTokenizeExamples = R"(
Examples:
  peakbench tokenize models/SmolLM2-135M-Instruct.Q4_1.gguf --text "The capital of France is"
  peakbench tokenize tokenizer.json --jsonl texts.jsonl
  peakbench tokenize tokenizer.json --text "[504, 3575]" --decode
Without --text and --jsonl the text is read from standard input.)";

struct Commands {
  suite::RunOptions run;
  suite::ListOptions list;
  suite::VerifyOptions verify;
  suite::ModelOptions model;
  suite::TokenizeOptions tokenize;
};

const CLI::IsMember kKinds({"eab", "ep", "comm", "scaling"});

CLI::App* add_run(CLI::App& app, suite::RunOptions& options) {
  CLI::App* run = app.add_subcommand("run", "Measure every case of a configuration");
  run->add_option("CONFIG", options.config, "YAML file")->required();
  run->add_option("--out", options.out, "Results file (default: results/<name>.h5)");
  run->add_option("--set", options.overrides, "KEY=VALUE: overrides, e.g. ep.depths=[10,50]")
      ->allow_extra_args(false);
  run->add_option("--only", options.only, "eab, ep, comm or scaling: leave the others out")
      ->check(kKinds);
  run->add_option("--part", options.part, "I/N: only this part of the cases, for job arrays");
  run->add_flag_callback(
      "--timeline", [&options] { options.overrides.emplace_back("timeline=true"); },
      "Also record memory over time, by tag, in one more repeat of every case");
  run->add_flag("--dry-run", options.dry_run, "Check everything, open the models, measure nothing");
  run->add_flag("--retry-failed", options.retry_failed, "Also repeat cases that did not end ok");
  run->footer(kRunExamples);
  return run;
}

CLI::App* add_list(CLI::App& app, suite::ListOptions& options) {
  CLI::App* list = app.add_subcommand("list", "Print the cases of a configuration");
  list->add_option("CONFIG", options.config, "YAML file")->required();
  list->add_option("--set", options.overrides, "KEY=VALUE")->allow_extra_args(false);
  list->add_option("--only", options.only, "eab, ep, comm or scaling")->check(kKinds);
  list->footer(kListExamples);
  return list;
}

CLI::App* add_verify(CLI::App& app, suite::VerifyOptions& options) {
  CLI::App* verify = app.add_subcommand("verify", "Check all criteria on this machine");
  verify->add_option("WHAT", options.what, "memory, ep or eab (default: all three)")
      ->check(CLI::IsMember({"memory", "ep", "eab"}));
  verify->add_option("--device", options.device, "auto, cpu or cuda")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  verify->add_option("--model", options.model, "Model to generate with, for memory and eab");
  verify->add_flag("--published-gradient", options.published_gradient, "Must fail")->group("");
  verify->footer(kVerifyExamples);
  return verify;
}

CLI::App* add_model(CLI::App& app, suite::ModelOptions& options) {
  CLI::App* model = app.add_subcommand("model", "Describe a model, and let it answer a prompt");
  model->add_option("FILE", options.file, "GGUF file, Hugging Face folder, or synthetic:NAME")
      ->required();
  model->add_option("--prompt", options.prompt, "Text to continue");
  model->add_option("--format", options.format, "raw or chat")
      ->check(CLI::IsMember({"raw", "chat"}));
  model->add_option("--greedy", options.greedy, "How many tokens to continue with")
      ->check(CLI::Range(0, 1000000));
  model->add_option("--dtype", options.dtype, "float32, bfloat16 or float16")
      ->check(CLI::IsMember({"float32", "bfloat16", "float16"}));
  model->add_option("--device", options.device, "auto, cpu or cuda")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  model->add_flag("--json", options.json, "One JSON object");
  model->footer(kModelExamples);
  return model;
}

CLI::App* add_tokenize(CLI::App& app, suite::TokenizeOptions& options) {
  CLI::App* tokenize = app.add_subcommand("tokenize", "Print a text's token ids");
  tokenize->add_option("FILE", options.file, "GGUF, tokenizer.json or a model folder")->required();
  CLI::Option* text = tokenize->add_option("--text", options.text, "The text");
  tokenize->add_option("--jsonl", options.jsonl, "Objects with a text, one per line")
      ->excludes(text);
  tokenize->add_flag(
      "--decode", options.decode,
      "Print text instead, as JSON: of ids given as [1, 2], or of the text's own ids");
  tokenize->footer(kTokenizeExamples);
  return tokenize;
}

int parse_and_run(int argc, char** argv) {
  CLI::App app(
      "peakbench measures what it costs, in peak memory and in time, to share work instead of "
      "repeating it.",
      "peakbench");
  app.set_version_flag("--version",
                       fmt::format("peakbench {} ({}{}), {}", PEAKBENCH_VERSION, git_revision(),
                                   git_dirty() ? ", modified" : "", compiler()));
  app.footer("peakbench SUBCOMMAND --help shows examples.");
  app.require_subcommand(1);
  Commands options;
  const CLI::App* run = add_run(app, options.run);
  const CLI::App* list = add_list(app, options.list);
  const CLI::App* verify = add_verify(app, options.verify);
  const CLI::App* model = add_model(app, options.model);
  add_tokenize(app, options.tokenize);
  const CLI::App* worker = app.add_subcommand("worker")->group(""); // started by `run`
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUserError;
  }
  options.run.command_line = command_line(argc, argv);
  if (worker->parsed())
    return suite::worker_command();
  if (run->parsed())
    return run_with_session(argc, argv, options.run);
  if (list->parsed())
    return suite::list_command(options.list);
  if (verify->parsed())
    return suite::verify_command(options.verify);
  if (model->parsed())
    return suite::model_command(options.model);
  return suite::tokenize_command(options.tokenize);
}

} // namespace

int main(int argc, char** argv) {
  measure::DeviceMemory::of(c10::kCPU); // before any tensor, so that every byte is seen
  try {
    return parse_and_run(argc, argv);
  } catch (const std::exception& error) {
    return print_error(error);
  }
}
