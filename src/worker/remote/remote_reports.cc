#include <algorithm>
#include <utility>

#include "service/receipts.h"
#include "worker/remote/remote_state.h"

// What a worker far away tells its service over HTTP, and what the answers mean.
namespace tandem::worker::remote {
namespace {

constexpr std::size_t kMaxReports = limits::kMaxBatchTasks;  // in one request
constexpr std::size_t kMaxReportBytes = 2u << 20;            // of results in it, or one
constexpr std::size_t kMaxBatchBytes = 512u * 1024;          // of a log in one request
constexpr service::BackOffBounds kPauses{.first_ms = 100, .longest_ms = 5000};

wire::UpdateStatus status_of(ReportKind kind) {
  switch (kind) {
    case ReportKind::progress: return wire::UpdateStatus::running;
    case ReportKind::waiting_for_input: return wire::UpdateStatus::waiting_for_input;
    case ReportKind::completed: return wire::UpdateStatus::completed;
    case ReportKind::failed: return wire::UpdateStatus::failed;
    case ReportKind::cancelled: return wire::UpdateStatus::cancelled;
    case ReportKind::released: return wire::UpdateStatus::released;
  }
  return wire::UpdateStatus::failed;
}

}  // namespace

std::vector<wire::LogLine> lines_of(const LogBatch& batch, std::uint32_t attempt) {
  std::vector<wire::LogLine> lines;
  lines.reserve(batch.records.size());
  for (const logs::LogRecord& record : batch.records)
    lines.push_back({.seq = record.seq,
                     .ts = record.ts,
                     .attempt = attempt,
                     .stream = to_string(record.stream),
                     .data = record.data});
  return lines;
}

wire::Update RemoteLink::update_of(const Report& report) const {
  const AttemptKey key{report.task_id, report.attempt};
  const ServiceName name = book_.name_of(key).value_or(ServiceName{});
  wire::Update update;
  update.task_id = name.task_id;
  update.attempt = name.attempt;
  update.status = status_of(report.kind);
  update.progress = report.progress;
  update.result = report.result;
  update.error = report.error;
  update.exit_code = report.exit_code;
  update.signal = report.signal;
  update.input_request = report.input_request;
  if (!terms_->is_tandem()) return update;
  const auto given = state_->input_seqs.find(key);
  update.input_seq = given == state_->input_seqs.end() ? 0 : given->second;
  if (report.log) update.log_records = report.log->records;
  return update;
}

io::Awaitable<void> RemoteLink::tell() {
  service::BackOff pause(parts_.random, kPauses);
  while (!state_->closing) {
    if (!spool_.has_reports() && !spool_.has_logs()) {
      co_await state_->reports.wait(kLongMs);
      continue;
    }
    bool is_told = !std::exchange(state_->are_logs_stuck, false);
    if (!is_told) {
      // Sent again, but not at once.
    } else if (state_->peer && state_->apart == 0) {
      is_told = co_await send_some();
    } else {
      if (spool_.has_reports()) is_told = co_await post_reports();
      if (is_told && spool_.has_logs()) is_told = co_await post_logs();
    }
    if (is_told) {
      pause.reset();
      continue;
    }
    const MonoTime again_at = now() + pause.next_ms(client_.asked_pause_ms(service::Lane::calls));
    const bool had_socket = state_->peer != nullptr;
    while (!state_->closing && now() < again_at && had_socket == (state_->peer != nullptr))
      co_await state_->reports.wait(again_at - now());
  }
}

io::Awaitable<bool> RemoteLink::post_reports() {
  const bool is_one_by_one = !terms_->is_tandem() || state_->apart > 0;
  const std::size_t most = is_one_by_one ? 1 : kMaxReports;
  if (state_->apart > 0 && spool_.has_reports()) --state_->apart;
  auto reports = spool_.take_reports(most, kMaxReportBytes);
  co_return co_await post_reports(std::move(reports));
}

io::Awaitable<bool> RemoteLink::post_reports(std::vector<Report> reports) {
  const service::TermsPtr terms = terms_;
  std::vector<AttemptKey> keys;
  std::vector<wire::AttemptRef> told;
  std::string body = reports.size() > 1 ? R"({"updates":[)" : "";
  for (const Report& report : reports) {
    const AttemptKey key{report.task_id, report.attempt};
    const wire::Update update = update_of(report);
    if (!keys.empty()) body += ',';
    wire::encode_update(update, body, terms->statuses.name_of(update.status));
    keys.push_back(key);
    told.push_back({update.task_id, update.attempt});
  }
  if (reports.size() > 1) body += "]}";
  const MonoTime sent_at = now();
  auto call = service::json_call(*terms, terms->update_url(), std::move(body));
  auto answer = co_await ask(service::Lane::calls, std::move(call));
  if (!answer) {
    const bool is_one = keys.size() == 1;
    for (const AttemptKey& key : keys) {
      if (is_one && !service::may_be_repeated(answer.error()))
        refused(key, answer.error());
      else
        spool_.report_lost_on_way(key);
    }
    if (service::may_be_repeated(answer.error())) complaints_.failed("Reporting", answer.error());
    co_return is_one && !service::may_be_repeated(answer.error());
  }
  const Answers answers = service::answers_to(*terms, told, *answer);
  co_return take_answers(keys, answers, sent_at);
}

bool RemoteLink::take_answers(const std::vector<AttemptKey>& keys, const Answers& answers,
                              MonoTime sent_at) {
  bool is_told = true;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (answers[i])
      answered(keys[i], sent_at, *answers[i]);
    else
      spool_.report_lost_on_way(keys[i]);
    is_told = is_told && answers[i];
  }
  if (is_told)
    complaints_.works("Reporting");
  else
    complaints_.failed("Reporting", service::no_receipt());
  return is_told;
}

