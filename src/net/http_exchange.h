#pragma once

#include <curl/curl.h>

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "net/http_client.h"

namespace tandem::net {

struct FreeCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(curl_mime* mime) const { curl_mime_free(mime); }
};
using Curl = std::unique_ptr<CURL, FreeCurl>;

// A new handle, of a library that is set up once.
Curl make_curl();

// One call on one handle of curl: what it is to send, and what came back. The handle points to it
// until finish(), and to the options and the call, which are borrowed.
class HttpExchange {
 public:
  HttpExchange(CURL* curl, const HttpClientOptions& options, const HttpCall& call)
      : curl_(curl), options_(options), call_(call) {}
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  // Errors: bad_request.
  Result<void> prepare();
  // What the transfer came to. Errors: as HttpClient's.
  Result<HttpAnswer> finish(CURLcode code);

 private:
  static std::size_t take_body(char* data, std::size_t, std::size_t size, void* user);
  static std::size_t take_header(char* data, std::size_t, std::size_t size, void* user);
  static curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* address);
  void set_rules();
  void set_deadlines();
  void restrict();
  Result<void> set_headers();
  Result<void> set_body();
  Result<void> send_file();
  void send_parts();
  long status() const;

  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  CURL* curl_;
  const HttpClientOptions& options_;
  const HttpCall& call_;
  std::unique_ptr<curl_slist, FreeCurl> fields_;
  std::unique_ptr<curl_mime, FreeCurl> mime_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::string host_;  // of the URL, where there is a guard
  HttpAnswer answer_;
  bool is_too_large_ = false, is_refused_ = false;
};

}  // namespace tandem::net
