#include "net/test_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

namespace tandem::net {

RouteDecision ScriptedHandler::decide(const RequestHead& head) {
  if (on_decide) return on_decide(head);
  RouteDecision decision;
  decision.max_body_bytes = 1024;
  return decision;
}

io::Awaitable<Response> ScriptedHandler::handle(Request& request) {
  if (on_handle) co_return co_await on_handle(request);
  co_return Response::text(request.method + " " + request.target.path + " " + request.body,
                           "text/plain");
}

TestServer::TestServer(ServerOptions options, std::size_t loops) {
  ServerParts parts{{}, handler, clock_, &files_};
  for (std::size_t i = 0; i < loops; ++i) {
    loops_.push_back(std::make_unique<io::Loop>("net" + std::to_string(i)));
    parts.loops.push_back(loops_.back().get());
    loops_.back()->start();
  }
  server_ = std::make_unique<Server>(parts, std::move(options));
  const auto started = server_->start();
  if (!started) ADD_FAILURE() << started.error().detail;
}

TestServer::~TestServer() {
  server_->stop(0);
  files_.stop();
  for (auto& loop : loops_) loop->stop();
}

RawClient::RawClient(std::uint16_t port, int receive_buffer_bytes) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (receive_buffer_bytes > 0)
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  timeval limit{10, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    ADD_FAILURE() << "connect failed";
}

RawClient::~RawClient() { ::close(fd_); }

bool RawClient::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void RawClient::finish_sending() { ::shutdown(fd_, SHUT_WR); }

std::string RawClient::read_some() {
  if (!kept_.empty()) return std::exchange(kept_, {});
  char buffer[16384];
  const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return "(still open)";
  return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : std::string();
}

std::string RawClient::read_all() {
  std::string all;
  for (std::string piece = read_some(); !piece.empty(); piece = read_some()) {
    all += piece;
    if (piece == "(still open)") break;
  }
  return all;
}

std::string RawClient::read_until(std::string_view needle) {
  std::string all;
  while (true) {
    const std::size_t at = all.find(needle);
    if (at != std::string::npos) {
      kept_ = all.substr(at + needle.size());
      all.resize(at + needle.size());
      return all;
    }
    const std::string piece = read_some();
    all += piece;
    if (piece.empty() || piece == "(still open)") return all;
  }
}

std::size_t occurrences(std::string_view text, std::string_view needle) {
  std::size_t count = 0;
  for (std::size_t at = text.find(needle); at != std::string_view::npos;
       at = text.find(needle, at + needle.size()))
    ++count;
  return count;
}

TestCertificate::TestCertificate() {
  const std::string base = ::testing::TempDir() + "tandem-net-" + std::to_string(::getpid());
  cert_file = base + "-cert.pem";
  key_file = base + "-key.pem";
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), -60);
  X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
  X509_set_pubkey(cert, key);
  X509_NAME* name = X509_get_subject_name(cert);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("tandem test"), -1, -1, 0);
  X509_set_issuer_name(cert, name);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
  X509_add_ext(cert, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(cert, key, EVP_sha256());
  std::FILE* file = std::fopen(cert_file.c_str(), "w");
  PEM_write_X509(file, cert);
  std::fclose(file);
  file = std::fopen(key_file.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(cert);
  EVP_PKEY_free(key);
}

TestCertificate::~TestCertificate() {
  std::remove(cert_file.c_str());
  std::remove(key_file.c_str());
}

}  // namespace tandem::net
