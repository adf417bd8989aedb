#pragma once

#include <cstdint>
#include <string>

#include "io/asio.h"
#include "net/async_http_client.h"

namespace tandem::service {

// Which calls end first when the worker takes nothing more.
enum class Lane : std::uint8_t { polls, calls };

// HTTP to a service that is not to be trusted with our time or memory: each call has a deadline,
// each answer a bound, and no redirect is followed. All of it on the executor's loop.
class Client {
 public:
  // `ca_file`: PEM, whom to trust; empty: the system's.
  explicit Client(io::Executor executor, const std::string& ca_file = {});

  // The body of a 2xx that is no web page: one is store_unavailable. Else, and where there was no
  // answer, an error with a sentence for the operator: the code is the answer's own where it is a
  // problem document, else made of the status: 401 unauthenticated, 403 forbidden, 404, 405 and 410
  // not_found, 409 stale_attempt, 413 too_large, 416 range_not_satisfiable, 400 and 422
  // validation_failed, 5xx and 429 store_unavailable, 3xx and all others bad_request. `refusal` is
  // given the body that came with an error.
  io::Awaitable<Result<std::string>> call(Lane lane, net::HttpCall call,
                                          std::string* refusal = nullptr);

  // How long the last answer on this lane asked to be left alone; 0: it did not. Of calls, on which
  // leases depend, at most 10 s.
  std::int64_t asked_pause_ms(Lane lane) const {
    return lane == Lane::polls ? polls_pause_ms_ : calls_pause_ms_;
  }

  // What is under way ends now, as does what comes later, with shutting_down.
  void cut_polls() { polls_.cut(); }
  void cut();

 private:
  net::AsyncHttpClient polls_, calls_;
  std::int64_t polls_pause_ms_ = 0, calls_pause_ms_ = 0;
};

// What an error of a report means. The attempt is another's, or over, or was never there:
bool is_lost(Errc code);
// It was cut off, or the service is in trouble, or wants other words first:
bool may_be_repeated(const Error& error);

// As above, of an answer.
Result<std::string> body_of(net::HttpAnswer answer, std::string* refusal = nullptr);

}  // namespace tandem::service
