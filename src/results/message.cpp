// Rows as MessagePack, for the way between ranks. Driven by the field lists; traces as columns.
#include <array>
#include <nlohmann/json.hpp>

#include "results/fields.h"
#include "results/store.h"

namespace peakbench::results {

namespace {

using Json = nlohmann::json;
constexpr const char* kEab = "eab";
constexpr const char* kEp = "ep";
constexpr const char* kComm = "comm";
constexpr const char* kScaling = "scaling";

// Values in the order of the list: sender and receiver are the same program.
template <class Record>
Json pack(const Record& record) {
  Json values = Json::array();
  for (const auto& field : fields<Record>())
    std::visit([&](const auto& value) { values.push_back(value); }, value_of(field, record));
  return values;
}

template <class Record>
Record unpack(const Json& values) {
  Record record;
  std::size_t index = 0;
  for (const auto& field : fields<Record>()) {
    const Json& value = values.at(index++);
    std::visit([&](auto get) { value.get_to(get(record)); }, field.get);
  }
  return record;
}

template <class Record>
Json pack_all(const std::vector<Record>& records) {
  Json list = Json::array();
  for (const Record& record : records)
    list.push_back(pack(record));
  return list;
}

template <class Record>
std::vector<Record> unpack_all(const Json& list) {
  std::vector<Record> records;
  for (const Json& values : list)
    records.push_back(unpack<Record>(values));
  return records;
}

// Columns: a timeline has thousands of points. Nothing where there is none.
Json pack(const Timeline& timeline) {
  if (timeline.points.empty())
    return nullptr;
  Json seconds = Json::array(), phase = Json::array();
  std::array<Json, kTagMembers.size()> bytes;
  for (const TimelinePoint& point : timeline.points) {
    seconds.push_back(point.seconds);
    phase.push_back(point.phase);
    for (std::size_t tag = 0; tag < bytes.size(); ++tag)
      bytes[tag].push_back(point.by_tag.*kTagMembers[tag]);
  }
  return {{"seconds", seconds},
          {"phase", phase},
          {"bytes", bytes},
          {"phases", timeline.phases},
          {"events", timeline.events},
          {"span", timeline.span}};
}

void unpack(const Json& json, Timeline& timeline) {
  if (json.is_null())
    return;
  json.at("phases").get_to(timeline.phases);
  json.at("events").get_to(timeline.events);
  json.at("span").get_to(timeline.span);
  const Json &seconds = json.at("seconds"), &phase = json.at("phase"), &bytes = json.at("bytes");
  timeline.points.resize(seconds.size());
  for (std::size_t index = 0; index < timeline.points.size(); ++index) {
    TimelinePoint& point = timeline.points[index];
    seconds.at(index).get_to(point.seconds);
    phase.at(index).get_to(point.phase);
    for (std::size_t tag = 0; tag < kTagMembers.size(); ++tag) {
      bytes.at(tag).at(index).get_to(point.by_tag.*kTagMembers[tag]);
      point.total += point.by_tag.*kTagMembers[tag];
    }
  }
}

Json pack(const EabTrace& trace) {
  Json nodes = Json::array(), samples = Json::array(), tokens = Json::array();
  for (const TraceNode& node : trace.nodes)
    nodes.push_back({node.node, node.parent, node.token, node.position, node.log_prob, node.entropy,
                     node.branched, node.prompt});
  for (const TraceSample& sample : trace.samples)
    samples.push_back({sample.leaf, sample.log_prob, sample.text});
  for (const TokenText& one : trace.tokens)
    tokens.push_back({one.token, one.text});
  return {{"prompt_tokens", trace.prompt_tokens},
          {"prompt_lengths", trace.prompt_lengths},
          {"nodes", nodes},
          {"samples", samples},
          {"tokens", tokens},
          {"timeline", pack(trace.timeline)}};
}

void unpack(const Json& json, EabTrace& trace) {
  json.at("prompt_tokens").get_to(trace.prompt_tokens);
  json.at("prompt_lengths").get_to(trace.prompt_lengths);
  for (const Json& row : json.at("nodes"))
    trace.nodes.push_back(
        {row.at(0), row.at(1), row.at(2), row.at(3), row.at(4), row.at(5), row.at(6), row.at(7)});
  for (const Json& row : json.at("samples"))
    trace.samples.push_back({row.at(0), row.at(1), row.at(2)});
  for (const Json& row : json.at("tokens"))
    trace.tokens.push_back({row.at(0), row.at(1)});
  unpack(json.value("timeline", Json()), trace.timeline);
}

Json pack(const EpTrace& trace) {
  return {{"energy", trace.energy},
          {"gradient_norm", trace.gradient_norm},
          {"cosine_to_backprop", trace.cosine_to_backprop},
          {"timeline", pack(trace.timeline)}};
}

void unpack(const Json& json, EpTrace& trace) {
  json.at("energy").get_to(trace.energy);
  json.at("gradient_norm").get_to(trace.gradient_norm);
  json.at("cosine_to_backprop").get_to(trace.cosine_to_backprop);
  unpack(json.value("timeline", Json()), trace.timeline);
}

// What a row has beside its record and its repeats.
void pack_parts(const CommRow&, Json&) {}
void pack_parts(const ScalingRow&, Json&) {}
void pack_parts(const EabRow& row, Json& json) { json["trace"] = pack(row.trace); }
void pack_parts(const EpRow& row, Json& json) {
  json["trace"] = pack(row.trace);
  json["components"] = pack_all(row.components);
  json["operations"] = pack_all(row.operations);
  json["training"] = pack_all(row.training);
}
void unpack_parts(const Json&, CommRow&) {}
void unpack_parts(const Json&, ScalingRow&) {}
void unpack_parts(const Json& json, EabRow& row) { unpack(json.at("trace"), row.trace); }
void unpack_parts(const Json& json, EpRow& row) {
  unpack(json.at("trace"), row.trace);
  row.components = unpack_all<EpComponentRow>(json.at("components"));
  row.operations = unpack_all<EpOperationRow>(json.at("operations"));
  row.training = unpack_all<EpTrainingRow>(json.at("training"));
}

template <class Row>
std::string message_of(const char* kind, const Row& row) {
  Json json{{"kind", kind}, {"record", pack(row.record)}, {"repeats", pack_all(row.repeats)}};
  pack_parts(row, json);
  std::string message;
  Json::to_msgpack(json, message);
  return message;
}

template <class Row>
Row row_of(const Json& json) {
  Row row;
  row.record = unpack<decltype(row.record)>(json.at("record"));
  row.repeats = unpack_all<RepeatRow>(json.at("repeats"));
  unpack_parts(json, row);
  return row;
}

constexpr const char* kind_of(const EabRow&) { return kEab; }
constexpr const char* kind_of(const EpRow&) { return kEp; }
constexpr const char* kind_of(const CommRow&) { return kComm; }
constexpr const char* kind_of(const ScalingRow&) { return kScaling; }

} // namespace

std::string to_message(const AnyRow& row) {
  return std::visit([](const auto& known) { return message_of(kind_of(known), known); }, row);
}

AnyRow from_message(const std::string& message) {
  const Json json = Json::from_msgpack(message);
  const std::string kind = json.at("kind");
  if (kind == kEab)
    return row_of<EabRow>(json);
  if (kind == kEp)
    return row_of<EpRow>(json);
  if (kind == kComm)
    return row_of<CommRow>(json);
  if (kind == kScaling)
    return row_of<ScalingRow>(json);
  throw std::runtime_error("message of an unknown kind of case: " + kind);
}

} // namespace peakbench::results
