#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
#include <string>
#include <utility>

#include "net/transport.h"

// Included by websocket.cc only.
namespace tandem::net {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

// One read or write: a step, and as many waits as it takes.
struct StepOperation {
  Transport& transport;
  void* data;
  std::size_t size;
  bool is_write;
  std::string gathered{};  // written in place of data where it is not empty
  bool first = true, settled = false;
  std::size_t bytes = 0;
  ErrorCode result{};

  template <class Self>
  void operator()(Self& self, ErrorCode error = {}) {
    if (settled) return self.complete(result, bytes);
    if (error) return self.complete(error, 0);
    const Step step = size == 0  ? Step{Step::Kind::done, 0}
                      : is_write ? write_step()
                                 : transport.read_now(data, size);
    const bool inside_initiation = std::exchange(first, false);
    if (step.must_wait()) {
      transport.socket().async_wait(Transport::wait_type(step), std::move(self));
      return;
    }
    settled = true;
    bytes = step.bytes;
    if (step.kind == Step::Kind::ended) result = asio::error::eof;
    if (step.kind == Step::Kind::failed) result = asio::error::connection_reset;
    if (!inside_initiation) return self.complete(result, bytes);
    asio::post(transport.socket().get_executor(), std::move(self));
  }

  Step write_step() {
    if (gathered.empty()) return transport.write_now(data, size);
    return transport.write_now(gathered.data(), gathered.size());
  }
};

// Sends FIN and drops what still comes, so that the peer reads our close frame before a reset.
struct DiscardOperation {
  Transport& transport;
  int reads_left = 1024;
  bool first = true;

  template <class Self>
  void operator()(Self& self, ErrorCode error = {}) {
    if (std::exchange(first, false)) {
      transport.shutdown_send();
      asio::post(transport.socket().get_executor(), std::move(self));
      return;
    }
    std::array<char, 4096> dropped;
    while (!error && reads_left-- > 0) {
      const Step step = transport.read_now(dropped.data(), dropped.size());
      if (step.must_wait()) {
        transport.socket().async_wait(Transport::wait_type(step), std::move(self));
        return;
      }
      if (step.kind != Step::Kind::done) break;
    }
    transport.cut();
    self.complete(ErrorCode{});
  }
};

// The first bytes of several small buffers, such as a frame's head and its text, as one; empty if
// the first buffer is worth a write of its own.
template <class Buffers>
std::string gather(const Buffers& buffers) {
  constexpr std::size_t kSmallBytes = 512, kGatheredBytes = 16 * 1024;
  std::string gathered;
  for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers);
       ++it) {
    const asio::const_buffer buffer(*it);
    if (gathered.empty() && buffer.size() >= kSmallBytes) break;
    const std::size_t size = std::min(buffer.size(), kGatheredBytes - gathered.size());
    gathered.append(static_cast<const char*>(buffer.data()), size);
    if (size < buffer.size()) break;
  }
  return gathered;
}

template <class Buffer, class Buffers>
Buffer first_filled(const Buffers& buffers) {
  for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers);
       ++it) {
    const Buffer buffer(*it);
    if (buffer.size() > 0) return buffer;
  }
  return {};
}

// A Transport as Beast wants its streams.
class WsTransport {
 public:
  using executor_type = io::Executor;
  explicit WsTransport(Transport transport) : transport_(std::move(transport)) {}
  executor_type get_executor() { return transport_.socket().get_executor(); }
  Transport& transport() { return transport_; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token);
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token);

 private:
  Transport transport_;
};

template <class Buffers, class Token>
auto WsTransport::async_read_some(const Buffers& buffers, Token&& token) {
  const auto buffer = first_filled<asio::mutable_buffer>(buffers);
  StepOperation operation{transport_, buffer.data(), buffer.size(), false};
  return asio::async_compose<Token, void(ErrorCode, std::size_t)>(std::move(operation), token,
                                                                  get_executor());
}

template <class Buffers, class Token>
auto WsTransport::async_write_some(const Buffers& buffers, Token&& token) {
  const auto buffer = first_filled<asio::const_buffer>(buffers);
  StepOperation operation{transport_, const_cast<void*>(buffer.data()), buffer.size(), true,
                          gather(buffers)};
  return asio::async_compose<Token, void(ErrorCode, std::size_t)>(std::move(operation), token,
                                                                  get_executor());
}

}  // namespace tandem::net
