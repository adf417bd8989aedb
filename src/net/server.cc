#include "net/server.h"

#include <sys/socket.h>

#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <future>
#include <optional>

#include "base/assert.h"
#include "net/listener.h"

namespace tandem::net {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using Endpoint = Listener::Tcp::endpoint;
using Acceptor = Listener::Acceptor;

constexpr int kBacklog = 1024;
constexpr std::size_t kScratchBytes = 64 * 1024;

Result<Acceptor> listen_on(io::Executor executor, const Endpoint& endpoint, bool shared) {
  Acceptor acceptor(executor);
  ErrorCode error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  const int one = 1;
  if (!error && shared)
    ::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (error == asio::error::address_in_use)
    return fail(Errc::conflict, "The port to listen on is in use.");
  if (error) return fail(Errc::validation_failed, "The server can't listen: " + error.message());
  return acceptor;
}

Result<Endpoint> endpoint_of(const ServerOptions& options) {
  const std::string& text = options.address;
  ErrorCode error;
  const auto address =
      asio::ip::make_address(text == "localhost" ? std::string("127.0.0.1") : text, error);
  if (error) return fail(Errc::validation_failed, "The address to listen on is not an IP address.");
  return Endpoint(address, options.port);
}

}  // namespace

struct Server::Impl {
  ServerParts parts;
  ServerOptions options;
  std::optional<TlsContext> tls;
  std::atomic<std::size_t> open{0};
  std::vector<std::unique_ptr<Listener>> listeners;
  Endpoint endpoint;
  bool started = false;
};

Server::Server(ServerParts parts, ServerOptions options)
    : impl_(new Impl{.parts = std::move(parts), .options = std::move(options)}) {
  TANDEM_ASSERT(!impl_->parts.loops.empty());
}

Server::~Server() { stop(0); }

Result<void> Server::listen() {
  Impl& self = *impl_;
  TANDEM_ASSERT(self.listeners.empty());
  const ServerOptions& options = self.options;
  if (options.tls_cert_file.empty() != options.tls_key_file.empty())
    return fail(Errc::validation_failed, "TLS takes a certificate and a key, or neither.");
  if (!options.tls_cert_file.empty()) {
    auto tls = TlsContext::for_server(options.tls_cert_file, options.tls_key_file);
    if (!tls) return tls.error();
    self.tls.emplace(std::move(*tls));
  }
  auto endpoint = endpoint_of(options);
  if (!endpoint) return endpoint.error();
  self.endpoint = *endpoint;
  {
    // SO_REUSEPORT would share the port even with another server of ours; this bind does not.
    auto probe = listen_on(self.parts.loops.front()->executor(), self.endpoint, false);
    if (!probe) return probe.error();
  }
  SystemRandom random;
  std::vector<std::unique_ptr<Listener>> made;
  for (io::Loop* loop : self.parts.loops) {
    auto acceptor = listen_on(loop->executor(), self.endpoint, true);
    if (!acceptor) return acceptor.error();
    self.endpoint.port(acceptor->local_endpoint().port());
    LoopState state{self.parts.handler,
                    options,
                    self.parts.clock,
                    self.parts.files,
                    RequestIds(random),
                    std::vector<char>(kScratchBytes),
                    {},
                    false,
                    false};
    made.push_back(std::make_unique<Listener>(*loop, std::move(*acceptor), std::move(state),
                                              self.tls ? &*self.tls : nullptr, self.open));
  }
  self.listeners = std::move(made);
  return {};
}

Result<void> Server::start() {
  Impl& self = *impl_;
  if (self.listeners.empty())
    if (auto listening = listen(); !listening) return listening;
  self.started = true;
  for (auto& listener : self.listeners)
    listener->loop().post([listener = listener.get()] { listener->begin(); });
  return {};
}

std::uint16_t Server::port() const { return impl_->endpoint.port(); }

std::string Server::url() const {
  const std::string address = impl_->endpoint.address().to_string();
  const bool v6 = impl_->endpoint.address().is_v6();
  return std::string(impl_->tls ? "https://" : "http://") + (v6 ? "[" + address + "]" : address) +
         ":" + std::to_string(port());
}

void Server::stop(std::int64_t drain_ms) {
  if (!impl_->started) return impl_->listeners.clear();  // the loops may not run
  std::vector<std::promise<void>> done(impl_->listeners.size());
  for (std::size_t i = 0; i < done.size(); ++i) {
    Listener* listener = impl_->listeners[i].get();
    TANDEM_ASSERT(!listener->loop().is_this_thread());
    std::promise<void>& signal = done[i];
    listener->loop().post([listener, drain_ms, &signal] { listener->end(drain_ms, signal); });
  }
  for (auto& signal : done) signal.get_future().wait();
  impl_->listeners.clear();
}

std::size_t Server::connections() const { return impl_->open; }

}  // namespace tandem::net
