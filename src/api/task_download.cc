#include <algorithm>
#include <utility>

#include "api/answers.h"
#include "api/byte_range.h"
#include "api/query_params.h"
#include "api/resources.h"
#include "api/task_access.h"
#include "blobs/zip_stream.h"
#include "io/offload.h"

namespace tandem::api {
namespace {

constexpr std::size_t kPieceBytes = 128 * 1024;

class ZipBody final : public net::BodySource {
 public:
  ZipBody(const Services& services, std::vector<blobs::ZipEntry> entries)
      : services_(services), zip_(std::move(entries), blobs::ZipMethod::deflate) {}

  // Makes the first piece: what fails in it can still be answered.
  io::Awaitable<Result<void>> begin() {
    const auto made = co_await make(first_);
    if (!made) co_return made.error();
    co_return Result<void>();
  }

  io::Awaitable<Result<bool>> next(std::string& chunk) override {
    if (first_.empty()) co_return co_await make(chunk);
    chunk = std::exchange(first_, {});
    co_return true;
  }

 private:
  io::Awaitable<Result<bool>> make(std::string& chunk) {
    auto read = [this, &chunk]() -> Result<std::size_t> {
      chunk.resize(kPieceBytes);
      return zip_.next(chunk);
    };
    const auto bytes = co_await io::offload(services_.reading, read);
    chunk.resize(bytes ? *bytes : 0);
    if (!bytes) co_return bytes.error();
    co_return *bytes > 0;
  }

  const Services& services_;
  blobs::ZipStream zip_;
  std::string first_;
};

void add_download_headers(net::Response& response, std::string_view name) {
  response.headers.add("Content-Disposition", attachment_named(name));
  response.headers.add("X-Content-Type-Options", "nosniff");
  response.headers.add("Content-Security-Policy", "sandbox; default-src 'none'");
  response.headers.add("Cache-Control", "private, no-cache");
}

Answer download_zip(Call& call, const Task& task) {
  const Services& services = call.services();
  std::vector<blobs::ZipEntry> entries;
  for (const FileInfo& file : task.outputs) {
    auto open = [&services, id = task.task_id, attempt = task.attempt, name = file.name] {
      return blobs::open_output(services.blobs, id, attempt, name);
    };
    entries.push_back({.name = file.name,
                       .open = std::move(open),
                       .modified = task.finished_at.value_or(task.updated_at)});
  }
  auto body = std::make_unique<ZipBody>(services, std::move(entries));
  const auto begun = co_await body->begin();
  if (!begun) co_return refuse(call, begun.error());
  auto response = net::Response::stream(std::move(body), "application/zip");
  add_download_headers(response, "task-" + to_string(task.task_id) + ".zip");
  co_return response;
}

net::Response not_modified(const std::string& etag) {
  auto response = net::Response::empty(304);
  response.headers.add("ETag", etag);
  return response;
}

// Good for a while, for anybody.
net::Response redirect(const std::string& link) {
  auto response = net::Response::empty(307);
  response.headers.add("Location", link);
  response.headers.add("Cache-Control", "no-store");
  return response;
}

net::Response outside_of(const Call& call, const Error& error, std::uint64_t size_bytes) {
  auto response = refuse(call, error);
  response.headers.add("Content-Range", "bytes */" + std::to_string(size_bytes));
  return response;
}

Answer download_file(Call& call, const Task& task, const FileInfo& file) {
  const std::string etag = "\"" + file.sha256 + "\"";
  const net::Headers& headers = call.request.headers;
  if (const std::string* known = headers.find("If-None-Match"); known && has_etag(*known, etag))
    co_return not_modified(etag);
  const Services& services = call.services();
  const std::string type =
      file.content_type.empty() ? "application/octet-stream" : file.content_type;
  auto find = [&services, &task, &file, &type] {
    const blobs::LinkHeaders told{.content_type = type,
                                  .content_disposition = attachment_named(file.name)};
    return blobs::fetchable_output(services.blobs, task, file, told);
  };
  auto found = co_await io::offload(services.reading, find);
  if (!found) co_return refuse(call, found.error());
  if (found->link) co_return redirect(*found->link);
  const std::uint64_t size = found->file->size_bytes();
  std::optional<ByteRange> range;
  const std::string* only_if = headers.find("If-Range");
  if (headers.count("Range") == 1 && (only_if == nullptr || *only_if == etag)) {
    auto parsed = parse_range(headers.get("Range"), size);
    if (!parsed) co_return outside_of(call, parsed.error(), size);
    range = *parsed;
  }
  net::FileRange part{.file = std::move(found->file), .offset = 0, .length = size};
  if (range) {
    part.offset = range->offset;
    part.length = range->length;
  }
  auto response = net::Response::file(std::move(part), type, range ? 206 : 200);
  if (range)
    response.headers.add("Content-Range", "bytes " + std::to_string(range->offset) + "-" +
                                              std::to_string(range->offset + range->length - 1) +
                                              "/" + std::to_string(size));
  response.headers.add("Accept-Ranges", "bytes");
  response.headers.add("ETag", etag);
  add_download_headers(response, file.name);
  co_return response;
}

}  // namespace

Answer download(Call& call) {
  const QueryParams params(call.request.target.query, {"name"});
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  const auto task = co_await find_task(call);
  if (!task) co_return refuse(call, task.error());
  if (!is_terminal(task->status))
    co_return refuse(call,
                     fail(Errc::not_finished, "Outputs are there once the task has finished"));
  const auto name = params.text("name");
  if (!name && !task->outputs.empty()) co_return co_await download_zip(call, *task);
  if (!name) co_return refuse(call, fail(Errc::no_output, "The task has made no files"));
  const auto file = std::find_if(task->outputs.begin(), task->outputs.end(),
                                 [&](const FileInfo& one) { return one.name == *name; });
  if (file == task->outputs.end())
    co_return refuse(call, fail(Errc::no_output, "The task has made no file of this name"));
  co_return co_await download_file(call, *task, *file);
}

}  // namespace tandem::api
