#include "api/incoming_files.h"

#include <algorithm>

#include "base/limits.h"
#include "blobs/content_type.h"
#include "core/file_name.h"
#include "io/offload.h"

namespace tandem::api {
namespace {}  // namespace

io::Awaitable<Result<void>> IncomingFiles::receive(net::Request& request) {
  auto boundary = boundary_of(request.headers.get("Content-Type"));
  if (!boundary) co_return boundary.error();
  MultipartReader reader(*boundary);
  std::string chunk;
  while (true) {
    const auto event = reader.next();
    if (!event) co_return event.error();
    if (*event == MultipartReader::Event::need_more) {
      const auto more = co_await request.body_stream->next(chunk);
      if (!more) co_return more.error();
      if (!*more) co_return fail(Errc::bad_multipart, "The body ends before its last boundary");
      reader.feed(chunk);
      continue;
    }
    if (*event == MultipartReader::Event::end) break;
    const auto taken = co_await take(*event, reader);
    if (!taken) co_return taken.error();
  }
  while (true) {  // what stands behind the last boundary is passed over
    const auto more = co_await request.body_stream->next(chunk);
    if (!more) co_return more.error();
    if (!*more) break;
  }
  if (!has_task_) co_return fail(Errc::validation_failed, "The part task is missing", "task");
  co_return Result<void>();
}

io::Awaitable<Result<void>> IncomingFiles::take(MultipartReader::Event event,
                                                const MultipartReader& reader) {
  switch (event) {
    case MultipartReader::Event::part_begin: co_return co_await begin_part(reader.part());
    case MultipartReader::Event::data: co_return co_await take_data(reader.data());
    case MultipartReader::Event::part_end: co_return co_await end_part();
    default: co_return Result<void>();
  }
}

io::Awaitable<Result<void>> IncomingFiles::begin_part(const MultipartReader::Part& part) {
  is_file_ = part.name == "file";
  if (part.name == "task") {
    if (has_task_)
      co_return fail(Errc::validation_failed, "There is more than one part task", "task");
    has_task_ = true;
    co_return Result<void>();
  }
  if (!is_file_)
    co_return fail(Errc::validation_failed, "Parts are called task or file", part.name);
  const std::string name = part.file_name.value_or("");
  if (auto fine = check_file_name(name); !fine)
    co_return fail(Errc::validation_failed, fine.error().detail, "file");
  if (files_.size() >= limits::kMaxInputFiles)
    co_return fail(Errc::validation_failed, "There are more than 100 files", "file");
  const bool is_double = std::any_of(files_.begin(), files_.end(),
                                     [&](const FileInfo& file) { return file.name == name; });
  if (is_double) co_return fail(Errc::validation_failed, "Two files have the same name", "file");
  file_bytes_ = 0;
  content_type_ = part.content_type;
  if (content_type_.empty()) content_type_ = blobs::content_type_of(name);
  has_written_ = true;
  auto create = [this, &name] {
    return services_.blobs.create(task_, blobs::BlobFolder::in(), name);
  };
  auto writer = co_await io::offload(services_.reading, create);
  if (!writer) co_return writer.error();
  writer_ = std::move(*writer);
  co_return Result<void>();
}

io::Awaitable<Result<void>> IncomingFiles::take_data(std::string_view data) {
  if (!is_file_) {
    if (task_json_.size() + data.size() > services_.settings.max_body_bytes)
      co_return fail(Errc::too_large, "The part task is too large");
    task_json_ += data;
    co_return Result<void>();
  }
  file_bytes_ += data.size();
  if (file_bytes_ > services_.settings.max_input_file_bytes)
    co_return fail(Errc::too_large, "A file is larger than TANDEM_MAX_INPUT_FILE_BYTES");
  held_ += data;
  if (held_.size() < io::kHopBytes) co_return Result<void>();
  co_return co_await flush();
}

io::Awaitable<Result<void>> IncomingFiles::flush() {
  auto write = [this] { return writer_->write(held_); };
  auto written = co_await io::offload(services_.reading, write);
  held_.clear();
  co_return written;
}

io::Awaitable<Result<void>> IncomingFiles::end_part() {
  if (!is_file_) co_return Result<void>();
  auto finish = [this]() -> Result<FileInfo> {
    if (auto written = writer_->write(held_); !written) return written.error();
    return writer_->finish(std::nullopt);
  };
  auto file = co_await io::offload(services_.reading, finish);
  held_.clear();
  writer_.reset();
  if (!file) co_return file.error();
  file->content_type = content_type_;
  files_.push_back(std::move(*file));
  co_return Result<void>();
}

io::Awaitable<void> IncomingFiles::discard() {
  if (!has_written_) co_return;
  auto remove = [this] {
    writer_.reset();
    return services_.blobs.remove(task_);
  };
  co_await io::offload(services_.reading, remove);  // what stays is swept by maintenance
  files_.clear();
  has_written_ = false;
}

}  // namespace tandem::api
