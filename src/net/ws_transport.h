#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cstddef>
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
  bool first = true, settled = false;
  std::size_t bytes = 0;
  ErrorCode result{};

  template <class Self>
  void operator()(Self& self, ErrorCode error = {}) {
    if (settled) return self.complete(result, bytes);
    if (error) return self.complete(error, 0);
    const Step step = size == 0  ? Step{Step::Kind::done, 0}
                      : is_write ? transport.write_now(data, size)
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
};

// Sends FIN and drops what still comes, so that the peer reads our close frame before a reset.
struct DiscardOperation {
  Transport& transport;
  int reads_left;
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
  void note_close_frame() { has_close_frame_ = true; }
  bool has_close_frame() const { return has_close_frame_; }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token);
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token);

 private:
  Transport transport_;
  bool has_close_frame_ = false;  // the peer's
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
  StepOperation operation{transport_, const_cast<void*>(buffer.data()), buffer.size(), true};
  return asio::async_compose<Token, void(ErrorCode, std::size_t)>(std::move(operation), token,
                                                                  get_executor());
}

}  // namespace tandem::net
