#include "worker/remote/report_spool.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace tandem::worker::remote {
namespace {

void answer_all(std::vector<ReportSpool::OnAnswer> answers, const Result<ReportAnswer>& with) {
  for (const ReportSpool::OnAnswer& answer : answers)
    if (answer) answer(with);
}

}  // namespace

bool ReportSpool::Lane::needs_report() const {
  if (flying) return false;
  if (must_announce) return true;
  if (final) return records.empty();
  return must_say || progress;
}

ReportSpool::Lane* ReportSpool::find(const AttemptKey& key) {
  const auto found = lanes_.find(key);
  return found == lanes_.end() ? nullptr : &found->second;
}

void ReportSpool::open(const AttemptKey& key, FirstWord first) {
  lanes_[key].must_announce = first == FirstWord::running;
}

void ReportSpool::close(const AttemptKey& key) {
  const auto found = lanes_.find(key);
  if (found == lanes_.end()) return;
  Lane lane = std::move(found->second);
  lanes_.erase(found);
  for (const logs::LogRecord& record : lane.records) log_bytes_ -= record.data.size();
  const Error stale = fail(Errc::stale_attempt);
  if (lane.logs_done) lane.logs_done(stale);
  answer_all(std::move(lane.flying_answers), stale);
  answer_all(std::move(lane.progress_answers), stale);
  if (lane.question_answer) lane.question_answer(stale);
  if (lane.final_answer) lane.final_answer(stale);
}

std::vector<AttemptKey> ReportSpool::keys() const {
  std::vector<AttemptKey> keys;
  keys.reserve(lanes_.size());
  for (const auto& [key, lane] : lanes_) keys.push_back(key);
  return keys;
}

// A caller that repeats itself has what it waits for replaced: one append at a time.
bool ReportSpool::add_logs(logs::LogAppend append, LogDone done) {
  Lane* found = find({append.task_id, append.attempt});
  if (found == nullptr) return false;
  Lane& lane = *found;
  std::uint64_t last = lane.records.empty() ? lane.tail.last_seq : lane.records.back().seq;
  for (logs::LogRecord& record : append.records) {
    if (record.seq <= last) continue;
    last = record.seq;
    log_bytes_ += record.data.size();
    lane.records.push_back(std::move(record));
  }
  lane.logs_done = std::move(done);
  return true;
}

bool ReportSpool::add_report(Report report, OnAnswer answer) {
  Lane* found = find({report.task_id, report.attempt});
  if (found == nullptr) return false;
  Lane& lane = *found;
  if (is_final(report.kind)) {
    lane.final = std::move(report);
    lane.final_answer = std::move(answer);
  } else if (report.kind == ReportKind::waiting_for_input) {
    lane.question = std::move(report.input_request);
    lane.question_answer = std::move(answer);
    lane.must_say = true;
  } else {
    lane.progress = std::move(report.progress);
    lane.progress_answers.push_back(std::move(answer));
  }
  return true;
}

void ReportSpool::renew(const AttemptKey& key) {
  if (Lane* lane = find(key)) lane->must_say = true;
}

void ReportSpool::input_came(const AttemptKey& key) {
  Lane* lane = find(key);
  if (lane == nullptr) return;
  lane->must_say = lane->must_say || lane->question.has_value();
  lane->question.reset();
}

std::optional<LogBatch> ReportSpool::take_logs(std::size_t max_bytes) {
  for (auto& [key, lane] : lanes_) {
    if (lane.records.empty() || lane.flying_records > 0) continue;
    LogBatch batch{.key = key, .records = {}};
    std::size_t bytes = 0;
    for (const logs::LogRecord& record : lane.records) {
      bytes += record.data.size();
      if (bytes > max_bytes && !batch.records.empty()) break;
      batch.records.push_back(record);
    }
    lane.flying_records = batch.records.size();
    return batch;
  }
  return std::nullopt;
}

Report ReportSpool::next_report(const AttemptKey& key, Lane& lane) {
  Report report{.task_id = key.task_id, .attempt = key.attempt};
  if (lane.must_announce) return report;
  lane.flying_answers = std::exchange(lane.progress_answers, {});
  if (lane.question_answer) lane.flying_answers.push_back(std::exchange(lane.question_answer, {}));
  if (lane.final) {
    report = *lane.final;
    lane.flying_answers.push_back(std::exchange(lane.final_answer, {}));
  } else {
    if (lane.question) report.kind = ReportKind::waiting_for_input;
    report.input_request = lane.question;
    report.progress = std::exchange(lane.progress, {});
  }
  lane.must_say = false;
  return report;
}

