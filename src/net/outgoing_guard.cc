#include "net/outgoing_guard.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

namespace tandem::net {
namespace {

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

struct Ipv4Net {
  std::uint32_t address;
  int bits;
};
constexpr std::uint32_t ipv4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return a << 24 | b << 16 | c << 8 | d;
}
// The IANA registry of special addresses, what is not globally reachable, and multicast.
constexpr std::array kClosedIpv4 = {
    Ipv4Net{ipv4(0, 0, 0, 0), 8},      Ipv4Net{ipv4(10, 0, 0, 0), 8},
    Ipv4Net{ipv4(100, 64, 0, 0), 10},  Ipv4Net{ipv4(127, 0, 0, 0), 8},
    Ipv4Net{ipv4(169, 254, 0, 0), 16}, Ipv4Net{ipv4(172, 16, 0, 0), 12},
    Ipv4Net{ipv4(192, 0, 0, 0), 24},   Ipv4Net{ipv4(192, 0, 2, 0), 24},
    Ipv4Net{ipv4(192, 88, 99, 0), 24}, Ipv4Net{ipv4(192, 168, 0, 0), 16},
    Ipv4Net{ipv4(198, 18, 0, 0), 15},  Ipv4Net{ipv4(198, 51, 100, 0), 24},
    Ipv4Net{ipv4(203, 0, 113, 0), 24}, Ipv4Net{ipv4(224, 0, 0, 0), 3},
};

struct Ipv6Net {
  std::array<std::uint8_t, 4> begin;
  int bits;
};
// Within 2000::/3, which is all that is let through: protocol assignments with Teredo,
// documentation, 6to4, documentation.
constexpr std::array kClosedIpv6 = {
    Ipv6Net{{0x20, 0x01, 0x00, 0x00}, 23},
    Ipv6Net{{0x20, 0x01, 0x0d, 0xb8}, 32},
    Ipv6Net{{0x20, 0x02, 0x00, 0x00}, 16},
    Ipv6Net{{0x3f, 0xff, 0x00, 0x00}, 20},
};

std::uint32_t top(std::uint32_t address, int bits) { return address >> (32 - bits); }

bool is_public(const in_addr& address) {
  const std::uint32_t number = ntohl(address.s_addr);
  return std::none_of(kClosedIpv4.begin(), kClosedIpv4.end(), [&](const Ipv4Net& net) {
    return top(number, net.bits) == top(net.address, net.bits);
  });
}

bool is_public(const in6_addr& address) {
  const std::uint8_t* b = address.s6_addr;
  const std::uint32_t number = ipv4(b[0], b[1], b[2], b[3]);
  if (top(number, 3) != 1) return false;
  return std::none_of(kClosedIpv6.begin(), kClosedIpv6.end(), [&](const Ipv6Net& net) {
    const auto& n = net.begin;
    return top(number, net.bits) == top(ipv4(n[0], n[1], n[2], n[3]), net.bits);
  });
}

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string out(text);
  curl_free(text);
  return out;
}

Url parse(const std::string& text) {
  Url url(curl_url());
  const bool is_read = url && curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
  return is_read ? std::move(url) : nullptr;
}

std::string plain_host(std::string host) {
  std::transform(host.begin(), host.end(), host.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  while (host.ends_with('.')) host.pop_back();
  // curl has done this to a host that was not escaped: 0x7f.1 and 2130706433 are 127.0.0.1.
  char decimal[INET_ADDRSTRLEN];
  if (in_addr v4{}; ::inet_aton(host.c_str(), &v4) != 0)
    return ::inet_ntop(AF_INET, &v4, decimal, sizeof decimal);
  return host;
}

// A host that is an address, or a name that means one: is it closed?
bool is_closed_host(const std::string& host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  if (in_addr v4{}; ::inet_pton(AF_INET, host.c_str(), &v4) == 1) return !is_public(v4);
  // An address with a zone is one of this machine's networks.
  return host.find(':') != std::string::npos && [&] {
    in6_addr v6{};
    return ::inet_pton(AF_INET6, host.c_str(), &v6) != 1 || !is_public(v6);
  }();
}

}  // namespace

bool is_public_address(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return is_public(v4.sin_addr);
  }
  if (address->sa_family != AF_INET6) return false;
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, sizeof v6);
  return is_public(v6.sin6_addr);
}

OutgoingGuard::OutgoingGuard(std::vector<std::string> allowed_hosts)
    : allowed_hosts_(std::move(allowed_hosts)) {
  for (std::string& host : allowed_hosts_) host = plain_host(std::move(host));
}

Result<void> OutgoingGuard::check(const std::string& text) const {
  const Url url = parse(text);
  const std::string scheme = url ? part_of(url.get(), CURLUPART_SCHEME) : std::string();
  const std::string host = url ? plain_host(part_of(url.get(), CURLUPART_HOST)) : std::string();
  if ((scheme != "http" && scheme != "https") || host.empty())
    return fail(Errc::validation_failed, "must be an http or https URL");
  const bool has_user = !part_of(url.get(), CURLUPART_USER).empty() ||
                        !part_of(url.get(), CURLUPART_PASSWORD).empty();
  if (has_user) return fail(Errc::validation_failed, "must not hold a user name or a password");
  if (is_closed_host(host) && !is_allowed(host))
    return fail(Errc::validation_failed,
                "must not lead to a private address; the operator can allow hosts with "
                "TANDEM_ALLOW_PRIVATE_HOSTS");
  return {};
}

bool OutgoingGuard::may_connect(std::string_view host, const sockaddr* address) const {
  return is_allowed(host) || is_public_address(address);
}

bool OutgoingGuard::is_allowed(std::string_view host) const {
  return std::find(allowed_hosts_.begin(), allowed_hosts_.end(), host) != allowed_hosts_.end();
}

std::string host_of_url(const std::string& text) {
  const Url url = parse(text);
  return url ? plain_host(part_of(url.get(), CURLUPART_HOST)) : std::string();
}

}  // namespace tandem::net
