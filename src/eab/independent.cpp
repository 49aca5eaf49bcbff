// Independent samples: the arms `naive` (one after the other), `naive_batched` (side by side, the
// prompt computed for each) and `prefill_once` (side by side, the prompt's cache copied).
#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "eab/decoder.h"

namespace peakbench::eab {

namespace {

// Draws one token for every row, row i of the logits for row i, or their only row for all.
void draw_rows(Decoder& decoder, at::Tensor logits, std::int64_t position,
               std::vector<Path>& rows) {
  std::vector<DrawSource> sources;
  const bool one_for_all = logits.size(0) == 1;
  for (std::size_t i = 0; i < rows.size(); ++i)
    sources.push_back(decoder.source(one_for_all ? 0 : static_cast<std::int64_t>(i), rows[i]));
  decoder.read(std::move(logits), position, sources);
  const Stopwatch clock(decoder.sampling_seconds());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Distribution& distribution = decoder.sampler().distribution(i);
    const Draw draw = decoder.sampler().draw(i, 1);
    rows[i] = decoder.extend(rows[i], draw.tokens.front(), position, distribution.entropy, false,
                             std::min(draw.gap, distribution.edge_gap), rows[i].lineage);
  }
  decoder.sampler().clear();
}

// Rows that have ended leave, and free their KV where they have any yet.
void complete_rows(Decoder& decoder, std::vector<Path>& rows, bool all) {
  std::vector<Path> going_on;
  for (const Path& row : rows) {
    if (!all && !decoder.ends(row)) {
      going_on.push_back(row);
      continue;
    }
    decoder.complete(row);
    if (row.kv >= 0)
      decoder.store().release(row.kv);
  }
  rows = std::move(going_on);
}

// Rows whose prompt is computed and whose first token is drawn, to their end.
void decode_rows(Decoder& decoder, std::vector<Path> rows) {
  const std::int64_t tokens = decoder.task().settings.max_new_tokens;
  complete_rows(decoder, rows, tokens == 1);
  for (std::int64_t position = 1; position < tokens && !rows.empty(); ++position) {
    const Stopwatch clock(decoder.step_seconds());
    decoder.count_step();
    draw_rows(decoder, decoder.step(rows), position, rows);
    complete_rows(decoder, rows, position + 1 == tokens);
  }
}

// Samples [first, first + count) up to their first token, the prompt computed for each of them.
std::vector<Path> with_own_prompts(Decoder& decoder, std::size_t prompt, std::int64_t first,
                                   std::int64_t count) {
  std::vector<Path> rows;
  std::vector<llm::PathId> ids;
  for (std::int64_t i = 0; i < count; ++i) {
    ids.push_back(decoder.store().create());
    rows.push_back({.kv = ids.back(), .prompt = prompt, .lineage = sample_lineage(first + i)});
  }
  draw_rows(decoder, decoder.prefill(prompt, ids), 0, rows);
  decoder.mark_first_token();
  return rows;
}

// The same from one computation of the prompt, copied to those that go on after their first token.
std::vector<Path> with_copied_prompt(Decoder& decoder, std::size_t prompt, std::int64_t count) {
  llm::KvStore& store = decoder.store();
  const llm::PathId once = store.create();
  std::vector<Path> rows;
  for (std::int64_t i = 0; i < count; ++i)
    rows.push_back({.prompt = prompt, .lineage = sample_lineage(i)});
  draw_rows(decoder, decoder.prefill(prompt, std::vector{once}), 0, rows);
  decoder.mark_first_token();
  bool taken = false;
  const bool goes_on = decoder.task().settings.max_new_tokens > 1;
  for (Path& row : rows) {
    if (!goes_on || decoder.ends(row))
      continue;
    row.kv = taken ? store.fork(once) : once;
    taken = true;
  }
  if (!taken)
    store.release(once);
  return rows;
}

} // namespace

JointGeneration generate_independent(const Task& task) {
  Decoder decoder(task, llm::KvKind::dense);
  const Arm arm = task.settings.arm;
  std::vector<Path> together;
  for (std::size_t prompt = 0; prompt < task.prompts.size(); ++prompt) {
    const std::int64_t asked = task.prompts[prompt].samples;
    const std::int64_t samples = asked > 0 ? asked : task.settings.samples;
    if (arm == Arm::naive) {
      for (std::int64_t i = 0; i < samples; ++i)
        decode_rows(decoder, with_own_prompts(decoder, prompt, i, 1));
      continue;
    }
    const std::vector<Path> rows = arm == Arm::naive_batched
                                       ? with_own_prompts(decoder, prompt, 0, samples)
                                       : with_copied_prompt(decoder, prompt, samples);
    together.insert(together.end(), rows.begin(), rows.end());
  }
  decode_rows(decoder, std::move(together));
  return std::move(decoder).finish();
}

} // namespace peakbench::eab
