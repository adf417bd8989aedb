#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "io/loop.h"
#include "io/offload.h"
#include "net/server.h"

namespace tandem::net {

// A handler made of two functions; without them it answers 200 with method, path and body.
class ScriptedHandler : public Handler {
 public:
  std::function<RouteDecision(const RequestHead&)> on_decide;
  std::function<io::Awaitable<Response>(Request&)> on_handle;

  RouteDecision decide(const RequestHead& head) override;
  io::Awaitable<Response> handle(Request& request) override;
};

// A server on a free loopback port, with its own loops; stopped at the end.
class TestServer {
 public:
  explicit TestServer(ServerOptions options = {}, std::size_t loops = 1);
  ~TestServer();
  Server& operator*() { return *server_; }
  Server* operator->() { return server_.get(); }
  std::string url(std::string_view path = "/") const { return server_->url() + std::string(path); }
  ScriptedHandler handler;

 private:
  SystemClock clock_;
  std::vector<std::unique_ptr<io::Loop>> loops_;
  io::OffloadPool files_{"files", 1};
  std::unique_ptr<Server> server_;
};

// A blocking client that sends exactly the bytes it is given.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int receive_buffer_bytes = 0);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  bool send(std::string_view bytes);
  void finish_sending();
  // All that comes until the server closes; after 10 s of silence "(still open)" is added.
  std::string read_all();
  // Until `text` holds `needle` or the server closes.
  std::string read_until(std::string_view needle);
  std::string read_some();  // empty: closed

 private:
  int fd_ = -1;
  std::string kept_;
};

std::size_t occurrences(std::string_view text, std::string_view needle);

// A self-signed certificate for 127.0.0.1 with its key, in files that are removed at the end.
class TestCertificate {
 public:
  TestCertificate();
  ~TestCertificate();
  std::string cert_file, key_file;
};

}  // namespace tandem::net
