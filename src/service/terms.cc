#include "service/terms.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "wire/raw_json.h"

namespace tandem::service {
namespace {

constexpr std::int64_t kLeastIntervalMs = 20;  // between polls, whatever a service says

}  // namespace

net::Headers Terms::headers() const {
  net::Headers headers;
  const std::string& name = config.auth_header;
  const std::string& prefix = config.auth_prefix;
  headers.add(name.empty() ? "Authorization" : name, prefix.empty() ? token : prefix + " " + token);
  return headers;
}

net::Headers default_headers(const std::string& token) {
  net::Headers headers;
  headers.add("Authorization", "Bearer " + token);
  return headers;
}

std::string with_query(const std::string& url, const std::string& query) {
  return url + (url.find('?') == std::string::npos ? "?" : "&") + query;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~';
    if (is_plain) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

std::string Terms::task_url(std::string_view task_id, std::string_view rest) const {
  const std::string& update = config.job_update_url;
  return update.substr(0, update.rfind('/')) + "/tasks/" + percent_encoded(task_id) + "/" +
         std::string(rest);
}

net::HttpCall json_call(const Terms& terms, const std::string& url, std::string body) {
  constexpr std::int64_t kLeastMs = 1000, kMostMs = 20'000;
  net::HttpCall call;
  call.method = "POST";
  call.url = url;
  call.headers = terms.headers();
  call.headers.add("Content-Type", "application/json");
  call.body = std::move(body);
  call.timeout_ms = std::clamp(terms.config.lease_ms / 3, kLeastMs, kMostMs);
  return call;
}

Result<wire::PollingConfig> read_config(std::string_view body, std::int64_t interval_ms) {
  auto config = wire::decode_polling_config(body);
  if (!config) return config.error();
  if (config->job_update_url.empty())
    return fail(Errc::bad_request, "The configuration has no job_update_url");
  const auto poll = wire::raw_member(body, "poll");
  const bool says_interval = poll && wire::raw_member(*poll, "interval_s");
  if (!says_interval) config->interval_ms = interval_ms;
  config->interval_ms = std::max(config->interval_ms, kLeastIntervalMs);
  return config;
}

bool is_same(const wire::PollingConfig& a, const wire::PollingConfig& b) {
  return wire::encode_polling_config(a, {}) == wire::encode_polling_config(b, {});
}

}  // namespace tandem::service
