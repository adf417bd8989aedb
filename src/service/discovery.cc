#include "service/discovery.h"

#include <algorithm>
#include <utility>

namespace tandem::service {
namespace {

constexpr std::int64_t kCallMs = 20'000;

}  // namespace

net::HttpCall config_call(const std::string& url, const std::string& token, const Terms* known) {
  net::HttpCall call;
  call.url = url;
  const bool polls_too = url.ends_with("/polling/config");  // of ours
  if (known != nullptr && known->is_tandem() && polls_too)
    call.url = with_query(url, "claim=false");
  call.headers = known != nullptr ? known->headers() : default_headers(token);
  call.timeout_ms = kCallMs;
  return call;
}

io::Awaitable<Result<TermsPtr>> make_terms(Client& client, wire::PollingConfig config,
                                           std::string token) {
  auto made = std::make_shared<Terms>();
  made->config = std::move(config);
  made->token = std::move(token);
  if (!made->config.status_schema_url.empty() && !made->is_tandem()) {
    net::HttpCall call;
    call.url = made->config.status_schema_url;
    call.headers = made->headers();
    call.timeout_ms = kCallMs;
    auto body = co_await client.call(Lane::calls, std::move(call));
    if (!body && body.error().code != Errc::not_found) co_return body.error();
    if (body) made->statuses = StatusNames::of_schema(*body);
  }
  co_return TermsPtr(std::move(made));
}

std::int64_t refresh_ms(const Terms& terms) {
  constexpr std::int64_t kLongestMs = 60'000;  // where nothing else tells
  constexpr std::int64_t kLeastMs = 200;
  constexpr int kPolls = 6;  // the same, where polls are less than that apart
  if (terms.is_tandem()) return kLongestMs;
  return std::clamp(terms.config.interval_ms * kPolls, kLeastMs, kLongestMs);
}

bool is_of_token(Errc code) {
  return code == Errc::unauthenticated || code == Errc::token_invalid ||
         code == Errc::token_expired || code == Errc::token_revoked;
}

}  // namespace tandem::service
