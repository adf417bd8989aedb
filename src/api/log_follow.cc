#include "api/log_follow.h"

#include <algorithm>
#include <list>

#include "io/offload.h"

namespace tandem::api {
namespace {

constexpr std::size_t kMaxHeldRecords = 4096;
constexpr std::size_t kMaxHeldChunks = 256;
constexpr std::size_t kMaxHeldBytes = 1024 * 1024;  // of a reader that has stalled
constexpr int kPageRecords = 1000;
constexpr std::size_t kPageBytes = 64 * 1024;
constexpr std::int64_t kRestMs = 60'000;

std::size_t data_bytes(const std::vector<logs::LogRecord>& records) {
  std::size_t bytes = 0;
  for (const logs::LogRecord& record : records) bytes += record.data.size();
  return bytes;
}

bool continues(logs::LogPosition sent, logs::LogPosition next) {
  if (next.attempt == sent.attempt) return next.seq == sent.seq + 1;
  return next.attempt > sent.attempt && next.seq == 1;
}

}  // namespace

struct LogFollow::Queue {
  void take(logs::LogChunk chunk) {
    if (chunk == nullptr || chunk->empty()) return;
    latest = std::max(latest, chunk->back().position());
    records += chunk->size();
    bytes += data_bytes(*chunk);
    const bool is_much = records > kMaxHeldRecords || chunks.size() >= kMaxHeldChunks ||
                         (bytes > kMaxHeldBytes && !chunks.empty());
    if (overflowed || is_much) {
      clear();
      overflowed = true;
    } else {
      chunks.push_back(std::move(chunk));
    }
    bell();
  }
  void clear() {
    chunks.clear();
    records = bytes = 0;
    overflowed = false;
  }

  std::function<void()> bell;
  // Mostly there are none, and an empty deque holds 0.6 KiB.
  std::list<logs::LogChunk> chunks;
  std::size_t records = 0;   // in chunks
  std::size_t bytes = 0;     // of data in chunks
  bool overflowed = false;   // chunks were dropped: the store has them
  logs::LogPosition latest;  // the last that came in
};

LogFollow::LogFollow(const Services& services, Outbox& outbox, TaskId task, logs::LogPosition after,
                     std::function<void()> bell)
    : services_(services), task_(task), sent_(after), queue_(std::make_shared<Queue>()) {
  queue_->bell = std::move(bell);
  follow_id_ = services_.logs.follow(
      task, outbox, [queue = queue_](logs::LogChunk chunk) { queue->take(std::move(chunk)); });
}

LogFollow::~LogFollow() { services_.logs.unfollow(task_, follow_id_); }

io::Awaitable<Result<LogPiece>> LogFollow::next() {
  while (true) {
    if (is_live_ && !queue_->overflowed) {
      LogPiece piece = next_live();
      if (is_live_) co_return piece;
    }
    is_live_ = false;
    queue_->clear();  // what came in so far is in the store: the read below sees it
    auto page = co_await read_page();
    if (!page || page->chunk != nullptr) co_return page;
    is_live_ = !queue_->overflowed;
  }
}

io::Awaitable<Result<LogPiece>> LogFollow::read_page() {
  auto read = [this] {
    return services_.logs.reader().read(task_, sent_, kPageRecords, kPageBytes);
  };
  auto records = co_await io::offload(services_.reading, read);
  if (!records) co_return records.error();
  LogPiece piece;
  if (records->empty()) co_return piece;
  sent_ = records->back().position();
  piece.chunk = std::make_shared<const std::vector<logs::LogRecord>>(std::move(*records));
  co_return piece;
}

// The next live records behind sent_; is_live_ is false afterwards where something is missing.
LogPiece LogFollow::next_live() {
  while (!queue_->chunks.empty()) {
    LogPiece piece{.chunk = std::move(queue_->chunks.front()), .first = 0, .is_shared = true};
    queue_->chunks.pop_front();
    queue_->records -= piece.chunk->size();
    queue_->bytes -= data_bytes(*piece.chunk);
    const auto is_fresh = [this](const auto& record) { return record.position() > sent_; };
    const auto fresh = std::find_if(piece.chunk->begin(), piece.chunk->end(), is_fresh);
    if (fresh == piece.chunk->end()) continue;
    if (!continues(sent_, fresh->position())) {
      is_live_ = false;
      return {};
    }
    piece.first = static_cast<std::size_t>(fresh - piece.chunk->begin());
    sent_ = piece.chunk->back().position();
    return piece;
  }
  return {};
}

bool LogFollow::awaits_rest(const Task& task) const {
  if (!task.finished_at || task.log.records == 0) return false;
  if (sent_ >= logs::LogPosition{task.attempt, task.log.records}) return false;
  return services_.clock.wall() - *task.finished_at < kRestMs;
}

std::optional<std::pair<logs::LogPosition, logs::LogPosition>> LogFollow::skip_to_live() {
  if (queue_->latest <= sent_) return std::nullopt;
  const std::pair gap(sent_, queue_->latest);
  sent_ = queue_->latest;
  queue_->clear();
  is_live_ = true;
  return gap;
}

}  // namespace tandem::api
