#include "store/postgres/postgres_bell.h"

#include <algorithm>
#include <chrono>

#include "store/postgres/handshake.h"

namespace tandem::store {
namespace {

constexpr int kSliceMs = 200;  // how soon a stop is noticed
constexpr std::int64_t kPauseMs = 500, kBlindMs = 100;

std::string channel_of(const Uuid& server) {
  std::string name = to_string(server);
  std::erase(name, '-');
  return "tandem_" + name;
}

}  // namespace

PostgresBell::PostgresBell(const std::string& url, ServerId server, std::function<void()> ring)
    : channel_(channel_of(server)), ring_(std::move(ring)) {
  auto address = postgres::Address::parse(url);
  if (address) thread_ = std::thread([this, address = *address] { run(address); });
}

PostgresBell::~PostgresBell() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void PostgresBell::run(const postgres::Address& address) {
  while (!stopping_) {
    auto connection = postgres::Connection::open(address, postgres::patience::kReopenMs);
    const bool is_good = connection && postgres::shake_hands(**connection);
    if (is_good && (*connection)->is_direct()) {
      listen(**connection);
      wait(kPauseMs);
    } else if (is_good) {
      connection->reset();
      for (int i = 0; i < 100 && !stopping_; ++i) {
        ring_();
        wait(kBlindMs);
      }
    } else {
      wait(kPauseMs);
    }
  }
}

// Until the connection is lost. What came before it began may have been missed.
bool PostgresBell::listen(postgres::Connection& connection) {
  const std::string listen = "listen " + channel_ + "; listen tandem_submissions";
  if (!connection.run_script(listen, postgres::patience::kReopenMs)) return false;
  ring_();
  while (!stopping_) {
    const auto rung = connection.await_notice(kSliceMs);
    if (!rung) return false;
    if (*rung) ring_();
  }
  return true;
}

void PostgresBell::wait(std::int64_t ms) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  while (!stopping_ && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min<std::int64_t>(ms, kSliceMs)));
}

}  // namespace tandem::store
