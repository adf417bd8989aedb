#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace tandem::net {

struct FreeTls {
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_st* session) const;
};
using TlsSession = std::unique_ptr<ssl_st, FreeTls>;

// Of a server whose certificate does not pass.
constexpr std::string_view kDistrusted =
    "Its certificate is not trusted: it is signed by nobody who is trusted here (TANDEM_CA_FILE "
    "names who is), or is for another name, or has expired.";

// Keys, certificates and rules of TLS, version 1.2 or later, shared by connections. Thread-safe
// once it is made. OpenSSL is driven on the non-blocking socket itself: no buffers are held while
// idle.
class TlsContext {
 public:
  static Result<TlsContext> for_server(const std::string& cert_file, const std::string& key_file);
  static Result<TlsContext> for_client(const std::string& ca_file, bool verify);

  // The session does not own the descriptor.
  TlsSession accept_on(int fd) const;
  // Checks the certificate against `host`, a name or an address, where the context verifies.
  TlsSession connect_on(int fd, const std::string& host) const;

 private:
  std::unique_ptr<ssl_ctx_st, FreeTls> context_;
  bool verify_ = true;
};

}  // namespace tandem::net
