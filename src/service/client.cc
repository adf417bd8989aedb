#include "service/client.h"

#include <utility>

#include "io/offload.h"
#include "wire/problem.h"

namespace tandem::service {
namespace {

constexpr std::size_t kMaxAnswerBytes = 16u << 20;  // a hundred jobs with their payloads
constexpr std::size_t kMaxSentenceBytes = 300;

net::HttpClientOptions options_with(const std::atomic<bool>& stop) {
  net::HttpClientOptions options;
  options.connect_timeout_ms = 5000;
  options.timeout_ms = 20'000;
  options.max_answer_bytes = kMaxAnswerBytes;
  options.stop = &stop;
  return options;
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
  if (status >= 200 && status < 300) return std::move(answer.body);
  const std::string saying = "The service answered " + std::to_string(status);
  if (refusal != nullptr) *refusal = answer.body;
  if (status >= 300 && status < 400)
    return fail(Errc::bad_request, saying + ", a redirect, which is not followed");
  Error error = wire::decode_problem(answer.body, code_of(status)).error;
  // A known code of a server that is in trouble stays a reason to try again.
  if (status >= 500 && !row_of(error.code).retryable) error.code = Errc::store_unavailable;
  error.detail = saying + ": " + error.detail.substr(0, kMaxSentenceBytes);
  return error;
}

struct Client::Caller {
  Caller(const std::string& name, const std::atomic<bool>& stop)
      : client(options_with(stop)), thread(name, 1) {}
  net::HttpClient client;
  io::OffloadPool thread;
};

Client::Client()
    : config_(std::make_unique<Caller>("config", cutting_)),
      polls_(std::make_unique<Caller>("polls", cutting_polls_)),
      news_(std::make_unique<Caller>("news", cutting_)),
      reports_(std::make_unique<Caller>("reports", cutting_)) {}

Client::~Client() { stop(); }

Client::Caller& Client::caller_of(Lane lane) {
  switch (lane) {
    case Lane::config: return *config_;
    case Lane::polls: return *polls_;
    case Lane::news: return *news_;
    case Lane::reports: break;
  }
  return *reports_;
}

io::Awaitable<Result<std::string>> Client::call(Lane lane, net::HttpCall call,
                                                std::string* refusal) {
  Caller& caller = caller_of(lane);
  auto perform = [&caller, &call] { return caller.client.perform(call); };
  auto answer = co_await io::offload(caller.thread, perform);
  if (!answer && answer.error().code == Errc::too_large)  // the answer is; 413 is the request
    co_return fail(Errc::store_unavailable, "The service's answer is too large");
  if (!answer) co_return answer.error();
  co_return body_of(std::move(*answer), refusal);
}

void Client::stop() {
  cut();
  for (Caller* caller : {config_.get(), polls_.get(), news_.get(), reports_.get()})
    caller->thread.stop();
}

}  // namespace tandem::service
