#include <future>
#include <stdexcept>

#include "integration/test_server.h"
#include "io/loop.h"
#include "io/task_group.h"
#include "net/ws_client.h"

namespace tandem::api {

struct TestSocket::Impl {
  io::Loop loop{"test socket"};
  io::TaskGroup group{loop.executor()};
  std::shared_ptr<net::WsPeer> peer;
  std::optional<Error> refused;
  int close_code = 0;

  // Runs `work` on the loop to its end.
  void run(io::Awaitable<void> work) {
    auto done = std::make_shared<std::promise<void>>();
    loop.post([this, done, held = std::make_shared<io::Awaitable<void>>(std::move(work))] {
      group.spawn("test", finish(std::move(*held), done));
    });
    if (done->get_future().wait_for(std::chrono::seconds(60)) != std::future_status::ready)
      throw std::runtime_error("the socket is silent");
  }
  static io::Awaitable<void> finish(io::Awaitable<void> work,
                                    std::shared_ptr<std::promise<void>> done) {
    co_await std::move(work);
    done->set_value();
  }
  io::Awaitable<void> open(net::WsClientOptions options) {
    auto opened = co_await net::connect_websocket(std::move(options));
    if (opened)
      peer = std::move(*opened);
    else
      refused = opened.error();
  }
  io::Awaitable<void> take(std::optional<std::string>& message) {
    message = co_await peer->receive();
    if (!message) close_code = peer->closed_by().code;
  }
  io::Awaitable<void> end() {
    if (peer) {
      peer->close(net::ws_code::kNormal, "");
      while (true) {
        const std::optional<std::string> rest = co_await peer->receive();
        if (!rest) break;
      }
    }
    peer.reset();
  }
};

TestSocket::TestSocket(const TestServer& server, std::string path, std::string token,
                       net::Headers headers, std::vector<std::string> offer)
    : impl_(std::make_unique<Impl>()) {
  impl_->loop.start();
  net::WsClientOptions options;
  options.url = server.url() + path;
  options.headers = std::move(headers);
  if (!token.empty()) options.headers.set("Authorization", "Bearer " + token);
  options.subprotocols = std::move(offer);
  options.max_message_bytes = 16 * 1024 * 1024;
  impl_->run(impl_->open(std::move(options)));
}

TestSocket::~TestSocket() {
  impl_->run(impl_->end());
  impl_->loop.stop();
  impl_->group.abandon();
}

std::optional<Error> TestSocket::refused() const { return impl_->refused; }

void TestSocket::send(std::string text) {
  impl_->loop.post([this, held = std::make_shared<const std::string>(std::move(text))] {
    impl_->peer->send(held);
  });
}

std::optional<std::string> TestSocket::receive() {
  std::optional<std::string> message;
  impl_->run(impl_->take(message));
  return message;
}

int TestSocket::close_code() { return impl_->close_code; }

}  // namespace tandem::api
