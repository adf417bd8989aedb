#include <algorithm>
#include <utility>

#include "worker/embedded_attempt.h"

// What the embedded worker tells the dispatcher.
namespace tandem::worker {
namespace {

constexpr std::int64_t kLongestPauseMs = 2000;

queue::UpdateKind kind_of(Ending ending) {
  switch (ending) {
    case Ending::completed: return queue::UpdateKind::completed;
    case Ending::failed: return queue::UpdateKind::failed;
    case Ending::cancelled: return queue::UpdateKind::cancelled;
  }
  return queue::UpdateKind::failed;
}

bool may_be_repeated(const Error& error) { return row_of(error.code).retryable; }

}  // namespace

queue::Update EmbeddedWorker::Attempt::update(queue::UpdateKind kind) const {
  queue::Update update;
  update.worker_id = worker.settings_.worker_id;
  update.task_id = task->task_id;
  update.attempt = task->attempt;
  update.kind = kind;
  return update;
}

void EmbeddedWorker::Attempt::later(std::function<void()> again) {
  if (!alarm) alarm = std::make_unique<Alarm>(worker.parts_.executor);
  alarm->set(pause_ms, std::move(again));
  pause_ms = std::min(pause_ms * 2, kLongestPauseMs);
}

// The next one, or the end, makes up for one that is not taken.
void EmbeddedWorker::Attempt::progressed(const Progress& to) {
  progress = to;
  queue::Update told = update(queue::UpdateKind::progress);
  told.progress = to;
  told.done = [weak = weak_from_this()](const Result<queue::UpdateAnswer>& answer) {
    const auto attempt = weak.lock();
    if (attempt && attempt->job && answer && answer->cancel_requested) attempt->job->cancel();
  };
  worker.post({&worker.parts_.outbox, std::move(told)});
}

void EmbeddedWorker::Attempt::asks(const InputRequest& request) {
  question = request;
  worker.send_question(*this);
}

void EmbeddedWorker::send_question(Attempt& attempt) {
  if (!attempt.question || attempt.final) return;
  queue::Update told = attempt.update(queue::UpdateKind::waiting_for_input);
  told.input_request = attempt.question;
  told.done = [weak = attempt.weak_from_this()](const Result<queue::UpdateAnswer>& answer) {
    const auto asked = weak.lock();
    if (!asked || asked->final) return;
    if (answer) {
      asked->pause_ms = 50;
      if (answer->cancel_requested && asked->job) asked->job->cancel();
    } else if (may_be_repeated(answer.error())) {
      asked->later([again = asked.get()] { again->worker.send_question(*again); });
    }
  };
  post({&parts_.outbox, std::move(told)});
}

void EmbeddedWorker::finish(Attempt& attempt, Outcome outcome) {
  attempt.question.reset();
  if (attempt.lost) {
    free_slot();
    return settled(attempt);
  }
  queue::Update final = attempt.update(kind_of(outcome.ending));
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
void EmbeddedWorker::send_final(Attempt& attempt) {
  queue::Update told = *attempt.final;
  told.done = [weak = attempt.weak_from_this()](const Result<queue::UpdateAnswer>& answer) {
    if (const auto ended = weak.lock()) ended->worker.final_answered(*ended, answer);
  };
  post({&parts_.outbox, std::move(told)});
}

void EmbeddedWorker::final_answered(Attempt& attempt, const Result<queue::UpdateAnswer>& answer) {
  if (!answer && may_be_repeated(answer.error()))
    return attempt.later([&attempt] { attempt.worker.send_final(attempt); });
  settled(attempt);
}

void EmbeddedWorker::settled(Attempt& attempt) {
  const Key key = attempt.key();
  echoes_.insert(key);
  attempts_.erase(key);  // the last use of `attempt`
  if (draining_ && attempts_.empty()) idle_.cancel();
}

}  // namespace tandem::worker
