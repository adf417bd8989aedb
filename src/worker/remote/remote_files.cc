#include "worker/remote/remote_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/unique_fd.h"
#include "blobs/content_type.h"
#include "blobs/sha256.h"
#include "service/client.h"
#include "service/receipts.h"
#include "service/retry_after.h"

namespace tandem::worker::remote {
namespace {

constexpr int kMaxTries = 8;
constexpr std::int64_t kFirstPauseMs = 100, kLongestPauseMs = 5000;

Error full_or_broken() {
  const bool is_full = errno == ENOSPC || errno == EDQUOT;
  return fail(is_full ? Errc::disk_full : Errc::internal, "An input file could not be written.");
}

bool write_all(int file, std::string_view piece) {
  while (!piece.empty()) {
    const ssize_t written = ::write(file, piece.data(), piece.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    piece.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

Result<FileInfo> look_at(const std::string& name, const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return fail(Errc::internal, "It can't be read.");
  FileInfo info{.name = name, .content_type = std::string(blobs::content_type_of(name))};
  blobs::Sha256 digest;
  std::array<char, 64 * 1024> buffer;
  ssize_t got = 0;
  while ((got = ::read(file.get(), buffer.data(), buffer.size())) > 0) {
    digest.add({buffer.data(), static_cast<std::size_t>(got)});
    info.size_bytes += static_cast<std::uint64_t>(got);
  }
  if (got < 0) return fail(Errc::internal, "It can't be read.");
  info.sha256 = digest.hex_digest();
  return info;
}

}  // namespace

net::HttpClientOptions RemoteFiles::options() const {
  net::HttpClientOptions options;
  options.ca_file = ca_file_;
  options.connect_timeout_ms = 5000;
  options.timeout_ms = 30'000;
  options.max_answer_bytes = 1u << 20;
  options.stop = &stopping_;
  return options;
}

void RemoteFiles::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
}

Result<RemoteFiles::Target> RemoteFiles::target_of(const Task& task) const {
  auto name = book_.name_of({task.task_id, task.attempt});
  service::TermsPtr terms = terms_();
  if (!name || !terms) return fail(Errc::stale_attempt, "The attempt is no longer ours.");
  return Target{std::move(terms), std::move(*name)};
}

Result<void> RemoteFiles::again(const Attempt& attempt) {
  std::int64_t pause_ms = kFirstPauseMs;
  for (int tries = 1;; ++tries) {
    std::int64_t asked_ms = 0;
    auto done = attempt(asked_ms);
    if (done || !row_of(done.error().code).retryable || tries >= kMaxTries || stopping_)
      return done;
    std::unique_lock lock(mutex_);
    stopped_.wait_for(lock, std::chrono::milliseconds(std::max(pause_ms, asked_ms)),
                      [this] { return stopping_.load(); });
    pause_ms = std::min(pause_ms * 2, kLongestPauseMs);
  }
}

Result<void> RemoteFiles::fetch_input(const Task& task, const FileInfo& file,
                                      const std::string& path) {
  auto target = target_of(task);
  if (!target) return target.error();
  auto done =
      again([&](std::int64_t& asked_ms) { return fetch_once(*target, file, path, asked_ms); });
  if (done) return done;
  return fail(done.error().code, "The input " + file.name + ": " + done.error().detail);
}

Result<void> RemoteFiles::fetch_once(const Target& target, const FileInfo& file,
                                     const std::string& path, std::int64_t& asked_ms) {
  ::unlink(path.c_str());  // of a try before
  constexpr int kNew = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  const UniqueFd copy(::open(path.c_str(), kNew, 0444));
  if (!copy) return full_or_broken();
  blobs::Sha256 digest;
  std::uint64_t size_bytes = 0;
  bool is_written = true;
  net::HttpClient client(options());
  net::HttpCall call;
  call.url = target.terms->task_url(target.name.task_id,
                                    "inputs/" + service::percent_encoded(file.name) +
                                        "?attempt=" + std::to_string(target.name.attempt));
  call.headers = target.terms->headers();
  call.sink = [&](std::string_view piece) {
    size_bytes += piece.size();
    digest.add(piece);
    is_written = size_bytes <= file.size_bytes && write_all(copy.get(), piece);
    return is_written;
  };
  auto answer = client.perform(call);
  if (!is_written && size_bytes <= file.size_bytes) return full_or_broken();
  if (!is_written) return fail(Errc::store_unavailable, "It arrived longer than was said.");
  if (!answer) return answer.error();
  asked_ms = service::retry_after_ms(*answer);
  if (auto body = service::body_of(std::move(*answer)); !body) return body.error();
  const bool is_whole = size_bytes == file.size_bytes && digest.hex_digest() == file.sha256;
  if (!is_whole) return fail(Errc::store_unavailable, "It arrived damaged.");
  return {};
}

Result<FileInfo> RemoteFiles::take_output(const Task& task, const std::string& name,
                                          const std::string& path) {
  auto target = target_of(task);
  if (!target) return target.error();
  auto info = look_at(name, path);
  if (!info || !target->terms->is_tandem()) return info;
  net::HttpClient client(options());
  auto done = again([&](std::int64_t& asked_ms) -> Result<void> {
    net::HttpCall call;
    call.method = "PUT";
    call.url =
        target->terms->task_url(target->name.task_id, "outputs/" + service::percent_encoded(name));
    call.headers = target->terms->headers();
    call.headers.add("X-Attempt", std::to_string(target->name.attempt));
    call.headers.add("X-Sha256", info->sha256);
    call.headers.add("Content-Type", "application/octet-stream");
    call.body_file = path;
    auto answer = client.perform(call);
    if (!answer) return answer.error();
    asked_ms = service::retry_after_ms(*answer);
    auto body = service::body_of(std::move(*answer));
    if (!body) return body.error();
    if (!service::has_stored(*body, *info)) return service::no_receipt();
    return {};
  });
  if (!done) return done.error();
  return info;
}

}  // namespace tandem::worker::remote
