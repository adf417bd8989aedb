#include "api/polling_config.h"

#include "api/answers.h"
#include "api/byte_range.h"
#include "api/own_url.h"
#include "api/query_params.h"
#include "api/resources.h"
#include "api/routes.h"
#include "auth/secret.h"
#include "wire/task_json.h"

namespace tandem::api {
namespace {

constexpr std::int64_t kUsualWaitMs = 30'000;  // what a worker is advised to wait for jobs
constexpr std::size_t kVersionChars = 16;

}  // namespace

wire::PollingConfig polling_config(const Call& call) {
  const config::Settings& settings = call.services().settings;
  const bool has_polling = settings.assignment_mode != config::AssignmentMode::push;
  const bool has_push = settings.assignment_mode != config::AssignmentMode::polling;
  const std::string own = own_url(settings, call.request);
  const std::string side = own + "/" + std::string(side_of(*call.caller.route));
  wire::PollingConfig config;
  config.registration_url = side + "register";
  config.polling_url = side + "config";
  config.job_update_url = side + "update";
  config.status_schema_url = side + "config/statuses";
  if (has_polling) config.claim_url = own + "/api/v1/polling/claim";
  if (has_polling) config.websocket_url = socket_url(own) + "/api/v1/polling/ws";
  if (has_push) config.push_url = socket_url(own) + "/api/v1/workers/ws";
  config.interval_ms = settings.poll_interval_ms;
  config.max_wait_ms = kUsualWaitMs;
  config.lease_ms = settings.lease_ms;
  config.heartbeat_ms = settings.heartbeat_ms;
  config.accept_timeout_ms = settings.accept_timeout_ms;
  config.reconnect_ms = settings.reconnect_ms;
  const std::string text = wire::encode_polling_config(config, {});
  config.config_version = auth::sha256_hex(text).substr(0, kVersionChars);
  return config;
}

net::Response config_answer(const Call& call, std::span<const std::string> jobs) {
  const wire::PollingConfig config = polling_config(call);
  const std::string etag = "\"" + config.config_version + "\"";
  const std::string* known = call.request.headers.find("If-None-Match");
  const bool is_known = jobs.empty() && known != nullptr && has_etag(*known, etag);
  auto response = is_known ? net::Response::empty(304)
                           : net::Response::json(wire::encode_polling_config(config, jobs));
  response.headers.set("ETag", etag);
  response.headers.set("Cache-Control", "no-store");
  return response;
}

Answer get_push_config(Call& call) {
  QueryParams params(call.request.target.query, {});
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  co_return config_answer(call, {});
}

Answer get_statuses(Call& call) {
  QueryParams params(call.request.target.query, {});
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  co_return net::Response::json(std::string(wire::statuses_json()));
}

}  // namespace tandem::api
