#include "net/http_client.h"

#include <curl/curl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <mutex>

#include "net/outgoing_guard.h"

namespace tandem::net {
namespace {

struct FreeCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(curl_mime* mime) const { curl_mime_free(mime); }
};
using Curl = std::unique_ptr<CURL, FreeCurl>;
using FieldList = std::unique_ptr<curl_slist, FreeCurl>;
using Mime = std::unique_ptr<curl_mime, FreeCurl>;

// One exchange, as curl's callbacks see it.
struct Exchange {
  CURL* curl;
  const HttpCall& call;
  std::size_t max_bytes;
  HttpAnswer answer;
  bool too_large = false;
  const OutgoingGuard* guard = nullptr;
  std::string host;  // of the URL, where there is a guard
  bool is_refused = false;
};

long status_of(CURL* curl) {
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

std::size_t take_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const long status = status_of(exchange.curl);
  if (exchange.call.sink && status >= 200 && status < 300)
    return exchange.call.sink({data, size}) ? size : CURL_WRITEFUNC_ERROR;
  if (exchange.answer.body.size() + size > exchange.max_bytes) {
    exchange.too_large = true;
    return CURL_WRITEFUNC_ERROR;
  }
  exchange.answer.body.append(data, size);
  return size;
}

std::size_t take_header(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  std::string_view line(data, size);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) exchange.answer.headers.clear();
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  exchange.answer.headers.add(std::string(line.substr(0, colon)), std::string(value));
  return size;
}

// Called for each address that is tried, after the name was resolved.
curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (!exchange.guard->may_connect(exchange.host, &address->addr)) {
    exchange.is_refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

int look_whether_stopped(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(user)->load() ? 1 : 0;
}

Result<FieldList> field_list(const Headers& headers) {
  FieldList list;
  auto append = [&list](const std::string& line) {
    list.reset(curl_slist_append(list.release(), line.c_str()));
  };
  append("Expect:");
  for (const auto& [name, value] : headers.fields()) {
    if ((name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
      return fail(Errc::bad_request, "A header holds a line end.");
    append(value.empty() ? name + ";" : name + ": " + value);
  }
  return list;
}

Mime mime_of(CURL* curl, const std::vector<UploadPart>& parts) {
  Mime mime(curl_mime_init(curl));
  for (const UploadPart& part : parts) {
    curl_mimepart* added = curl_mime_addpart(mime.get());
    curl_mime_name(added, part.name.c_str());
    if (part.file_path.empty()) {
      curl_mime_data(added, part.data.data(), part.data.size());
    } else {
      curl_mime_filedata(added, part.file_path.c_str());
    }
    if (!part.file_name.empty()) curl_mime_filename(added, part.file_name.c_str());
    if (!part.content_type.empty()) curl_mime_type(added, part.content_type.c_str());
  }
  return mime;
}

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using OpenFile = std::unique_ptr<std::FILE, CloseFile>;

Result<void> send_file(CURL* curl, std::FILE* file) {
  struct stat status {};
  if (file == nullptr || ::fstat(::fileno(file), &status) != 0)
    return fail(Errc::bad_request, "A file to send can't be read.");
  curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl, CURLOPT_READDATA, file);
  curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(status.st_size));
  return {};
}

Error error_of(CURLcode code) {
  const std::string why = curl_easy_strerror(code);
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK: return fail(Errc::shutting_down, "It was stopped.");
    case CURLE_OPERATION_TIMEDOUT: return fail(Errc::request_timeout, why + ".");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return fail(Errc::bad_request, why + ".");
    case CURLE_READ_ERROR: return fail(Errc::bad_request, "A file to send can't be read.");
    default: return fail(Errc::store_unavailable, why + ".");
  }
}

}  // namespace

struct HttpClient::Impl {
  HttpClientOptions options;
  Curl curl;

  void prepare(const HttpCall& call, Exchange& exchange);
  void restrict(const HttpCall& call, Exchange& exchange);
};

// What can't be trusted is bounded in where it leads and how long it is waited for.
void HttpClient::Impl::restrict(const HttpCall& call, Exchange& exchange) {
  CURL* c = curl.get();
  if (options.guard != nullptr) {
    exchange.guard = options.guard;
    exchange.host = host_of_url(call.url);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, &exchange);
  }
  if (options.stop != nullptr) {
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, look_whether_stopped);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, options.stop);
  }
}

void HttpClient::Impl::prepare(const HttpCall& call, Exchange& exchange) {
  CURL* c = curl.get();
  curl_easy_reset(c);  // keeps the connections
  curl_easy_setopt(c, CURLOPT_URL, call.url.c_str());
  curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(c, CURLOPT_USERAGENT, "tandem");
  curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout_ms));
  const std::int64_t timeout_ms = call.timeout_ms > 0 ? call.timeout_ms : options.timeout_ms;
  if (call.sink || !call.body_file.empty()) {
    // A download, or an upload, may take its time, but not stand still.
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME,
                     static_cast<long>(std::max<std::int64_t>(timeout_ms / 1000, 1)));
  } else {
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
  }
  if (!options.ca_file.empty()) curl_easy_setopt(c, CURLOPT_CAINFO, options.ca_file.c_str());
  curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, options.verify_tls ? 1L : 0L);
  curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, options.verify_tls ? 2L : 0L);
  curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(c, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(c, CURLOPT_HEADERDATA, &exchange);
  restrict(call, exchange);
}

HttpClient::HttpClient(HttpClientOptions options) : impl_(std::make_unique<Impl>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  impl_->options = std::move(options);
  impl_->curl.reset(curl_easy_init());
}

HttpClient::~HttpClient() = default;

Result<HttpAnswer> HttpClient::perform(const HttpCall& call) {
  CURL* curl = impl_->curl.get();
  Exchange exchange{curl, call, impl_->options.max_answer_bytes};
  impl_->prepare(call, exchange);
  auto fields = field_list(call.headers);
  if (!fields) return fields.error();
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields->get());
  Mime mime;
  const OpenFile file(call.body_file.empty() ? nullptr : std::fopen(call.body_file.c_str(), "rbe"));
  if (!call.body_file.empty()) {
    if (auto sends = send_file(curl, file.get()); !sends) return sends.error();
  } else if (!call.parts.empty()) {
    mime = mime_of(curl, call.parts);
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, mime.get());
  } else if (!call.body.empty() || call.method == "POST" || call.method == "PUT") {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
  }
  if (call.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
  } else {
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call.method.c_str());
  }
  const CURLcode code = curl_easy_perform(curl);
  // The handle keeps pointers to what ends here.
  curl_easy_setopt(curl, CURLOPT_MIMEPOST, nullptr);
  if (exchange.is_refused && code != CURLE_OK)
    return fail(Errc::forbidden, "The address leads to a network that is not public.");
  if (exchange.too_large) return fail(Errc::too_large, "The server's answer is too large.");
  if (code != CURLE_OK) return error_of(code);
  exchange.answer.status = static_cast<int>(status_of(curl));
  return std::move(exchange.answer);
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
