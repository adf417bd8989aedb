// URLs that clients give for callbacks: what is let through leads to no private address, in any
// spelling of it that the system's own resolver takes.
#include <netdb.h>
#include <sys/socket.h>

#include <memory>

#include "net/outgoing_guard.h"
#include "tests/fuzz/target.h"

namespace tandem::fuzz {
namespace {

// The address that a host spells; nothing is asked of the network.
std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> spelled_address(const std::string& host) {
  addrinfo hints{}, *found = nullptr;
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) found = nullptr;
  return {found, &::freeaddrinfo};
}

void check_url(const std::string& url) {
  static const net::OutgoingGuard guard({});
  const auto allowed = guard.check(url);
  if (!allowed) {
    TANDEM_ASSERT(allowed.error().code == Errc::validation_failed);
    return;
  }
  const std::string host = net::host_of_url(url);
  TANDEM_ASSERT(!host.empty() && host != "localhost" && !host.ends_with('.'));
  if (const auto address = spelled_address(host))
    TANDEM_ASSERT(net::is_public_address(address->ai_addr) &&
                  guard.may_connect(host, address->ai_addr));
}

}  // namespace

// The input as a URL, and as the host of one.
void check(std::string_view input) {
  const std::string text(input.substr(0, input.find('\0')));
  check_url(text);
  check_url("http://" + text + "/path");
}

}  // namespace tandem::fuzz
