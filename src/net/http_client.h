#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/headers.h"

namespace tandem::net {

class OutgoingGuard;

struct HttpClientOptions {
  std::string ca_file;  // PEM; empty: the system's
  bool verify_tls = true;
  std::int64_t connect_timeout_ms = 10'000;
  std::int64_t timeout_ms = 120'000;  // of one exchange; a download that moves may take longer
  std::size_t max_answer_bytes = 64u << 20;  // without a sink; more is too_large
  // Where URLs are not to be trusted: what each call may connect to. No proxy is used then.
  const OutgoingGuard* guard = nullptr;
  const std::atomic<bool>* stop = nullptr;  // true: what is under way ends within a second or so
};

struct UploadPart {
  std::string name;          // of the form field
  std::string content_type;  // may be empty
  std::string data;          // sent where file_path is empty
  std::string file_path;     // read while it is sent
  std::string file_name;     // as told to the server; empty: none
};

struct HttpAnswer {
  int status = 0;
  Headers headers;
  std::string body;  // empty where a sink took it
};

// false ends the transfer. Called with pieces of a 2xx body only.
using HttpSink = std::function<bool(std::string_view piece)>;

struct HttpCall {
  std::string method = "GET";
  std::string url;
  Headers headers;
  std::string body;
  std::vector<UploadPart> parts;  // multipart/form-data in place of body
  HttpSink sink;
  std::string body_file = {};   // in place of body: read while it is sent, however long that takes
  std::int64_t timeout_ms = 0;  // 0: the options'
};

// A blocking client, used by one thread at a time: keeps its connections open between calls.
// Follows no redirects. Errors: store_unavailable (not reached, cut off; the detail says why, never
// with a header), request_timeout, too_large, bad_request (not a URL), forbidden (the guard's),
// shutting_down (stopped). Any status is an answer.
class HttpClient {
 public:
  explicit HttpClient(HttpClientOptions options = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  Result<HttpAnswer> perform(const HttpCall& call);
  Result<HttpAnswer> get(const std::string& url, const Headers& headers = {});
  Result<HttpAnswer> post(const std::string& url, std::string body, Headers headers = {});
  Result<HttpAnswer> put(const std::string& url, std::string body, Headers headers = {});
  Result<HttpAnswer> del(const std::string& url, const Headers& headers = {});

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::net
