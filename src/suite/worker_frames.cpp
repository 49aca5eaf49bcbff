#include <nlohmann/json.hpp>

#include "suite/worker.h"

namespace peakbench::suite {

namespace {

using Json = nlohmann::json;

std::string bytes_of(const Json& json) {
  std::string bytes;
  Json::to_msgpack(json, bytes);
  return bytes;
}

} // namespace

std::string to_frame(const WorkerJob& job) {
  const Placement& placement = job.placement;
  return bytes_of({{"yaml", job.yaml},
                   {"path", job.path},
                   {"overrides", job.overrides},
                   {"copies", job.copies},
                   {"rank", placement.rank},
                   {"host", placement.host},
                   {"device", placement.device.str()},
                   {"threads", placement.threads},
                   {"environment", placement.environment}});
}

WorkerJob job_of(const std::string& frame) {
  const Json json = Json::from_msgpack(frame);
  WorkerJob job;
  json.at("yaml").get_to(job.yaml);
  json.at("path").get_to(job.path);
  json.at("overrides").get_to(job.overrides);
  json.at("copies").get_to(job.copies);
  json.at("rank").get_to(job.placement.rank);
  json.at("host").get_to(job.placement.host);
  job.placement.device = c10::Device(json.at("device").get<std::string>());
  json.at("threads").get_to(job.placement.threads);
  json.at("environment").get_to(job.placement.environment);
  return job;
}

std::string to_frame(const WorkerReady& ready) {
  return bytes_of({{"plan_hash", ready.plan_hash}, {"error", ready.error}});
}

WorkerReady ready_of(const std::string& frame) {
  const Json json = Json::from_msgpack(frame);
  return {json.at("plan_hash"), json.at("error")};
}

std::string to_frame(const WorkerAnswer& answer) {
  return bytes_of({{"message", Json::binary({answer.message.begin(), answer.message.end()})},
                   {"load_seconds", answer.load_seconds},
                   {"error", answer.error}});
}

WorkerAnswer answer_of(const std::string& frame) {
  const Json json = Json::from_msgpack(frame);
  const auto& message = json.at("message").get_binary();
  return {std::string(message.begin(), message.end()), json.at("load_seconds"), json.at("error")};
}

} // namespace peakbench::suite
