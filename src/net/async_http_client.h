#pragma once

#include <memory>

#include "io/asio.h"
#include "net/http_client.h"

namespace tandem::net {

// An HTTP client on a loop: many calls at a time, no thread of its own (but curl's, for a name that
// is looked up), connections kept open between calls. All of it on the executor's thread.
// HttpClientOptions::stop is not looked at: cut() is there.
class AsyncHttpClient {
 public:
  explicit AsyncHttpClient(io::Executor executor, HttpClientOptions options = {});
  ~AsyncHttpClient();  // cut()
  AsyncHttpClient(const AsyncHttpClient&) = delete;
  AsyncHttpClient& operator=(const AsyncHttpClient&) = delete;

  // As HttpClient::perform. A sink is called on the loop and must not block. May be cancelled.
  io::Awaitable<Result<HttpAnswer>> perform(HttpCall call);
  // What is under way ends with shutting_down, as does all that comes later.
  void cut();

 private:
  class Engine;
  std::shared_ptr<Engine> engine_;  // waits for sockets may end after the client
};

}  // namespace tandem::net
