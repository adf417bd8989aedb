#include "api/own_url.h"

namespace tandem::api {

std::string own_url(const config::Settings& settings, const net::RequestHead& head) {
  if (!settings.public_url.empty()) return settings.public_url;
  std::string host(head.headers.get("Host"));
  if (host.empty()) host = settings.listen_host + ":" + std::to_string(settings.listen_port);
  return (head.tls ? "https://" : "http://") + host;
}

std::string socket_url(std::string_view http_url) {
  return "ws" + std::string(http_url.substr(std::string_view("http").size()));
}

}  // namespace tandem::api