std::vector<Report> ReportSpool::take_reports(std::size_t most, std::size_t max_bytes) {
  std::vector<Report> reports;
  std::size_t bytes = 0;
  for (auto& [key, lane] : lanes_) {
    if (reports.size() >= most || bytes >= max_bytes) break;
    if (!lane.needs_report()) continue;
    lane.flying = next_report(key, lane);
    bytes += lane.flying->result.size();
    reports.push_back(*lane.flying);
  }
  return reports;
}

bool ReportSpool::has_final(const AttemptKey& key) const {
  const auto found = lanes_.find(key);
  return found != lanes_.end() && found->second.final.has_value();
}

bool ReportSpool::has_logs() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const auto& entry) {
    return !entry.second.records.empty() && entry.second.flying_records == 0;
  });
}

bool ReportSpool::has_reports() const {
  return std::any_of(lanes_.begin(), lanes_.end(),
                     [](const auto& entry) { return entry.second.needs_report(); });
}

void ReportSpool::drop_records(Lane& lane, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    log_bytes_ -= lane.records.front().data.size();
    lane.records.pop_front();
  }
}

void ReportSpool::finish_logs(Lane& lane, Result<logs::LogTail> answer) {
  if (const LogDone done = std::exchange(lane.logs_done, {})) done(std::move(answer));
}

// Where the server has less than was durable before, what is missing can't be told again.
void ReportSpool::logs_taken(const AttemptKey& key, std::uint64_t committed) {
  Lane* lane = find(key);
  if (lane == nullptr) return;
  lane->flying_records = 0;
  if (committed < lane->tail.last_seq)
    return logs_refused(key, fail(Errc::range_not_satisfiable, "The server has lost a log."));
  std::size_t durable = 0;
  while (durable < lane->records.size() && lane->records[durable].seq <= committed) {
    ++lane->tail.records;
    lane->tail.bytes += lane->records[durable].data.size();
    lane->tail.last_seq = lane->records[durable].seq;
    ++durable;
  }
  drop_records(*lane, durable);
  if (lane->records.empty()) finish_logs(*lane, lane->tail);
}

void ReportSpool::logs_refused(const AttemptKey& key, const Error& error) {
  Lane* lane = find(key);
  if (lane == nullptr) return;
  lane->flying_records = 0;
  drop_records(*lane, lane->records.size());
  finish_logs(*lane, error);
}

void ReportSpool::report_taken(const AttemptKey& key, const ReportAnswer& answer) {
  report_answered(key, answer);
}

// Only a final report has a second chance nowhere: it ends the attempt for us all the same.
void ReportSpool::report_refused(const AttemptKey& key, const Error& error) {
  report_answered(key, error);
}

void ReportSpool::report_answered(const AttemptKey& key, const Result<ReportAnswer>& answer) {
  Lane* lane = find(key);
  if (lane == nullptr || !lane->flying) return;
  const bool was_final = is_final(lane->flying->kind);
  auto answers = std::exchange(lane->flying_answers, {});
  lane->flying.reset();
  lane->must_announce = false;
  if (was_final) lanes_.erase(key);
  answer_all(std::move(answers), answer);
}

void ReportSpool::logs_lost_on_way(const AttemptKey& key) {
  if (Lane* lane = find(key)) lane->flying_records = 0;
}

// Told again, unless something newer makes up for it.
void ReportSpool::report_lost_on_way(const AttemptKey& key) {
  Lane* lane = find(key);
  if (lane == nullptr || !lane->flying) return;
  Report lost = std::move(*lane->flying);
  lane->flying.reset();
  auto answers = std::exchange(lane->flying_answers, {});
  if (is_final(lost.kind)) {
    lane->final_answer = [all = std::move(answers)](const Result<ReportAnswer>& answer) {
      answer_all(all, answer);
    };
    return;
  }
  if (!lane->progress) lane->progress = std::move(lost.progress);
  lane->must_say = true;
  lane->progress_answers.insert(lane->progress_answers.begin(),
                                std::make_move_iterator(answers.begin()),
                                std::make_move_iterator(answers.end()));
}

}  // namespace tandem::worker::remote
