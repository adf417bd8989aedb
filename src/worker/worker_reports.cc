#include <algorithm>
#include <utility>

#include "worker/worker_attempt.h"

// What a worker tells its server.
namespace tandem::worker {
namespace {

constexpr std::int64_t kLongestReportPauseMs = 2000;

ReportKind kind_of(Ending ending) {
  switch (ending) {
    case Ending::completed: return ReportKind::completed;
    case Ending::failed: return ReportKind::failed;
    case Ending::cancelled: return ReportKind::cancelled;
  }
  return ReportKind::failed;
}

bool may_be_repeated(const Error& error) { return row_of(error.code).retryable; }

}  // namespace

Report Worker::Attempt::report(ReportKind kind) const {
  return Report{.task_id = task->task_id, .attempt = task->attempt, .kind = kind};
}

void Worker::Attempt::later(std::function<void()> again) {
  if (!alarm) alarm = std::make_unique<Alarm>(worker.parts_.executor);
  alarm->set(pause_ms, std::move(again));
  pause_ms = std::min(pause_ms * 2, kLongestReportPauseMs);
}

// The next one, or the end, makes up for one that is not taken.
void Worker::Attempt::progressed(const Progress& to) {
  progress = to;
  Report told = report(ReportKind::progress);
  told.progress = to;
  worker.report(std::move(told), [weak = weak_from_this()](const Result<ReportAnswer>& answer) {
    const auto attempt = weak.lock();
    if (attempt && attempt->job && answer && answer->cancel_requested) attempt->job->cancel();
  });
}

void Worker::Attempt::asks(const InputRequest& request) {
  question = request;
  worker.send_question(*this);
}

void Worker::report(Report report, ServerLink::OnAnswer answer) {
  parts_.link.report(std::move(report), std::move(answer));
  flush_soon();
}

void Worker::send_question(Attempt& attempt) {
  if (!attempt.question || attempt.final) return;
  Report told = attempt.report(ReportKind::waiting_for_input);
  told.input_request = attempt.question;
  report(std::move(told), [weak = attempt.weak_from_this()](const Result<ReportAnswer>& answer) {
    const auto asked = weak.lock();
    if (!asked || asked->final) return;
    if (answer) {
      asked->pause_ms = 50;
      if (answer->cancel_requested && asked->job) asked->job->cancel();
    } else if (may_be_repeated(answer.error())) {
      asked->later([again = asked.get()] { again->worker.send_question(*again); });
    }
  });
}

// Where the lease is over, the job was killed for that, whatever its end looks like.
void Worker::finish(Attempt& attempt, Outcome outcome) {
  attempt.question.reset();
  const bool is_over = attempt.is_over(parts_.clock.mono());
  if (is_over && !attempt.lost && !parts_.link.sees_leases_end()) {
    outcome = failed(error_code::kWorkerLost, "The server was cut off from its database.");
  } else if (is_over) {
    attempt.lost = true;
    free_slot();
    return settled(attempt);
  }
  Report final = attempt.report(kind_of(outcome.ending));
  final.progress = attempt.progress;
  final.result = std::move(outcome.result);
  final.error = std::move(outcome.error);
  final.exit_code = outcome.exit_code;
  final.signal = outcome.signal;
  final.outputs = std::move(outcome.outputs);
  final.log = outcome.log;
  attempt.final = std::move(final);
  send_final(attempt);
  free_slot();
}

// Until it is taken, or refused for good: a task must not stay running because a disk was full.
void Worker::send_final(Attempt& attempt) {
  report(*attempt.final, [weak = attempt.weak_from_this()](const Result<ReportAnswer>& answer) {
    if (const auto ended = weak.lock()) ended->worker.final_answered(*ended, answer);
  });
}

void Worker::final_answered(Attempt& attempt, const Result<ReportAnswer>& answer) {
  if (!answer && may_be_repeated(answer.error()))
    return attempt.later([&attempt] { attempt.worker.send_final(attempt); });
  settled(attempt);
}

void Worker::settled(Attempt& attempt) {
  const Key key = attempt.key();
  echoes_.insert(key);
  attempts_.erase(key);  // the last use of `attempt`
  flush_soon();          // forgets the echo
  if (!attempts_.empty()) return;
  if (draining_) idle_.cancel();
  if (settings_.once && on_done_) on_done_();
}

}  // namespace tandem::worker
