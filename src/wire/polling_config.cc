#include "wire/json.h"
#include "wire/worker_fields.h"

namespace tandem::wire {

void write_polling_config(JsonWriter& writer, const PollingConfig& config) {
  writer.member("registration_url", config.registration_url)
      .member("polling_url", config.polling_url)
      .member("job_update_url", config.job_update_url)
      .member("status_schema_url", config.status_schema_url)
      .key("claim_url")
      .string_or_null(config.claim_url)
      .key("websocket_url")
      .string_or_null(config.websocket_url)
      .key("push_url")
      .string_or_null(config.push_url);
  writer.key("authentication")
      .begin_object()
      .member("method", config.auth_method)
      .member("header", config.auth_header)
      .member("prefix", config.auth_prefix)
      .end_object();
  writer.key("job_response_template")
      .raw(R"({"task_id":"task-789","payload":{"job_type":"image-processing",)"
           R"("input_url":"https://example.com/image.jpg"}})");
  writer.key("poll")
      .begin_object()
      .key("interval_s")
      .seconds(config.interval_ms)
      .key("max_wait_s")
      .seconds(config.max_wait_ms)
      .key("lease_s")
      .seconds(config.lease_ms)
      .key("heartbeat_s")
      .seconds(config.heartbeat_ms)
      .key("accept_timeout_s")
      .seconds(config.accept_timeout_ms)
      .key("reconnect_s")
      .seconds(config.reconnect_ms)
      .end_object();
  writer.member("config_version", config.config_version);
}

PollingConfig read_polling_config(const loose::Object& object) {
  PollingConfig config;
  config.registration_url = loose::text(object, "registration_url");
  config.polling_url = loose::text(object, "polling_url");
  config.job_update_url = loose::text(object, "job_update_url");
  config.status_schema_url = loose::text(object, "status_schema_url");
  config.claim_url = loose::text(object, "claim_url");
  config.websocket_url = loose::text(object, "websocket_url");
  config.push_url = loose::text(object, "push_url");
  if (const auto* auth = loose::object(object, "authentication")) {
    const auto read = [&](std::string_view name, std::string& out) {
      if (auth->contains(name)) out = loose::text(*auth, name);
    };
    read("method", config.auth_method);
    read("header", config.auth_header);
    read("prefix", config.auth_prefix);
  }
  if (const auto* poll = loose::object(object, "poll")) {
    const auto read = [&](std::string_view name, std::int64_t& out) {
      out = loose::seconds(*poll, name).value_or(out);
    };
    read("interval_s", config.interval_ms);
    read("max_wait_s", config.max_wait_ms);
    read("lease_s", config.lease_ms);
    read("heartbeat_s", config.heartbeat_ms);
    read("accept_timeout_s", config.accept_timeout_ms);
    read("reconnect_s", config.reconnect_ms);
  }
  config.config_version = loose::text(object, "config_version");
  return config;
}

std::string encode_polling_config(const PollingConfig& config, std::span<const std::string> jobs) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object();
  write_polling_config(writer, config);
  writer.key("job").raw_or_null(jobs.empty() ? std::string_view() : std::string_view(jobs.front()));
  writer.key("jobs").begin_array();
  for (const std::string& job : jobs) writer.raw(job);
  writer.end_array().end_object();
  return out;
}

Result<PollingConfig> decode_polling_config(std::string_view body) {
  Document document;
  if (auto parsed = document.parse(body); !parsed) return parsed.error();
  const loose::Object* object = document.root().if_object();
  if (object == nullptr) return fail(Errc::bad_request, "The configuration is no JSON object");
  PollingConfig config = read_polling_config(*object);
  if (config.polling_url.empty())
    return fail(Errc::bad_request, "The configuration has no polling_url");
  return config;
}

}  // namespace tandem::wire
