#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <string>
#include <string_view>

#include "io/asio.h"
#include "net/tls.h"

namespace tandem::net {

using TcpSocket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, io::Executor>;

// What a non-blocking step came to.
struct Step {
  enum class Kind { done, wait_read, wait_write, ended, failed } kind = Kind::failed;
  std::size_t bytes = 0;  // with done, never 0
  bool must_wait() const { return kind == Kind::wait_read || kind == Kind::wait_write; }
};

// A connected TCP socket, plain or TLS, as one type. Steps never block and never allocate for long:
// an idle transport holds no buffer of ours. On its loop only.
class Transport {
 public:
  using Wait = boost::asio::socket_base::wait_type;

  explicit Transport(TcpSocket socket, TlsSession tls = {});

  Step read_now(void* data, std::size_t size);
  Step write_now(const void* data, std::size_t size);
  // Waits until a step may go on. Cancelled waits and broken sockets return as well: the caller's
  // next step or its own flag tells.
  io::Awaitable<void> wait(Step step);
  io::Awaitable<bool> handshake();  // false: refused; at once true where plain
  bool distrusts_peer() const;      // after handshake(): the other's certificate did not pass

  // Bytes that were read too much; the next reads give them first.
  void unread(std::string_view bytes);
  bool has_unread() const { return !unread_.empty(); }
  bool peer_is_gone();   // the peer has closed or reset, with nothing left to read
  void cancel();         // pending waits return
  void shutdown_send();  // FIN, after the close_notify of TLS
  void cut();            // closes at once
  bool is_open() const { return socket_.is_open(); }
  bool is_tls() const { return tls_ != nullptr; }
  TcpSocket& socket() { return socket_; }

  static Wait wait_type(Step step) {
    return step.kind == Step::Kind::wait_write ? Wait::wait_write : Wait::wait_read;
  }

 private:
  Step tls_step(int result);

  TcpSocket socket_;
  TlsSession tls_;
  std::string unread_;
};

}  // namespace tandem::net
