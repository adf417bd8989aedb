#include "blobs/s3/s3_client.h"

#include <curl/curl.h>
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <thread>
#include <utility>

#include "blobs/disk_file.h"
#include "blobs/s3/presigned_url.h"
#include "blobs/s3/url_text.h"
#include "blobs/sha256.h"

namespace tandem::blobs {
namespace {

constexpr std::chrono::milliseconds kFirstPause{100};
constexpr long kConnectMs = 1500, kCallMs = 10'000, kTransferMs = 3600'000;
constexpr long kLeastBytesPerSecond = 1024, kSlowForS = 10;  // then a transfer is given up
constexpr std::size_t kMaxIdle = 8;
constexpr std::uint64_t kPartBytes = 64ull * 1024 * 1024;  // larger files go in such parts
constexpr std::size_t kMaxAnswerBytes = 16 * 1024 * 1024;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using FieldList = std::unique_ptr<curl_slist, FreeList>;

// The time by which the service checks signatures.
WallTime system_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
}

void add_field(FieldList& list, const std::string& field) {
  list.reset(curl_slist_append(list.release(), field.c_str()));
}

}  // namespace

struct S3Client::Handles {
  Handles() { curl_global_init(CURL_GLOBAL_DEFAULT); }
  ~Handles() {
    for (CURL* one : idle) curl_easy_cleanup(one);
  }
  CURL* take() {
    const std::lock_guard lock(mutex);
    if (idle.empty()) return curl_easy_init();
    CURL* const one = idle.back();
    idle.pop_back();
    return one;
  }
  void give_back(CURL* one) {
    curl_easy_reset(one);  // its connection stays
    const std::lock_guard lock(mutex);
    if (idle.size() < kMaxIdle) return idle.push_back(one);
    curl_easy_cleanup(one);
  }
  std::mutex mutex;
  std::vector<CURL*> idle;  // guarded by mutex
};

struct S3Client::Callbacks {
  static std::size_t give_body(char* out, std::size_t, std::size_t room, void* user) {
    Request& request = *static_cast<Request*>(user);
    const std::size_t most = std::min<std::uint64_t>(room, request.size - request.sent);
    const ssize_t got =
        ::pread(request.read_fd, out, most, static_cast<off_t>(request.offset + request.sent));
    if (got < 0) return CURL_READFUNC_ABORT;
    request.sent += static_cast<std::uint64_t>(got);
    return static_cast<std::size_t>(got);
  }
  static int rewind(void* user, curl_off_t offset, int) {
    static_cast<Request*>(user)->sent = static_cast<std::uint64_t>(offset);
    return CURL_SEEKFUNC_OK;
  }
  static std::size_t take_body(char* data, std::size_t, std::size_t size, void* user) {
    Request& request = *static_cast<Request*>(user);
    if (request.write_fd >= 0 && (request.status == 200 || request.status == 206)) {
      request.received += size;
      return write_all(request.write_fd, {data, size}) ? size : CURL_WRITEFUNC_ERROR;
    }
    if (request.answer.size() + size > kMaxAnswerBytes) return CURL_WRITEFUNC_ERROR;
    request.answer.append(data, size);
    return size;
  }
  static std::size_t take_header(char* data, std::size_t, std::size_t size, void* user) {
    Request& request = *static_cast<Request*>(user);
    std::string_view line(data, size);
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with("HTTP/") && line.size() >= 12)
      request.status = std::strtol(line.substr(line.find(' ')).data(), nullptr, 10);
    const auto take = [line](std::string_view name, std::string& value) {
      if (line.size() > name.size() && ::strncasecmp(line.data(), name.data(), name.size()) == 0)
        value = line.substr(name.size());
    };
    take("etag: ", request.etag);
    take("content-range: ", request.content_range);
    return size;
  }
};

S3Client::S3Client(S3Address address)
    : address_(std::move(address)), handles_(std::make_unique<Handles>()) {}
S3Client::~S3Client() = default;

std::string S3Client::url_of(const Request& request) const {
  std::string url = address_.endpoint + "/" + address_.bucket;
  if (!request.key.empty()) url += "/" + percent_encoded(request.key, true);
  return request.query.empty() ? url : url + "?" + query_text(request.query);
}

std::string S3Client::payload_digest(const Request& request) {
  if (request.read_fd >= 0) return request.sha256.empty() ? "UNSIGNED-PAYLOAD" : request.sha256;
  Sha256 digest;
  digest.add(request.body);
  return digest.hex_digest();
}

