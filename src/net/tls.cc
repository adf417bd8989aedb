#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

#include "base/assert.h"

namespace tandem::net {
namespace {

// A socket BIO as OpenSSL's own, but one that never raises SIGPIPE.
int bio_fd(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int bio_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto n = ::send(bio_fd(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && would_block()) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int bio_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto n = ::recv(bio_fd(bio), data, static_cast<std::size_t>(size), 0);
  if (n < 0 && would_block()) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

long bio_ctrl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tandem socket");
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_ctrl(made, bio_ctrl);
    return made;
  }();
  return method;
}

TlsSession session_on(SSL_CTX* context, int fd) {
  TlsSession session(SSL_new(context));
  TANDEM_ASSERT(session);
  BIO* bio = BIO_new(socket_method());
  TANDEM_ASSERT(bio);
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(session.get(), bio, bio);
  return session;
}

void set_rules(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
}

}  // namespace

void FreeTls::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }
void FreeTls::operator()(ssl_st* session) const { SSL_free(session); }

Result<TlsContext> TlsContext::for_server(const std::string& cert_file,
                                          const std::string& key_file) {
  TlsContext made;
  made.context_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = made.context_.get();
  TANDEM_ASSERT(context);
  set_rules(context);
  ERR_clear_error();
  const bool has_cert = SSL_CTX_use_certificate_chain_file(context, cert_file.c_str()) == 1;
  const bool has_key =
      SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) == 1;
  if (!has_cert && !has_key)
    return fail(Errc::validation_failed, "Neither the TLS certificate nor its key can be read.");
  if (!has_cert) return fail(Errc::validation_failed, "The TLS certificate can't be read.");
  if (!has_key)
    return fail(Errc::validation_failed, "The TLS key can't be read, or is not the certificate's.");
  if (SSL_CTX_check_private_key(context) != 1)
    return fail(Errc::validation_failed, "The TLS key is not the certificate's.");
  return made;
}

Result<TlsContext> TlsContext::for_client(const std::string& ca_file, bool verify) {
  TlsContext made;
  made.verify_ = verify;
  made.context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = made.context_.get();
  TANDEM_ASSERT(context);
  set_rules(context);
  SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  ERR_clear_error();
  const bool loaded = ca_file.empty()
                          ? SSL_CTX_set_default_verify_paths(context) == 1
                          : SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) == 1;
  if (verify && !loaded)
    return fail(Errc::validation_failed, "The file of trusted certificates can't be read.");
  return made;
}

TlsSession TlsContext::accept_on(int fd) const {
  TlsSession session = session_on(context_.get(), fd);
  SSL_set_accept_state(session.get());
  return session;
}

TlsSession TlsContext::connect_on(int fd, const std::string& host) const {
  TlsSession session = session_on(context_.get(), fd);
  SSL_set_connect_state(session.get());
  unsigned char address[16];
  const bool is_address = ::inet_pton(AF_INET, host.c_str(), address) == 1 ||
                          ::inet_pton(AF_INET6, host.c_str(), address) == 1;
  if (is_address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), host.c_str());
  } else {
    SSL_set_tlsext_host_name(session.get(), host.c_str());
    if (verify_) SSL_set1_host(session.get(), host.c_str());
  }
  return session;
}

}  // namespace tandem::net
