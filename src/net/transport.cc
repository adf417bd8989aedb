#include "net/transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <cerrno>
#include <climits>
#include <cstring>

namespace tandem::net {
namespace {

using Kind = Step::Kind;

Step socket_step(ssize_t result, Kind wait) {
  if (result > 0) return {Kind::done, static_cast<std::size_t>(result)};
  if (result == 0) return {Kind::ended, 0};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {wait, 0};
  return {Kind::failed, 0};
}

int bounded(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, INT_MAX)); }

}  // namespace

Transport::Transport(TcpSocket socket, TlsSession tls)
    : socket_(std::move(socket)), tls_(std::move(tls)) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
}

Step Transport::tls_step(int result) {
  if (result > 0) return {Kind::done, static_cast<std::size_t>(result)};
  const int saved = errno;
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ: return {Kind::wait_read, 0};
    case SSL_ERROR_WANT_WRITE: return {Kind::wait_write, 0};
    case SSL_ERROR_ZERO_RETURN: return {Kind::ended, 0};
    case SSL_ERROR_SYSCALL: return {result == 0 || saved == 0 ? Kind::ended : Kind::failed, 0};
    default: return {Kind::failed, 0};
  }
}

Step Transport::read_now(void* data, std::size_t size) {
  if (!socket_.is_open()) return {Kind::failed, 0};
  if (!unread_.empty()) {
    const std::size_t n = std::min(size, unread_.size());
    std::memcpy(data, unread_.data(), n);
    if (n == unread_.size()) {
      std::string().swap(unread_);
    } else {
      unread_.erase(0, n);
    }
    return {Kind::done, n};
  }
  if (!tls_) return socket_step(::recv(socket_.native_handle(), data, size, 0), Kind::wait_read);
  ERR_clear_error();
  errno = 0;
  return tls_step(SSL_read(tls_.get(), data, bounded(size)));
}

Step Transport::write_now(const void* data, std::size_t size) {
  if (!socket_.is_open()) return {Kind::failed, 0};
  if (!tls_) {
    return socket_step(::send(socket_.native_handle(), data, size, MSG_NOSIGNAL), Kind::wait_write);
  }
  ERR_clear_error();
  errno = 0;
  return tls_step(SSL_write(tls_.get(), data, bounded(size)));
}

io::Awaitable<void> Transport::wait(Step step) {
  boost::system::error_code ignored;
  co_await socket_.async_wait(wait_type(step),
                              boost::asio::redirect_error(io::use_awaitable, ignored));
}

io::Awaitable<bool> Transport::handshake() {
  if (!tls_) co_return true;
  while (socket_.is_open()) {
    ERR_clear_error();
    errno = 0;
    const Step step = tls_step(SSL_do_handshake(tls_.get()));
    if (step.kind == Kind::done) co_return true;
    if (!step.must_wait()) co_return false;
    boost::system::error_code failed;
    co_await socket_.async_wait(wait_type(step),
                                boost::asio::redirect_error(io::use_awaitable, failed));
    if (failed) co_return false;
  }
  co_return false;
}

bool Transport::distrusts_peer() const {
  return tls_ && SSL_get_verify_result(tls_.get()) != X509_V_OK;
}

void Transport::unread(std::string_view bytes) { unread_.insert(0, bytes); }

bool Transport::peer_is_gone() {
  if (!socket_.is_open()) return true;
  char byte = 0;
  const ssize_t n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void Transport::cancel() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Transport::shutdown_send() {
  if (!socket_.is_open()) return;
  if (tls_) {
    ERR_clear_error();
    if (SSL_is_init_finished(tls_.get())) SSL_shutdown(tls_.get());
  }
  boost::system::error_code ignored;
  socket_.shutdown(boost::asio::socket_base::shutdown_send, ignored);
}

void Transport::cut() {
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace tandem::net
