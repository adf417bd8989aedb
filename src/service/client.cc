#include "service/client.h"

#include <algorithm>
#include <utility>

#include "service/retry_after.h"
#include "wire/problem.h"

namespace tandem::service {
namespace {

constexpr std::size_t kMaxAnswerBytes = 16u << 20;  // a hundred jobs with their payloads
constexpr std::size_t kMaxSentenceBytes = 300;
constexpr std::int64_t kLongestCallPauseMs = 10'000;  // the shortest usual lease has room for it

net::HttpClientOptions options(const std::string& ca_file) {
  net::HttpClientOptions how;
  how.ca_file = ca_file;
  how.connect_timeout_ms = 5000;
  how.timeout_ms = 20'000;
  how.max_answer_bytes = kMaxAnswerBytes;
  return how;
}

Errc code_of(int status) {
  switch (status) {
    case 401: return Errc::unauthenticated;
    case 403: return Errc::forbidden;
    case 404:
    case 405:
    case 410: return Errc::not_found;
    case 408: return Errc::request_timeout;
    case 409: return Errc::stale_attempt;
    case 413: return Errc::too_large;
    case 416: return Errc::range_not_satisfiable;
    case 400:
    case 422: return Errc::validation_failed;
    case 429: return Errc::store_unavailable;
    default: return status >= 500 ? Errc::store_unavailable : Errc::bad_request;
  }
}

// Something on the way shows it to a person: a login, a notice. What a service says may come as
// text/html too, where its framework calls everything so.
bool is_page(const net::HttpAnswer& answer) {
  constexpr std::string_view kHtml = "text/html";
  const std::size_t begin = answer.body.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (begin == std::string::npos) return false;
  const std::string_view text = std::string_view(answer.body).substr(begin);
  const auto begins_with = [text](std::string_view start) {
    return net::same_name(text.substr(0, start.size()), start);
  };
  const std::string_view type = answer.headers.get("Content-Type");
  const bool is_html = net::same_name(type.substr(0, kHtml.size()), kHtml);
  return (is_html && text.front() == '<') || begins_with("<!doctype html") || begins_with("<html");
}

}  // namespace

bool is_lost(Errc code) {
  return code == Errc::stale_attempt || code == Errc::not_found || code == Errc::already_finished;
}

bool may_be_repeated(const Error& error) {
  const bool is_of_token = row_of(error.code).http_status == 401 || error.code == Errc::forbidden;
  return row_of(error.code).retryable || is_of_token || error.code == Errc::bad_request;
}

Result<std::string> body_of(net::HttpAnswer answer, std::string* refusal) {
  const int status = answer.status;
  const bool is_fine = status >= 200 && status < 300;
  const std::string saying = "The service answered " + std::to_string(status);
  if (is_fine && is_page(answer))
    return fail(Errc::store_unavailable, saying + " with a web page, which is not its own");
  if (is_fine) return std::move(answer.body);
  if (refusal != nullptr) *refusal = answer.body;
  if (status >= 300 && status < 400)
    return fail(Errc::bad_request, saying + ", a redirect, which is not followed");
  Error error = wire::decode_problem(answer.body, code_of(status)).error;
  // A known code of a server that is in trouble stays a reason to try again.
  if (status >= 500 && !row_of(error.code).retryable) error.code = Errc::store_unavailable;
  error.detail = saying + ": " + error.detail.substr(0, kMaxSentenceBytes);
  return error;
}

Client::Client(io::Executor executor, const std::string& ca_file)
    : polls_(executor, options(ca_file)), calls_(executor, options(ca_file)) {}

void Client::cut() {
  polls_.cut();
  calls_.cut();
}

io::Awaitable<Result<std::string>> Client::call(Lane lane, net::HttpCall call,
                                                std::string* refusal) {
  net::AsyncHttpClient& client = lane == Lane::polls ? polls_ : calls_;
  auto answer = co_await client.perform(std::move(call));
  if (!answer && answer.error().code == Errc::too_large)  // the answer is; 413 is the request
    co_return fail(Errc::store_unavailable, "The service's answer is too large");
  const std::int64_t asked_ms = answer ? retry_after_ms(*answer) : 0;
  if (lane == Lane::polls)
    polls_pause_ms_ = asked_ms;
  else
    calls_pause_ms_ = std::min(asked_ms, kLongestCallPauseMs);
  if (!answer) co_return answer.error();
  co_return body_of(std::move(*answer), refusal);
}

}  // namespace tandem::service
