#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "io/asio.h"
#include "net/http_client.h"

namespace tandem::service {

// Which thread makes a call: those of one lane follow one another.
enum class Lane : std::uint8_t { config, polls, news, reports };

// HTTP to a service that is not to be trusted with our time or memory: each call has a deadline,
// each answer a bound, and no redirect is followed.
class Client {
 public:
  Client();
  ~Client();  // stop()

  // On the caller's loop; the call itself blocks a thread of its own. The body of a 2xx. Else, and
  // where there was no answer, an error with a sentence for the operator: the code is the answer's
  // own where it is a problem document, else made of the status: 401 unauthenticated, 403
  // forbidden, 404, 405 and 410 not_found, 409 stale_attempt, 413 too_large, 416
  // range_not_satisfiable, 400 and 422 validation_failed, 5xx and 429 store_unavailable, 3xx and
  // all others bad_request.
  // `refusal` is given the body that came with an error.
  io::Awaitable<Result<std::string>> call(Lane lane, net::HttpCall call,
                                          std::string* refusal = nullptr);

  // What is under way ends within a second or so, as does what comes later, with shutting_down.
  void cut_polls() { cutting_polls_ = true; }
  void cut() { cutting_polls_ = cutting_ = true; }
  // cut(), then joins the threads.
  void stop();

 private:
  struct Caller;  // a client, and the thread that uses it
  Caller& caller_of(Lane lane);

  std::atomic<bool> cutting_polls_ = false, cutting_ = false;
  std::unique_ptr<Caller> config_, polls_, news_, reports_;
};

// What an error of a report means. The attempt is another's, or over, or was never there:
bool is_lost(Errc code);
// It was cut off, or the service is in trouble, or wants other words first:
bool may_be_repeated(const Error& error);

// As above, of an answer.
Result<std::string> body_of(net::HttpAnswer answer, std::string* refusal = nullptr);

}  // namespace tandem::service