io::Awaitable<bool> RemoteLink::post_logs() {
  auto batch = spool_.take_logs(kMaxBatchBytes);
  if (!batch) co_return true;
  co_return co_await post_logs(std::move(*batch));
}

io::Awaitable<bool> RemoteLink::post_logs(LogBatch batch) {
  const ServiceName name = book_.name_of(batch.key).value_or(ServiceName{});
  std::string body;
  const auto lines = lines_of(batch, name.attempt);
  wire::encode_log_batch(lines, body);
  std::string refusal;
  auto call = service::json_call(*terms_, terms_->task_url(name.task_id, "logs"), std::move(body));
  auto answer = co_await ask(service::Lane::calls, std::move(call), &refusal);
  const bool is_gap = !answer && answer.error().code == Errc::range_not_satisfiable;
  const auto committed = service::committed_in(answer ? *answer : refusal);
  if (committed && (answer || is_gap)) {
    complaints_.works("Sending logs");
    spool_.logs_taken(batch.key, *committed);
    co_return *committed >= batch.records.front().seq;  // else it is not sent again at once
  }
  const Error error = answer || is_gap ? service::no_receipt() : answer.error();
  if (service::may_be_repeated(error)) {
    complaints_.failed("Sending logs", error);
    spool_.logs_lost_on_way(batch.key);
    co_return false;
  }
  logs_refused(batch.key, error, 0);
  co_return true;
}

void RemoteLink::logs_refused(const AttemptKey& key, const Error& error, std::uint64_t committed) {
  if (error.code == Errc::range_not_satisfiable) return spool_.logs_taken(key, committed);
  if (service::is_lost(error.code)) return lose(key);
  complaints_.failed("Sending logs", error);
  spool_.logs_refused(key, error);
}

void RemoteLink::hear(const AttemptKey& key, const wire::UpdateAnswer& news) {
  if (news.cancel_requested) order(CancelOrder{key.task_id, key.attempt});
  for (const wire::AnswerInput& piece : news.input) {
    std::uint64_t& last = state_->input_seqs[key];
    if (piece.seq <= last) continue;
    last = piece.seq;
    spool_.input_came(key);
    order(InputOrder{key.task_id, key.attempt, piece.seq, piece.data, piece.eof});
  }
}

void RemoteLink::answered(const AttemptKey& key, MonoTime sent_at,
                          const wire::UpdateAnswer& answer) {
  if (answer.error) {
    if (service::may_be_repeated(*answer.error)) return spool_.report_lost_on_way(key);
    return refused(key, *answer.error);
  }
  spool_.report_taken(key, {.cancel_requested = answer.cancel_requested});
  if (!spool_.has(key)) return forget(key);
  if (terms_->is_tandem()) leased(key, sent_at);
  hear(key, answer);
}

void RemoteLink::leased(const AttemptKey& key, MonoTime sent_at) {
  const MonoTime until = leases_.renewed(key, sent_at);
  state_->leases.wake();
  if (offered_.contains(key))
    give(key, until);
  else
    order(LeaseOrder{key.task_id, key.attempt, until});
}

// Of a report that is not the last the next one makes up for it.
void RemoteLink::refused(const AttemptKey& key, const Error& error) {
  spool_.report_refused(key, error);
  if (service::is_lost(error.code)) return lose(key);
  complaints_.failed("Reporting", error);
  if (!spool_.has(key)) return forget(key);
  if (offered_.contains(key)) lose(key);
}

}  // namespace tandem::worker::remote
