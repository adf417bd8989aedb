#include "logs/archive/archived_logs.h"

#include <algorithm>
#include <string>
#include <utility>

namespace tandem::logs {
namespace {

constexpr std::string_view kName = "records.zst";
constexpr int kPageRecords = 2000;
constexpr std::size_t kPageBytes = 1024 * 1024;

bool continues(LogPosition after, LogPosition next) {
  if (after.seq == 0 && after.attempt <= 1) return next == LogPosition{1, 1};
  return next.attempt == after.attempt && next.seq == after.seq + 1;
}

LogRecord loss(LogPosition last, LogPosition end, WallTime ts) {
  const std::uint64_t first = last.attempt == end.attempt ? last.seq + 1 : 1;
  return {.attempt = end.attempt,
          .seq = end.seq,
          .ts = ts,
          .stream = LogStream::system,
          .data = "Records missing here: " + std::to_string(end.seq + 1 - first) + " (" +
                  std::to_string(first) + " to " + std::to_string(end.seq) +
                  "); the log store has lost them.\n"};
}

}  // namespace

Result<std::vector<LogRecord>> ArchivedLogs::read(TaskId task, LogPosition after, int limit,
                                                  std::size_t max_bytes) {
  auto live = live_.read(task, after, limit, max_bytes);
  if (live && !live->empty() && continues(after, live->front().position())) return live;
  if (limit <= 0) return live;
  const auto file = file_behind(task, after);
  if (!file) return file.error();
  if (*file == nullptr) {
    // At the end of a packed log there is nothing more, as far as anybody can know without the
    // store.
    const Result<File> all = live ? Result<File>(File()) : open(task);
    if (all && *all != nullptr) return std::vector<LogRecord>();
    return live;
  }
  auto page = read_packed(*file, task, after, limit, max_bytes);
  if (page) return page;
  // A file that was opened before another server packed more may be gone.
  forget(task);
  const auto newer = file_behind(task, after);
  if (!newer || *newer == nullptr) return page;
  return read_packed(*newer, task, after, limit, max_bytes);
}

// A page that is not full goes on in the store: there may be a later attempt.
Result<std::vector<LogRecord>> ArchivedLogs::read_packed(const File& file, TaskId task,
                                                         LogPosition after, int limit,
                                                         std::size_t max_bytes) {
  auto page = file->read(after, limit, max_bytes);
  if (!page || page->empty()) return page;
  std::size_t bytes = 0;
  for (const LogRecord& record : *page) bytes += record.data.size();
  const int room = limit - static_cast<int>(page->size());
  if (room <= 0 || bytes >= max_bytes || page->back().position() < file->end()) return page;
  auto later = live_.read(task, file->end(), room, max_bytes - bytes);
  if (later && (later->empty() || !continues(file->end(), later->front().position()))) {
    // Another server may have packed more since this file was opened.
    const auto newer = file_behind(task, file->end());
    if (newer && *newer != nullptr) later = (*newer)->read(file->end(), room, max_bytes - bytes);
  }
  if (later) std::move(later->begin(), later->end(), std::back_inserter(*page));
  return page;
}

// The packed log where it has records behind `after`, else null.
Result<ArchivedLogs::File> ArchivedLogs::file_behind(TaskId task, LogPosition after) {
  {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(held_, [now](const auto& one) { return now - one.second.opened > kHeldFor; });
    const auto found = held_.find(task);
    if (found != held_.end() && found->second.file->end() > after) return found->second.file;
  }
  auto file = open(task);
  if (!file || *file == nullptr || (*file)->end() <= after) return file ? File() : file;
  hold(task, *file);
  return file;
}

Result<ArchivedLogs::File> ArchivedLogs::open(TaskId task) {
  auto blob = blobs_.open(task, blobs::BlobFolder::log(), kName);
  if (!blob && blob.error().code == Errc::not_found) return File();
  if (!blob) return blob.error();
  auto file = ArchiveFile::open(std::move(*blob));
  if (!file) return file.error();
  return std::make_shared<const ArchiveFile>(std::move(*file));
}

void ArchivedLogs::hold(TaskId task, File file) {
  const std::lock_guard lock(mutex_);
  const auto is_older = [](const auto& a, const auto& b) {
    return a.second.opened < b.second.opened;
  };
  if (held_.size() >= kMaxHeld && !held_.contains(task))
    held_.erase(std::min_element(held_.begin(), held_.end(), is_older));
  held_.insert_or_assign(task, Held{std::move(file), std::chrono::steady_clock::now()});
}

void ArchivedLogs::forget(TaskId task) {
  const std::lock_guard lock(mutex_);
  held_.erase(task);
}

Result<void> ArchivedLogs::archive(TaskId task, LogPosition end, Rest rest) {
  auto out = blobs_.create(task, blobs::BlobFolder::log(), kName);
  if (!out) return out.error();
  ArchiveWriter writer(**out);
  const auto is_whole = pack(task, end, rest, writer);
  if (!is_whole) return is_whole.error();
  if (!*is_whole) return {};
  const LogPosition packed = writer.end();
  if (auto written = writer.finish(); !written) return written;
  if (auto done = (*out)->finish(std::nullopt); !done) return done.error();
  forget(task);
  return live_.trim(task, packed);
}

// false: there is nothing to pack yet, or another server has packed it meanwhile.
Result<bool> ArchivedLogs::pack(TaskId task, LogPosition end, Rest rest, ArchiveWriter& writer) {
  auto page = live_.read(task, {}, kPageRecords, kPageBytes);
  if (!page) return page.error();
  if (page->empty()) return false;
  const LogPosition first = page->front().position();
  if (auto older = pack_older(task, writer); !older) return older.error();
  WallTime last_ts;
  while (!page->empty()) {
    const LogPosition from = page->back().position();
    last_ts = page->back().ts;
    std::erase_if(*page, [&](const auto& record) { return record.position() <= writer.end(); });
    if (auto added = writer.add(std::move(*page)); !added) return added.error();
    page = live_.read(task, from, kPageRecords, kPageBytes);
    if (!page) return page.error();
  }
  const bool is_short = end.seq > 0 && writer.end() < end;
  if (is_short && rest == Rest::may_come) return false;
  if (is_short)
    if (auto added = writer.add({loss(writer.end(), end, last_ts)}); !added) return added.error();
  // Still whole: so was all that was read of it.
  const auto again = live_.read(task, {}, 1, 1);
  if (!again) return again.error();
  return !again->empty() && again->front().position() == first;
}

Result<void> ArchivedLogs::pack_older(TaskId task, ArchiveWriter& writer) {
  const auto older = open(task);
  if (!older) return older.error();
  if (*older == nullptr) return {};
  for (LogPosition at;;) {
    auto page = (*older)->read(at, kPageRecords, kPageBytes);
    if (!page) return page.error();
    if (page->empty()) return {};
    at = page->back().position();
    if (auto added = writer.add(std::move(*page)); !added) return added;
  }
}

}  // namespace tandem::logs
