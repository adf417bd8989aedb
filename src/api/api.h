#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "api/newcomers.h"
#include "api/services.h"
#include "net/handler.h"
#include "queue/direct_outbox.h"
#include "queue/dispatcher_settings.h"

namespace tandem::api {

struct ApiState;

// Everything that clients can ask for over HTTP and WebSocket. Thread-safe; outlives the server
// that it is given to.
class Api final : public net::Handler {
 public:
  explicit Api(const Services& services);
  ~Api() override;

  // Reads which clients and workers exist; blocks. Until it has succeeded, requests with a token
  // are answered with store_unavailable. Errors: store_unavailable.
  Result<void> load();
  // From now on what other servers change of them is read again.
  void follow_accounts();
  // As its record says; good where there is none.
  queue::WorkerStanding standing_of(WorkerId id) const;
  // A try to tell a callback_url, for the metrics.
  void count_callback(std::string_view result);

  net::RouteDecision decide(const net::RequestHead& head) override;
  io::Awaitable<net::Response> handle(net::Request& request) override;
  void served(const net::Served& served) override;
  void failed(const std::string& request_id, const std::string& what) override;

 private:
  void watch_accounts();
  void accounts_changed();
  void read_accounts_again();
  net::RouteDecision decide_now(const net::RequestHead& head);
  io::Awaitable<net::RouteDecision> decide_later(const net::RequestHead& head, Newcomer newcomer);

  Services services_;
  queue::DirectOutbox own_outbox_;
  std::unique_ptr<ApiState> state_;
  std::atomic<bool> accounts_are_old_{false};  // and about to be read again
};

}  // namespace tandem::api
