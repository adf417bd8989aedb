#include "app/worker_identity.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "app/host_name.h"
#include "app/installation.h"
#include "app/version.h"
#include "base/random.h"
#include "net/http_client.h"
#include "service/back_off.h"
#include "service/client.h"
#include "service/complaints.h"
#include "service/retry_after.h"
#include "service/terms.h"
#include "wire/fleet_json.h"
#include "wire/json_writer.h"
#include "wire/raw_json.h"

namespace tandem::app {
namespace {

using service::body_of;
using service::default_headers;

constexpr std::int64_t kStepMs = 50;  // between looks whether to stop

// `asked_ms`: how long the service asks to be left alone.
Result<std::string> perform(net::HttpClient& client, const net::HttpCall& call,
                            std::int64_t& asked_ms) {
  auto answer = client.perform(call);
  if (!answer) return answer.error();
  asked_ms = service::retry_after_ms(*answer);
  return body_of(std::move(*answer));
}

net::HttpClientOptions client_options(const config::Settings& settings,
                                      const std::atomic<bool>& stop) {
  net::HttpClientOptions options;
  options.ca_file = settings.ca_file;
  options.timeout_ms = 20'000;
  options.max_answer_bytes = 1u << 20;
  options.stop = &stop;
  return options;
}

net::HttpCall json_post(std::string url, const std::string& token, std::string body) {
  net::HttpCall call;
  call.method = "POST";
  call.url = std::move(url);
  call.headers = default_headers(token);
  call.headers.add("Content-Type", "application/json");
  call.body = std::move(body);
  return call;
}

// Beside the configuration's, where a service of ours has it.
std::string token_url(const std::string& config_url) {
  const std::string path = config_url.substr(0, config_url.find_first_of("?#"));
  return path.substr(0, path.rfind('/')) + "/token";
}

// Not reached, or in trouble; a page of something on the way that is no service.
bool may_change(const Error& error) {
  return row_of(error.code).retryable || error.code == Errc::bad_json ||
         error.code == Errc::bad_request || error.code == Errc::not_found;
}

}  // namespace

wire::Registration registration_of(const config::Settings& settings,
                                   std::vector<std::string> job_types) {
  wire::Registration registration;
  registration.host = host_name();
  if (registration.host.empty()) registration.host = "worker";
  registration.name = settings.worker_name.empty() ? registration.host : settings.worker_name;
  registration.mode =
      wire::worker_mode_from(settings.worker_mode).value_or(wire::WorkerMode::hybrid);
  for (const std::string& label : settings.worker_labels) {
    const std::size_t equals = label.find('=');
    const bool has_value = equals != std::string::npos;
    registration.labels[label.substr(0, equals)] = has_value ? label.substr(equals + 1) : "";
  }
  registration.job_types = settings.job_types;
  if (registration.job_types.empty()) registration.job_types = std::move(job_types);
  registration.queues = settings.queues;
  registration.slots = settings.slots;
  registration.version = kVersion;
  return registration;
}

Result<WorkerIdentity> IdentitySource::find(const wire::Registration& registration) const {
  if (!settings_.worker_token.empty()) return WorkerIdentity{{}, settings_.worker_token};
  if (auto known = saved()) return known;
  if (settings_.registration_token.empty())
    return fail(Errc::unauthenticated,
                "No worker token: set TANDEM_WORKER_TOKEN, or TANDEM_REGISTRATION_TOKEN to "
                "register; " +
                    file().string() + " holds none for this service");
  return registered(registration);
}

Result<WorkerIdentity> IdentitySource::saved() const {
  auto text = read_file(file());
  if (!text) return text.error();
  if (auto sound = wire::check_json(*text); !sound) return sound.error();
  WorkerIdentity known{wire::string_member(*text, "worker_id"),
                       wire::string_member(*text, "worker_token")};
  const bool is_same = wire::string_member(*text, "config_url") == settings_.config_url;
  if (!is_same || known.worker_token.empty())
    return fail(Errc::not_found, "No token for this service was saved");
  return known;
}

Result<WorkerIdentity> IdentitySource::registered(const wire::Registration& registration) const {
  SystemRandom random;
  service::BackOff pause(random);
  while (!stop_) {
    std::int64_t asked_ms = 0;
    auto answer = register_once(registration, asked_ms);
    if (answer) {
      WorkerIdentity identity{std::move(answer->worker_id), std::move(answer->worker_token)};
      if (auto kept = save(identity); !kept) return kept.error();
      spdlog::info("registered as {}", registration.name);
      return identity;
    }
    if (!may_change(answer.error())) return answer.error();
    spdlog::warn("Registering fails: {}; it is tried again",
                 service::one_line(answer.error().detail));
    for (std::int64_t left_ms = pause.next_ms(asked_ms); left_ms > 0 && !stop_; left_ms -= kStepMs)
      std::this_thread::sleep_for(std::chrono::milliseconds(kStepMs));
  }
  return fail(Errc::shutting_down, "It was stopped before it was registered");
}

Result<wire::Registered> IdentitySource::register_once(const wire::Registration& registration,
                                                       std::int64_t& asked_ms) const {
  net::HttpClient client(client_options(settings_, stop_));
  net::HttpCall call;
  call.url = settings_.config_url;
  call.headers = default_headers(settings_.registration_token);
  auto body = perform(client, call, asked_ms);
  if (!body) return body.error();
  auto config = service::read_config(*body, settings_.poll_interval_ms);
  if (!config) return config.error();
  if (config->registration_url.empty())
    return fail(Errc::bad_request, "The configuration has no registration_url");
  body = perform(client,
                 json_post(config->registration_url, settings_.registration_token,
                           wire::encode_registration(registration)),
                 asked_ms);
  if (!body) return body.error();
  return wire::decode_registered(*body);
}

Result<WallTime> IdentitySource::rotate() const {
  const auto known = saved();
  if (!known) return known.error();
  std::int64_t asked_ms = 0;
  net::HttpClient client(client_options(settings_, stop_));
  const auto body = perform(
      client, json_post(token_url(settings_.config_url), known->worker_token, "{}"), asked_ms);
  if (!body) return body.error();
  auto rotated = wire::decode_rotated_token(*body);
  if (!rotated) return rotated.error();
  auto kept = save({known->worker_id, std::move(rotated->worker_token)});
  if (!kept) return kept.error();
  return rotated->previous_valid_until;
}

Result<void> IdentitySource::save(const WorkerIdentity& identity) const {
  std::string text;
  wire::JsonWriter writer(text);
  writer.begin_object()
      .member("config_url", settings_.config_url)
      .member("worker_id", identity.worker_id)
      .member("worker_token", identity.worker_token)
      .end_object();
  return write_file(file(), text + "\n", 0600);
}

}  // namespace tandem::app
