#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"

namespace tandem::logs {

enum class LogStream : std::uint8_t { stdout_, stderr_, system };
std::string_view to_string(LogStream stream);  // "stdout", "stderr", "system"
std::optional<LogStream> log_stream_from(std::string_view name);

// A place in a task's log: behind this record. Ordered by attempt, then seq. Written "2-17";
// a bare "17" is of attempt 1.
struct LogPosition {
  std::uint32_t attempt = 0;
  std::uint64_t seq = 0;
  auto operator<=>(const LogPosition&) const = default;
};
std::optional<LogPosition> parse_log_position(std::string_view text);
std::string to_string(LogPosition position);

// What a job wrote at one moment: any bytes, cut at line ends where there are some.
// seq is dense per task and attempt, from 1.
struct LogRecord {
  std::uint32_t attempt = 0;
  std::uint64_t seq = 0;
  WallTime ts;
  LogStream stream = LogStream::stdout_;
  std::string data;
  LogPosition position() const { return {attempt, seq}; }
};

// One append: records of one attempt with dense seqs.
struct LogAppend {
  TaskId task_id;
  std::uint32_t attempt = 0;
  std::vector<LogRecord> records;
};

struct LogTail {
  std::uint64_t last_seq = 0;  // of the attempt
  std::uint64_t records = 0;   // of the attempt
  std::uint64_t bytes = 0;     // of the attempt
};

// The latest attempt of a task that has written, and where its log ends.
struct TaskTail {
  std::uint32_t attempt = 0;
  LogTail tail;
  LogPosition position() const { return {attempt, tail.last_seq}; }
};

class TailReader;
using AppendsFound = std::function<void(std::vector<LogAppend>)>;

// What of a log can be read. Blocks; from any thread. Errors: store_unavailable, disk_full; after
// one, the same call may work again.
class LogReader {
 public:
  virtual ~LogReader() = default;
  // Records behind `after`, in order, at most `limit` records and about `max_bytes` of data.
  virtual Result<std::vector<LogRecord>> read(TaskId task, LogPosition after, int limit,
                                              std::size_t max_bytes) = 0;
};

// Where logs are kept. Synchronous and batch-shaped; every call blocks. append, remove and tail are
// made by one thread (LogHub's); the others may be called from any. Errors as above.
class LogStore : public LogReader {
 public:
  // All of them durable when it returns without an error; after one, some may be there. A record
  // that is there already is skipped. Attempts of a task come in order; the caller (LogHub) has
  // checked that there is no gap, as far as it knows: an engine that can lose what was durable says
  // in a `system` record what is missing before the first one.
  // Where others append too it answers, for each append, how its task stands behind it: where a
  // later attempt has written, the append has changed nothing. Else the answer is empty.
  virtual Result<std::vector<TaskTail>> append(std::span<const LogAppend> appends) = 0;
  virtual Result<LogTail> tail(TaskId task, std::uint32_t attempt) = 0;
  // Removes whole logs in the order given, until about `max_bytes` of data are gone where that
  // takes time, so that no call takes long. Answers how many tasks, from the front, have nothing
  // left (now, or had before).
  virtual Result<std::size_t> remove(std::span<const TaskId> tasks, std::size_t max_bytes) = 0;
  // Tasks that have a log, by id, at most `limit` of them behind `after`.
  virtual Result<std::vector<TaskId>> tasks(TaskId after, std::size_t limit) = 0;
  // The installation whose logs these are, as a mark beside them says; where there is none, this
  // one from now on. From any thread.
  virtual Result<std::string> mark(const std::string& installation) { return installation; }
  // Whether it can be used now.
  virtual Result<void> check() { return {}; }
  // Whether it is a server of its own: others append to it too, and what was durable can be lost
  // while this server runs.
  virtual bool is_remote() const { return false; }
  // Tells `found` what is appended, whoever appends it. Null: nobody does but the caller.
  virtual std::unique_ptr<TailReader> open_tail(AppendsFound found);
};

// A store that is meant for what is written now: a log that nobody writes any more is moved.
class LiveLogStore : public LogStore {
 public:
  // Removes the records of a task up to `through`. From any thread.
  virtual Result<void> trim(TaskId task, LogPosition through) = 0;
};

}  // namespace tandem::logs
