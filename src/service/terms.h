#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/headers.h"
#include "net/http_client.h"
#include "service/status_names.h"
#include "wire/worker_json.h"

namespace tandem::service {

// How one service is spoken to: its configuration, the token, its words. Never changed once made: a
// new configuration makes new terms.
struct Terms {
  wire::PollingConfig config;
  std::string token;
  StatusNames statuses;

  // A service of ours: numbers attempts, leases them, takes logs and files. Any other one knows no
  // more than the six members of a configuration.
  bool is_tandem() const { return !config.config_version.empty(); }
  // The token, as this service wants it.
  net::Headers headers() const;
  // …/tasks/{id}/logs, beside the address of updates.
  std::string task_url(std::string_view task_id, std::string_view rest) const;
  std::string update_url() const { return config.job_update_url; }
};
using TermsPtr = std::shared_ptr<const Terms>;

// The configuration in a text that may be one, or be a job, or nothing that we know. `interval_ms`:
// between polls, where the service names none. Errors: bad_json, bad_request.
Result<wire::PollingConfig> read_config(std::string_view body, std::int64_t interval_ms);
// The same but for the order and what is no part of it.
bool is_same(const wire::PollingConfig& a, const wire::PollingConfig& b);
net::Headers default_headers(const std::string& token);
// A POST of JSON. Its time is short enough to leave room for another before a lease ends.
net::HttpCall json_call(const Terms& terms, const std::string& url, std::string body);
std::string with_query(const std::string& url, const std::string& query);
// A segment of a path, or a value of a query.
std::string percent_encoded(std::string_view text);

}  // namespace tandem::service