int S3Client::exchange(Request& request, void* handle) {
  CURL* const curl = handle;
  const std::string url = url_of(request), provider = "aws:amz:" + address_.region + ":s3";
  const bool is_transfer = request.read_fd >= 0 || request.write_fd >= 0;
  FieldList fields;
  add_field(fields, "x-amz-content-sha256: " + payload_digest(request));
  if (!address_.session_token.empty())
    add_field(fields, "x-amz-security-token: " + address_.session_token);
  const auto set = [curl](auto option, auto value) { curl_easy_setopt(curl, option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_AWS_SIGV4, provider.c_str());
  set(CURLOPT_USERNAME, address_.access_key.c_str());
  set(CURLOPT_PASSWORD, address_.secret_key.c_str());
  set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  set(CURLOPT_TIMEOUT_MS, is_transfer ? kTransferMs : kCallMs);
  set(CURLOPT_LOW_SPEED_LIMIT, kLeastBytesPerSecond);
  set(CURLOPT_LOW_SPEED_TIME, kSlowForS);
  set(CURLOPT_HTTPHEADER, fields.get());
  set(CURLOPT_WRITEFUNCTION, &Callbacks::take_body);
  set(CURLOPT_WRITEDATA, &request);
  set(CURLOPT_HEADERFUNCTION, &Callbacks::take_header);
  set(CURLOPT_HEADERDATA, &request);
  if (!request.range.empty()) set(CURLOPT_RANGE, request.range.c_str());
  if (request.read_fd >= 0) {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.size));
    set(CURLOPT_READFUNCTION, &Callbacks::give_body);
    set(CURLOPT_READDATA, &request);
    set(CURLOPT_SEEKFUNCTION, &Callbacks::rewind);
    set(CURLOPT_SEEKDATA, &request);
  } else if (std::string_view(request.method) == "POST") {
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_COPYPOSTFIELDS, request.body.c_str());
  } else {
    set(CURLOPT_CUSTOMREQUEST, request.method);
    set(CURLOPT_NOBODY, std::string_view(request.method) == "HEAD" ? 1L : 0L);
  }
  return curl_easy_perform(curl);
}

Result<void> S3Client::perform(Request& request) {
  auto pause = kFirstPause;
  for (int tried = 1;; ++tried) {
    request.answer.clear();
    request.sent = request.received = 0;
    request.status = 0;
    CURL* const curl = handles_->take();
    if (curl == nullptr) return fail(Errc::store_unavailable, "The file service can't be asked.");
    const int code = exchange(request, curl);
    handles_->give_back(curl);
    if (code == CURLE_OK && request.status >= 200 && request.status < 300) return {};
    // 409: something else is under way there that is soon over.
    const bool is_trouble =
        code != CURLE_OK || request.status >= 500 || request.status == 429 || request.status == 409;
    if (!is_trouble) return error_of(request);
    if (request.write_fd >= 0) {  // what came of it is of no use
      if (::ftruncate(request.write_fd, 0) != 0) return disk_error(errno);
      ::lseek(request.write_fd, 0, SEEK_SET);
    }
    if (tried == request.tries)
      return code == CURLE_OK
                 ? fail(Errc::store_unavailable, "The file service is in trouble (status " +
                                                     std::to_string(request.status) + ").")
                 : fail(Errc::store_unavailable, "The file service can't be reached.");
    std::this_thread::sleep_for(pause);
    pause *= 3;
  }
}

Error S3Client::error_of(const Request& request) const {
  const std::string code = xml_text(request.answer, "Code");
  const auto say = [](std::string sentence) {
    return fail(Errc::store_unavailable, std::move(sentence));
  };
  if (code == "NoSuchBucket") return say("The file service has no bucket of this name.");
  if (code == "RequestTimeTooSkewed")
    return say("The file service refuses: this machine's clock is wrong.");
  if (code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch" ||
      code == "XAdminUserNotFound")
    return say("The file service refuses the access key or the secret key.");
  if (request.status == 404 && (code.empty() || code == "NoSuchKey"))
    return fail(Errc::not_found, "There is no such file.");
  if (code == "AccessDenied" || request.status == 403)
    return say("The file service does not allow this key to use the bucket.");
  return say("The file service refuses (status " + std::to_string(request.status) +
             (code.empty() ? "" : ", " + code.substr(0, 60)) + ").");
}

Result<void> S3Client::put(const std::string& key, int fd, std::uint64_t size,
                           const std::string& sha256) {
  if (size > kPartBytes) return put_parts(key, fd, size);
  Request request{.method = "PUT", .key = key, .read_fd = fd, .size = size, .sha256 = sha256};
  return perform(request);
}

