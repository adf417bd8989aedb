#include <algorithm>

#include "api/log_streams.h"

#include "api/encoded_chunks.h"
#include "io/offload.h"
#include "wire/log_json.h"

namespace tandem::api {
namespace {

constexpr int kStreamRecords = 2000;
constexpr std::size_t kStreamPageBytes = 256 * 1024;
constexpr std::size_t kSentBytes = 64 * 1024;  // at once to a follower, who may have stalled
constexpr std::int64_t kCheckMs = 1000;
constexpr int kChecksPerSign = 15;  // a comment now and then, so that nothing on the way gives up

bool is_wanted(const LogSelection& selection, const logs::LogRecord& record) {
  return !selection.stream || *selection.stream == record.stream;
}

class RawLog final : public net::BodySource {
 public:
  RawLog(const Services& services, TaskId task, LogSelection selection)
      : services_(services), task_(task), selection_(selection) {}

  io::Awaitable<Result<bool>> next(std::string& chunk) override {
    chunk.clear();
    while (chunk.empty()) {
      int limit = kStreamRecords;
      if (selection_.limit) limit = std::min(limit, *selection_.limit);
      if (limit == 0) co_return false;
      auto read = [this, limit] {
        return services_.logs.reader().read(task_, selection_.after, limit, kStreamPageBytes);
      };
      const auto records = co_await io::offload(services_.reading, read);
      if (!records) co_return records.error();
      if (records->empty()) co_return false;
      for (const logs::LogRecord& record : *records)
        if (is_wanted(selection_, record)) chunk += record.data;
      selection_.after = records->back().position();
      if (selection_.limit) *selection_.limit -= static_cast<int>(records->size());
    }
    co_return true;
  }

 private:
  const Services& services_;
  TaskId task_;
  LogSelection selection_;
};

class FollowedLog final : public net::BodySource {
 public:
  FollowedLog(Call& call, std::unique_ptr<TaskFollow> task, LogSelection selection,
              FollowFormat format)
      : api_(call.api),
        caller_(call.caller),
        task_(std::move(task)),
        log_(call.services(), call.outbox, task_->id(), selection.after, task_->bell()),
        selection_(selection),
        format_(format) {}

  io::Awaitable<Result<bool>> next(std::string& chunk) override {
    chunk.clear();
    if (!has_begun_ && format_ == FollowFormat::events) {  // the headers go out at once
      has_begun_ = true;
      chunk = ": begin\n\n";
      co_return true;
    }
    while (!has_ended_) {
      if (piece_.chunk != nullptr) {
        append_some(chunk);
        if (!chunk.empty()) co_return true;
        continue;
      }
      if (is_draining_ != is_over()) {  // ended; or retried, while the rest of its log was awaited
        is_draining_ = !is_draining_;
        log_.read_again();
      }
      auto piece = co_await log_.next();
      if (!piece) co_return piece.error();
      piece_ = std::move(*piece);
      if (piece_.chunk != nullptr) continue;
      const bool is_whole = is_draining_ && !awaits_rest();
      if (is_whole || !is_still_welcome(api_, caller_)) {
        end(chunk, is_whole);
        break;
      }
      co_await task_->wait(kCheckMs);
      if (is_draining_) log_.read_again();
      if (++checks_ % kChecksPerSign == 0 && format_ == FollowFormat::events) {
        chunk = ": still here\n\n";
        co_return true;
      }
    }
    co_return !chunk.empty();
  }

 private:
  bool is_over() const { return task_->image() == nullptr || is_terminal(task_->image()->status); }

  bool awaits_rest() const {
    return task_->image() != nullptr && log_.awaits_rest(*task_->image());
  }

  // The next records of the piece; lets go of it with its last one.
  void append_some(std::string& out) {
    while (piece_.first < piece_.chunk->size() && out.size() < kSentBytes) {
      const logs::LogRecord& record = (*piece_.chunk)[piece_.first++];
      if (!is_wanted(selection_, record)) continue;
      if (format_ == FollowFormat::raw) {
        out += record.data;
        continue;
      }
      out += "id: " + position_text(record.position()) + "\nevent: log\ndata: ";
      wire::encode_log_line(line_of(record), out);  // JSON has no line ends
      out += "\n\n";
    }
    if (piece_.first == piece_.chunk->size()) piece_ = {};
  }

  void end(std::string& out, bool is_whole) {
    has_ended_ = true;
    if (format_ == FollowFormat::raw || !is_whole) return;
    const std::string_view status =
        task_->image() == nullptr ? "deleted" : to_string(task_->image()->status);
    out += "event: end\ndata: {\"status\":\"" + std::string(status) + "\"}\n\n";
  }

  const ApiState& api_;
  const Caller caller_;
  std::unique_ptr<TaskFollow> task_;
  LogFollow log_;
  LogSelection selection_;
  FollowFormat format_;
  LogPiece piece_;  // what of it is not sent yet
  bool has_begun_ = false, has_ended_ = false;
  bool is_draining_ = false;  // terminal: what is read now is the rest
  int checks_ = 0;
};

}  // namespace

bool is_still_welcome(const ApiState& api, const Caller& caller) {
  const std::int64_t now_s = api.services.clock.wall().ms / 1000;
  return now_s < caller.claims.expires_at_s && api.clients.contains(caller.actor.client_id);
}

std::unique_ptr<net::BodySource> raw_log(const Services& services, TaskId task,
                                         LogSelection selection) {
  return std::make_unique<RawLog>(services, task, selection);
}

std::unique_ptr<net::BodySource> followed_log(Call& call, std::unique_ptr<TaskFollow> task,
                                              LogSelection selection, FollowFormat format) {
  return std::make_unique<FollowedLog>(call, std::move(task), selection, format);
}

}  // namespace tandem::api
