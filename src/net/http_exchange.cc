#include "net/http_exchange.h"

#include <sys/stat.h>

#include <algorithm>
#include <mutex>

#include "net/outgoing_guard.h"
#include "net/tls.h"

namespace tandem::net {
namespace {

int look_whether_stopped(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(user)->load() ? 1 : 0;
}

Error error_of(CURLcode code) {
  const std::string why = curl_easy_strerror(code);
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK: return fail(Errc::shutting_down, "It was stopped.");
    case CURLE_OPERATION_TIMEDOUT: return fail(Errc::request_timeout, why + ".");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return fail(Errc::bad_request, why + ".");
    case CURLE_PEER_FAILED_VERIFICATION:
      return fail(Errc::store_unavailable, std::string(kDistrusted));
    case CURLE_READ_ERROR: return fail(Errc::bad_request, "A file to send can't be read.");
    default: return fail(Errc::store_unavailable, why + ".");
  }
}

}  // namespace

Curl make_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  return Curl(curl_easy_init());
}

std::size_t HttpExchange::take_body(char* data, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<HttpExchange*>(user);
  const long status = exchange.status();
  if (exchange.call_.sink && status >= 200 && status < 300)
    return exchange.call_.sink({data, size}) ? size : CURL_WRITEFUNC_ERROR;
  if (exchange.answer_.body.size() + size > exchange.options_.max_answer_bytes) {
    exchange.is_too_large_ = true;
    return CURL_WRITEFUNC_ERROR;
  }
  exchange.answer_.body.append(data, size);
  return size;
}

std::size_t HttpExchange::take_header(char* data, std::size_t, std::size_t size, void* user) {
  Headers& headers = static_cast<HttpExchange*>(user)->answer_.headers;
  std::string_view line(data, size);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) headers.clear();
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string_view value = line.substr(colon + 1);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  headers.add(std::string(line.substr(0, colon)), std::string(value));
  return size;
}

// Called for each address that is tried, after the name was resolved.
curl_socket_t HttpExchange::open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& exchange = *static_cast<HttpExchange*>(user);
  if (!exchange.options_.guard->may_connect(exchange.host_, &address->addr)) {
    exchange.is_refused_ = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

long HttpExchange::status() const {
  long status = 0;
  curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

Result<void> HttpExchange::prepare() {
  curl_easy_reset(curl_);  // keeps the connections
  set_rules();
  set_deadlines();
  restrict();
  if (auto set = set_headers(); !set) return set;
  if (auto set = set_body(); !set) return set;
  if (call_.method == "HEAD")
    curl_easy_setopt(curl_, CURLOPT_NOBODY, 1L);
  else
    curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, call_.method.c_str());
  return {};
}

void HttpExchange::set_rules() {
  curl_easy_setopt(curl_, CURLOPT_URL, call_.url.c_str());
  curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl_, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl_, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl_, CURLOPT_USERAGENT, "tandem");
  if (!options_.ca_file.empty()) {
    curl_easy_setopt(curl_, CURLOPT_CAINFO, options_.ca_file.c_str());
    curl_easy_setopt(curl_, CURLOPT_CAPATH, nullptr);  // these alone, not the system's beside them
  }
  curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYPEER, options_.verify_tls ? 1L : 0L);
  curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYHOST, options_.verify_tls ? 2L : 0L);
  curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(curl_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl_, CURLOPT_HEADERDATA, this);
}

void HttpExchange::set_deadlines() {
  curl_easy_setopt(curl_, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options_.connect_timeout_ms));
  const std::int64_t timeout_ms = call_.timeout_ms > 0 ? call_.timeout_ms : options_.timeout_ms;
  if (call_.sink || !call_.body_file.empty()) {
    // A download, or an upload, may take its time, but not stand still.
    curl_easy_setopt(curl_, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl_, CURLOPT_LOW_SPEED_TIME,
                     static_cast<long>(std::max<std::int64_t>(timeout_ms / 1000, 1)));
  } else {
    curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
  }
}

// What can't be trusted is bounded in where it leads and how long it is waited for.
void HttpExchange::restrict() {
  if (options_.guard != nullptr) {
    host_ = host_of_url(call_.url);
    curl_easy_setopt(curl_, CURLOPT_PROXY, "");
    curl_easy_setopt(curl_, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl_, CURLOPT_OPENSOCKETDATA, this);
  }
  if (options_.stop != nullptr) {
    curl_easy_setopt(curl_, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl_, CURLOPT_XFERINFOFUNCTION, look_whether_stopped);
    curl_easy_setopt(curl_, CURLOPT_XFERINFODATA, options_.stop);
  }
}

Result<void> HttpExchange::set_headers() {
  const auto append = [this](const std::string& line) {
    fields_.reset(curl_slist_append(fields_.release(), line.c_str()));
  };
  append("Expect:");
  for (const auto& [name, value] : call_.headers.fields()) {
    if ((name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
      return fail(Errc::bad_request, "A header holds a line end.");
    append(value.empty() ? name + ";" : name + ": " + value);
  }
  curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, fields_.get());
  return {};
}

Result<void> HttpExchange::set_body() {
  if (!call_.body_file.empty()) return send_file();
  if (!call_.parts.empty()) {
    send_parts();
  } else if (!call_.body.empty() || call_.method == "POST" || call_.method == "PUT") {
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDS, call_.body.data());
    curl_easy_setopt(curl_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(call_.body.size()));
  }
  return {};
}

Result<void> HttpExchange::send_file() {
  file_.reset(std::fopen(call_.body_file.c_str(), "rbe"));
  struct stat status {};
  if (!file_ || ::fstat(::fileno(file_.get()), &status) != 0)
    return fail(Errc::bad_request, "A file to send can't be read.");
  curl_easy_setopt(curl_, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(curl_, CURLOPT_READDATA, file_.get());
  curl_easy_setopt(curl_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(status.st_size));
  return {};
}

void HttpExchange::send_parts() {
  mime_.reset(curl_mime_init(curl_));
  for (const UploadPart& part : call_.parts) {
    curl_mimepart* added = curl_mime_addpart(mime_.get());
    curl_mime_name(added, part.name.c_str());
    if (part.file_path.empty()) {
      curl_mime_data(added, part.data.data(), part.data.size());
    } else {
      curl_mime_filedata(added, part.file_path.c_str());
    }
    if (!part.file_name.empty()) curl_mime_filename(added, part.file_name.c_str());
    if (!part.content_type.empty()) curl_mime_type(added, part.content_type.c_str());
  }
  curl_easy_setopt(curl_, CURLOPT_MIMEPOST, mime_.get());
}

Result<HttpAnswer> HttpExchange::finish(CURLcode code) {
  answer_.status = static_cast<int>(status());
  curl_easy_reset(curl_);  // else it points to what ends here
  if (is_refused_ && code != CURLE_OK)
    return fail(Errc::forbidden, "The address leads to a network that is not public.");
  if (is_too_large_) return fail(Errc::too_large, "The server's answer is too large.");
  if (code != CURLE_OK) return error_of(code);
  return std::move(answer_);
}

}  // namespace tandem::net