Result<void> S3Client::put_parts(const std::string& key, int fd, std::uint64_t size) {
  Request begin{.method = "POST", .key = key, .query = {{"uploads", ""}}};
  if (auto begun = perform(begin); !begun) return begun;
  const std::string upload = xml_text(begin.answer, "UploadId");
  if (upload.empty()) return fail(Errc::store_unavailable, "The file service takes no parts.");
  auto list = put_each_part(key, fd, size, upload);
  Result<void> done;
  if (list) {
    Request end{.method = "POST", .key = key, .query = {{"uploadId", upload}}, .body = *list};
    done = perform(end);
    // S3 may find out late that it can't, and say so in an answer that began well.
    if (done && end.answer.find("<Error>") != end.answer.npos) done = error_of(end);
  } else {
    done = list.error();
  }
  if (done) return done;
  Request drop{.method = "DELETE", .key = key, .query = {{"uploadId", upload}}};
  (void)perform(drop);  // what stays costs room; the bucket's rules may sweep it
  return done;
}

Result<std::string> S3Client::put_each_part(const std::string& key, int fd, std::uint64_t size,
                                            const std::string& upload) {
  std::string list = "<CompleteMultipartUpload>";
  int number = 1;
  for (std::uint64_t offset = 0; offset < size; offset += kPartBytes, ++number) {
    Request part{.method = "PUT",
                 .key = key,
                 .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload}},
                 .read_fd = fd,
                 .offset = offset,
                 .size = std::min(kPartBytes, size - offset)};
    if (auto sent = perform(part); !sent) return sent.error();
    list += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>" + part.etag +
            "</ETag></Part>";
  }
  return list + "</CompleteMultipartUpload>";
}

Result<S3Client::Piece> S3Client::get(const std::string& key, std::uint64_t offset,
                                      std::uint64_t length, int fd) {
  constexpr long kPart = 206, kOutside = 416;
  Request request{.key = key, .write_fd = fd};
  request.range = std::to_string(offset) + "-" + std::to_string(offset + length - 1);
  const auto done = perform(request);
  if (!done && request.status == kOutside && offset == 0) return Piece{.etag = request.etag};
  if (!done) return done.error();
  Piece piece{.length = request.received, .object_bytes = request.received, .etag = request.etag};
  if (request.status != kPart) return piece;
  // bytes FIRST-LAST/ALL
  unsigned long long first = 0, last = 0, all = 0;
  const int read =
      std::sscanf(request.content_range.c_str(), "bytes %llu-%llu/%llu", &first, &last, &all);
  if (read != 3 || first != offset || last - first + 1 != piece.length || last >= all)
    return fail(Errc::store_unavailable, "The file service sent another part than was asked for.");
  piece.offset = first;
  piece.object_bytes = all;
  return piece;
}

Result<void> S3Client::remove(const std::string& key) {
  Request request{.method = "DELETE", .key = key};
  auto done = perform(request);
  if (!done && done.error().code == Errc::not_found) return {};
  return done;
}

Result<void> S3Client::find(const std::string& key) {
  Request request{.method = "HEAD", .key = key};
  return perform(request);
}

std::string S3Client::link(const std::string& key, std::map<std::string, std::string> query) const {
  return presigned_url(address_, url_of({.key = key}), std::move(query), system_time());
}

Result<void> S3Client::check() {
  Request request{.query = {{"list-type", "2"}, {"max-keys", "1"}}};
  request.tries = 1;
  return perform(request);
}

Result<std::vector<std::string>> S3Client::list(const std::string& prefix, bool is_by_folder) {
  std::vector<std::string> all;
  Query query = {{"list-type", "2"}, {"prefix", prefix}};
  if (is_by_folder) query["delimiter"] = "/";
  for (;;) {
    Request request{.query = query};
    if (auto done = perform(request); !done) return done.error();
    if (is_by_folder) {
      for (const std::string& folder : xml_texts(request.answer, "CommonPrefixes")) {
        std::string name = xml_text(folder, "Prefix").substr(prefix.size());
        while (name.ends_with('/')) name.pop_back();
        all.push_back(std::move(name));
      }
    } else {
      for (std::string& key : xml_texts(request.answer, "Key")) all.push_back(std::move(key));
    }
    query["continuation-token"] = xml_text(request.answer, "NextContinuationToken");
    if (query["continuation-token"].empty()) return all;
  }
}

}  // namespace tandem::blobs
