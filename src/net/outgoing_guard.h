#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct sockaddr;

namespace tandem::net {

// Is it an address of the public internet? Not: loopback, private, shared, link-local, multicast,
// reserved, documentation; of IPv6 nothing but global unicast, and of that no form that carries an
// IPv4 address (mapped, 6to4, Teredo, NAT64).
bool is_public_address(const sockaddr* address);

// Where a URL that a client has given may lead: to public addresses only, but for the hosts that
// the operator has listed. The URL is judged when it is given, the address again when it is
// connected to, so that neither a spelling nor a name that changes gets by. Thread-safe.
class OutgoingGuard {
 public:
  explicit OutgoingGuard(std::vector<std::string> allowed_hosts);

  // What can be seen without asking anybody: validation_failed where it is no http or https URL,
  // holds a user name, or names a host that is not public in any spelling of it.
  Result<void> check(const std::string& url) const;
  // May it be connected to, for a URL of this host?
  bool may_connect(std::string_view host, const sockaddr* address) const;

 private:
  bool is_allowed(std::string_view host) const;
  std::vector<std::string> allowed_hosts_;  // in lower case
};

// The host as it is connected to: in lower case, an IPv4 address in four decimal numbers, an IPv6
// address without brackets, no dot at its end. Empty where the URL can't be read.
std::string host_of_url(const std::string& url);

}  // namespace tandem::net
