#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "worker/attempt_key.h"
#include "worker/attempt_log.h"
#include "worker/server_link.h"

namespace tandem::worker::remote {

struct LogBatch {
  AttemptKey key;
  std::vector<logs::LogRecord> records;  // dense, not empty
};

// What has to be told of each attempt and was not answered yet: its log records, and one report at
// a time. Nothing is dropped before it was answered, over whatever channel; nothing is told in
// another order: the final report follows the last record. One loop; callbacks never come inside of
// add_*() and take_*().
//
// Of progress only the last is kept. Of one attempt one batch of records and one report are under
// way at most: what take_*() gave is answered by exactly one *_taken(), refused() or lost_on_way().
class ReportSpool {
 public:
  using LogDone = LogSink::Done;
  using OnAnswer = ServerLink::OnAnswer;

  enum class FirstWord { running, any };
  // The attempt is ours to tell of. `running`: that it runs is told, and heard, before all else.
  void open(const AttemptKey& key, FirstWord first);
  // Nothing of it will be told any more. Who waits is told `stale_attempt`.
  void close(const AttemptKey& key);
  bool has(const AttemptKey& key) const { return lanes_.contains(key); }
  bool has_final(const AttemptKey& key) const;
  bool is_empty() const { return lanes_.empty(); }
  std::vector<AttemptKey> keys() const;

  // `done` once all of them are durable. One append of an attempt at a time. Both: false where the
  // attempt is not open (any more); then nothing is called.
  [[nodiscard]] bool add_logs(logs::LogAppend append, LogDone done);
  [[nodiscard]] bool add_report(Report report, OnAnswer answer);
  // Says again how it is, to renew its lease.
  void renew(const AttemptKey& key);
  // The open question was answered: it runs, and is said to.
  void input_came(const AttemptKey& key);

  // What to send next; nothing where all is under way. `max_bytes` of data, but one record at
  // least.
  std::optional<LogBatch> take_logs(std::size_t max_bytes);
  std::vector<Report> take_reports(std::size_t most, std::size_t max_bytes);
  bool has_logs() const;
  bool has_reports() const;

  // Answers. `committed`: the last durable seq, as the server says, also of an answer to a gap.
  void logs_taken(const AttemptKey& key, std::uint64_t committed);
  void logs_refused(const AttemptKey& key, const Error& error);
  void report_taken(const AttemptKey& key, const ReportAnswer& answer);
  void report_refused(const AttemptKey& key, const Error& error);
  // No answer will come: it may have been heard or not, and is sent again.
  void logs_lost_on_way(const AttemptKey& key);
  void report_lost_on_way(const AttemptKey& key);

  std::size_t log_bytes() const { return log_bytes_; }

 private:
  struct Lane {
    std::deque<logs::LogRecord> records;  // not known to be durable
    std::size_t flying_records = 0;       // of them, from the front
    LogDone logs_done;
    logs::LogTail tail;  // of what is durable

    bool must_announce = false;  // that it runs, first of all
    bool must_say = false;       // how it is, to renew its lease
    std::optional<Progress> progress;
    std::vector<OnAnswer> progress_answers;
    std::optional<InputRequest> question;  // the open one: what it says of itself
    OnAnswer question_answer;
    std::optional<Report> final;
    OnAnswer final_answer;
    std::optional<Report> flying;
    std::vector<OnAnswer> flying_answers;
    bool needs_report() const;
  };
  void report_answered(const AttemptKey& key, const Result<ReportAnswer>& answer);
  Lane* find(const AttemptKey& key);
  Report next_report(const AttemptKey& key, Lane& lane);
  void drop_records(Lane& lane, std::size_t count);
  void finish_logs(Lane& lane, Result<logs::LogTail> answer);

  std::unordered_map<AttemptKey, Lane, AttemptKeyHash> lanes_;
  std::size_t log_bytes_ = 0;
};

}  // namespace tandem::worker::remote
