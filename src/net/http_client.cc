#include "net/http_client.h"

#include "net/http_exchange.h"

namespace tandem::net {

struct HttpClient::Impl {
  HttpClientOptions options;
  Curl curl;
};

HttpClient::HttpClient(HttpClientOptions options)
    : impl_(std::make_unique<Impl>(Impl{std::move(options), make_curl()})) {}

HttpClient::~HttpClient() = default;

Result<HttpAnswer> HttpClient::perform(const HttpCall& call) {
  HttpExchange exchange(impl_->curl.get(), impl_->options, call);
  if (auto prepared = exchange.prepare(); !prepared) return prepared.error();
  return exchange.finish(curl_easy_perform(impl_->curl.get()));
}

Result<HttpAnswer> HttpClient::get(const std::string& url, const Headers& headers) {
  HttpCall call;
  call.url = url;
  call.headers = headers;
  return perform(call);
}

Result<HttpAnswer> HttpClient::post(const std::string& url, std::string body, Headers headers) {
  HttpCall call{"POST", url, std::move(headers), std::move(body), {}, {}};
  return perform(call);
}

Result<HttpAnswer> HttpClient::put(const std::string& url, std::string body, Headers headers) {
  HttpCall call{"PUT", url, std::move(headers), std::move(body), {}, {}};
  return perform(call);
}

Result<HttpAnswer> HttpClient::del(const std::string& url, const Headers& headers) {
  HttpCall call{"DELETE", url, headers, {}, {}, {}};
  return perform(call);
}

}  // namespace tandem::net
