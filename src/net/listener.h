#pragma once

#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <future>
#include <memory>
#include <optional>
#include <set>

#include "io/task_group.h"
#include "net/connection.h"
#include "net/tls.h"
#include "net/websocket.h"

namespace tandem::net {

// The server's part on one loop: an acceptor and the connections that came through it. All calls on
// the loop, but for the constructor.
class Listener {
 public:
  using Tcp = boost::asio::ip::tcp;
  using Acceptor = boost::asio::basic_socket_acceptor<Tcp, io::Executor>;

  Listener(io::Loop& loop, Acceptor acceptor, LoopState state, const TlsContext* tls,
           std::atomic<std::size_t>& open_connections);
  void begin();
  // See Server::stop; `done` is set when nothing is left.
  void end(std::int64_t drain_ms, std::promise<void>& done);
  io::Loop& loop() { return loop_; }

 private:
  io::Awaitable<void> accept_all();
  io::Awaitable<void> serve(TcpSocket socket);
  struct OpenSocket;
  io::Awaitable<std::unique_ptr<OpenSocket>> serve_http(TcpSocket socket);
  io::Awaitable<void> serve_websocket(OpenSocket& socket);
  io::Awaitable<void> refuse_crowd(TcpSocket socket);
  io::Awaitable<void> sweep();
  io::Awaitable<void> wind_down(std::int64_t drain_ms);
  void cut_all();

  io::Loop& loop_;
  Acceptor acceptor_;
  LoopState state_;
  const TlsContext* tls_;
  std::atomic<std::size_t>& open_;
  std::size_t refusing_ = 0;
  std::set<WsLink*> links_;
  io::TaskGroup upkeep_;   // accepting and sweeping
  io::TaskGroup serving_;  // one coroutine for each connection
};

}  // namespace tandem::net
