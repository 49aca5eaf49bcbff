#include "results/traces.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

#include "results/layout.h"
#include "results/lists.h"
#include "results/table.h"
#include "results/text.h"
#include "results/timeline.h"

namespace peakbench::results {

namespace {

constexpr ColumnText kEabColumns[] = {
    {"prompt_tokens", "", "token ids of the encoded prompts, one after the other"},
    {"prompt_lengths", "tokens", "of each prompt"},
    {"nodes.node", "", "number of the node"},
    {"nodes.parent", "", "node before it, -1 directly under the prompt"},
    {"nodes.token", "", "token id"},
    {"nodes.position", "tokens", "0: drawn from the prompt's last logits"},
    {"nodes.log_prob", "nats", "of the token under the distribution it was drawn from"},
    {"nodes.entropy", "1", "normalised entropy of that distribution"},
    {"nodes.branched", "", "the distribution was branched on"},
    {"nodes.prompt", "", "number of the prompt, of those decoded together"},
    {"samples.leaf", "", "last node of the sample"},
    {"samples.log_prob", "nats", "log-probability of the whole path"},
    {"samples.text", "", "decoded text"},
    {"tokens.token", "", "token id of a node"},
    {"tokens.text", "", "its text; special tokens by their names"},
};
constexpr ColumnText kEpColumns[] = {
    {"energy", "1", "energy before settling and after every step of the nudged phase"},
    {"gradient_norm", "1", "norm of the weights' gradient, per layer from the input"},
    {"cosine_to_backprop", "1",
     "cosine of the layer's gradient to back-propagation's, per layer from the input; NaN where "
     "either is zero"},
};

template <class Number>
std::vector<Number> read_numbers(hid_t group, const char* name, hid_t memory_type) {
  const List list(group, name);
  std::vector<Number> numbers(list.count);
  if (list.count > 0)
    check(H5Dread(list.dataset, memory_type, H5S_ALL, H5S_ALL, list.transfer(sizeof(Number)),
                  numbers.data()),
          "H5Dread");
  return numbers;
}

Handle node_type() {
  Handle type(H5Tcreate(H5T_COMPOUND, sizeof(TraceNode)), H5Tclose, "H5Tcreate");
  insert(type, "node", offsetof(TraceNode, node), H5T_NATIVE_INT32);
  insert(type, "parent", offsetof(TraceNode, parent), H5T_NATIVE_INT32);
  insert(type, "token", offsetof(TraceNode, token), H5T_NATIVE_INT32);
  insert(type, "position", offsetof(TraceNode, position), H5T_NATIVE_INT32);
  insert(type, "log_prob", offsetof(TraceNode, log_prob), H5T_NATIVE_DOUBLE);
  insert(type, "entropy", offsetof(TraceNode, entropy), H5T_NATIVE_DOUBLE);
  static_assert(sizeof(bool) == 1);
  insert(type, "branched", offsetof(TraceNode, branched), truth_type());
  insert(type, "prompt", offsetof(TraceNode, prompt), H5T_NATIVE_INT32);
  return type;
}

// TraceSample as HDF5 sees it.
struct RawSample {
  std::int32_t leaf;
  double log_prob;
  const char* text;
};

Handle sample_type() {
  Handle type(H5Tcreate(H5T_COMPOUND, sizeof(RawSample)), H5Tclose, "H5Tcreate");
  insert(type, "leaf", offsetof(RawSample, leaf), H5T_NATIVE_INT32);
  insert(type, "log_prob", offsetof(RawSample, log_prob), H5T_NATIVE_DOUBLE);
  insert(type, "text", offsetof(RawSample, text), text_type());
  return type;
}

// {token, text[width]}: texts of one width can be compressed, others cannot.
Handle token_type(std::size_t width) {
  const Handle text(H5Tcopy(H5T_C_S1), H5Tclose, "H5Tcopy");
  check(H5Tset_size(text, width), "H5Tset_size");
  check(H5Tset_cset(text, H5T_CSET_UTF8), "H5Tset_cset");
  check(H5Tset_strpad(text, H5T_STR_NULLPAD), "H5Tset_strpad");
  Handle type(H5Tcreate(H5T_COMPOUND, sizeof(std::int32_t) + width), H5Tclose, "H5Tcreate");
  insert(type, "token", 0, H5T_NATIVE_INT32);
  insert(type, "text", sizeof(std::int32_t), text);
  return type;
}

void write_tokens(hid_t group, const std::vector<TokenText>& tokens) {
  std::vector<std::string> texts;
  std::size_t width = 1;
  for (const TokenText& one : tokens) {
    texts.push_back(storable_text(one.text));
    width = std::max(width, texts.back().size());
  }
  std::string rows;
  for (std::size_t index = 0; index < tokens.size(); ++index) {
    rows.append(reinterpret_cast<const char*>(&tokens[index].token), sizeof(std::int32_t));
    rows += texts[index];
    rows.append(width - texts[index].size(), '\0');
  }
  const Handle type = token_type(width);
  write_list(group, "tokens", type, type, rows.data(), tokens.size(), true);
}

std::vector<TokenText> read_tokens(hid_t group) {
  const List list(group, "tokens");
  const Handle stored(H5Dget_type(list.dataset), H5Tclose, "H5Dget_type");
  const int column =
      H5Tget_class(stored) == H5T_COMPOUND ? H5Tget_member_index(stored, "text") : -1;
  if (column < 0)
    throw Hdf5Error("tokens without texts");
  const Handle text(H5Tget_member_type(stored, static_cast<unsigned>(column)), H5Tclose,
                    "H5Tget_member_type");
  if (H5Tget_class(text) != H5T_STRING || H5Tis_variable_str(text) != 0)
    throw Hdf5Error("tokens with texts of another type");
  const std::size_t width = H5Tget_size(text), stride = sizeof(std::int32_t) + width;
  std::string rows(list.count * stride, '\0');
  if (list.count > 0)
    check(H5Dread(list.dataset, token_type(width), H5S_ALL, H5S_ALL, list.transfer(stride),
                  rows.data()),
          "H5Dread");
  std::vector<TokenText> tokens(list.count);
  for (std::size_t index = 0; index < list.count; ++index) {
    const char* row = rows.data() + index * stride;
    std::memcpy(&tokens[index].token, row, sizeof(std::int32_t));
    const char* start = row + sizeof(std::int32_t);
    tokens[index].text.assign(start, strnlen(start, width));
  }
  return tokens;
}

void drop_group(hid_t file, const std::string& name) {
  if (has_link(file, name))
    check(H5Ldelete(file, name.c_str(), H5P_DEFAULT), "H5Ldelete");
}

Handle open_group(hid_t file, const std::string& name) {
  return {H5Gopen2(file, name.c_str(), H5P_DEFAULT), H5Gclose, "H5Gopen"};
}

} // namespace

void create_trace_groups(hid_t file) {
  const Handle eab = make_group(file, kEabTraces), ep = make_group(file, kEpTraces);
  describe(eab, kEabColumns);
  describe(ep, kEpColumns);
  describe_timeline(eab);
  describe_timeline(ep);
}

void write_trace(hid_t file, const std::string& case_id, const EabTrace& trace) {
  const std::string name = kEabTraces + ("/" + case_id);
  drop_group(file, name);
  if (trace.prompt_tokens.empty() && trace.nodes.empty() && trace.samples.empty() &&
      trace.timeline.points.empty())
    return;
  const Handle group = make_group(file, name);
  write_list(group, "prompt_tokens", H5T_STD_I32LE, H5T_NATIVE_INT32, trace.prompt_tokens.data(),
             trace.prompt_tokens.size(), true);
  write_list(group, "prompt_lengths", H5T_STD_I32LE, H5T_NATIVE_INT32, trace.prompt_lengths.data(),
             trace.prompt_lengths.size(), true);
  const Handle nodes = node_type();
  write_list(group, "nodes", packed(nodes), nodes, trace.nodes.data(), trace.nodes.size(), true);
  std::vector<std::string> texts;
  for (const TraceSample& sample : trace.samples)
    texts.push_back(storable_text(sample.text));
  std::vector<RawSample> samples;
  for (std::size_t index = 0; index < texts.size(); ++index)
    samples.push_back(
        {trace.samples[index].leaf, trace.samples[index].log_prob, texts[index].c_str()});
  const Handle sample = sample_type();
  write_list(group, "samples", packed(sample), sample, samples.data(), samples.size(), false);
  if (!trace.tokens.empty())
    write_tokens(group, trace.tokens);
  write_timeline(group, trace.timeline);
}

void write_trace(hid_t file, const std::string& case_id, const EpTrace& trace) {
  const std::string name = kEpTraces + ("/" + case_id);
  drop_group(file, name);
  if (trace.energy.empty() && trace.gradient_norm.empty() && trace.timeline.points.empty())
    return;
  const Handle group = make_group(file, name);
  write_list(group, "energy", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, trace.energy.data(),
             trace.energy.size(), true);
  write_list(group, "gradient_norm", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, trace.gradient_norm.data(),
             trace.gradient_norm.size(), true);
  write_list(group, "cosine_to_backprop", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
             trace.cosine_to_backprop.data(), trace.cosine_to_backprop.size(), true);
  write_timeline(group, trace.timeline);
}

bool read_trace(hid_t file, const std::string& case_id, EabTrace& trace) {
  const std::string name = kEabTraces + ("/" + case_id);
  if (!has_link(file, name))
    return false;
  const Handle group = open_group(file, name);
  trace.prompt_tokens = read_numbers<std::int32_t>(group, "prompt_tokens", H5T_NATIVE_INT32);
  if (has_link(group, "prompt_lengths"))
    trace.prompt_lengths = read_numbers<std::int32_t>(group, "prompt_lengths", H5T_NATIVE_INT32);
  else // before several could be decoded together
    trace.prompt_lengths = {static_cast<std::int32_t>(trace.prompt_tokens.size())};

  const List nodes(group, "nodes");
  trace.nodes.resize(nodes.count);
  if (nodes.count > 0)
    check(H5Dread(nodes.dataset, node_type(), H5S_ALL, H5S_ALL, nodes.transfer(sizeof(TraceNode)),
                  trace.nodes.data()),
          "H5Dread");
  if (has_link(group, "tokens")) // files of earlier versions have none
    trace.tokens = read_tokens(group);
  trace.timeline = read_timeline(group);

  const List samples(group, "samples");
  if (samples.count == 0)
    return true;
  const Handle stored(H5Dget_type(samples.dataset), H5Tclose, "H5Dget_type");
  const int text = H5Tget_class(stored) == H5T_COMPOUND ? H5Tget_member_index(stored, "text") : -1;
  constexpr std::size_t kText = 2; // of Field::get
  if (text < 0 || !is_kind(stored, static_cast<unsigned>(text), kText))
    throw Hdf5Error("samples without texts");
  std::vector<RawSample> raw(samples.count, RawSample{});
  const Handle type = sample_type();
  const Handle space(H5Dget_space(samples.dataset), H5Sclose, "H5Dget_space");
  const Texts texts{type, space, raw.data()};
  check(H5Dread(samples.dataset, type, H5S_ALL, H5S_ALL, samples.transfer(sizeof(RawSample)),
                raw.data()),
        "H5Dread");
  for (const RawSample& sample : raw)
    trace.samples.push_back({sample.leaf, sample.log_prob, sample.text ? sample.text : ""});
  return true;
}

bool read_trace(hid_t file, const std::string& case_id, EpTrace& trace) {
  const std::string name = kEpTraces + ("/" + case_id);
  if (!has_link(file, name))
    return false;
  const Handle group = open_group(file, name);
  trace.energy = read_numbers<double>(group, "energy", H5T_NATIVE_DOUBLE);
  trace.gradient_norm = read_numbers<double>(group, "gradient_norm", H5T_NATIVE_DOUBLE);
  if (has_link(group, "cosine_to_backprop")) // files of earlier versions have none
    trace.cosine_to_backprop = read_numbers<double>(group, "cosine_to_backprop", H5T_NATIVE_DOUBLE);
  trace.timeline = read_timeline(group);
  return true;
}

} // namespace peakbench::results
