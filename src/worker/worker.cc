#include "worker/worker.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <exception>
#include <utility>

#include "base/assert.h"
#include "worker/worker_attempt.h"

namespace tandem::worker {
namespace {

constexpr std::int64_t kLastEndsMs = 5000;  // for the ends of killed jobs to become durable

}  // namespace

Worker::Worker(WorkerParts parts, WorkerSettings settings)
    : parts_(parts),
      settings_(std::move(settings)),
      directories_(settings_.process.work_dir, settings_.process.keep_work_dirs),
      handlers_(settings_.handlers),
      jobs_(parts.executor),
      idle_(parts.executor),
      self_(std::make_shared<Worker*>(this)) {}

Worker::~Worker() = default;

void Worker::start() {
  parts_.link.open([weak = std::weak_ptr(self_)](const Order& order) {
    const auto self = weak.lock();
    if (self) std::visit([&](const auto& what) { (*self)->on(what); }, order);
  });
  owed_ = settings_.once ? 1 : settings_.slots;
  flush_soon();
}

void Worker::on(const AssignOrder& order) {
  const Key key{order.task->task_id, order.task->attempt};
  if (echoes_.contains(key)) return;
  if (const auto known = attempts_.find(key); known != attempts_.end())
    return seen_again(*known->second, *order.task);
  credits_ = std::max(0, credits_ - 1);
  auto attempt = std::make_shared<Attempt>(*this, order);
  attempts_.emplace(key, attempt);
  ++busy_;
  begin(attempt);
}

// The server has read its store anew; orders that it had not handed out by then are lost.
void Worker::seen_again(Attempt& attempt, const Task& task) {
  if (task.cancel_requested && attempt.job) attempt.job->cancel();
  const bool unheard = attempt.question && task.status == TaskStatus::running;
  if (unheard) ask_again_.push_back(attempt.weak_from_this());
}

void Worker::begin(const std::shared_ptr<Attempt>& attempt) {
  const Task& task = *attempt->task;
  if (draining_) {  // it was on its way when the channel was closed: for another worker
    attempt->final = attempt->report(ReportKind::released);
    send_final(*attempt);
    return free_slot();
  }
  // Or it was for longer on its way than it may run, as where this process stood still.
  if (task.cancel_requested || attempt->is_over(parts_.clock.mono()))
    return finish(*attempt, Outcome{.ending = Ending::cancelled});
  if (const QuickFunction* quick = handlers_.find_quick(task.spec.job_type))
    return finish(*attempt, run_quick(*quick, task));
  Handler handler = handlers_.find(task);
  if (auto* none = std::get_if<TaskError>(&handler))
    return finish(*attempt, failed(none->code, std::move(none->message)));
  attempt->job = make_job(*attempt, std::move(handler));
  if (attempt->lease_until) attempt->job->keep_until(*attempt->lease_until);
  jobs_.spawn("job", run(attempt));
}

std::unique_ptr<Job> Worker::make_job(Attempt& attempt, Handler handler) {
  const JobServices base{parts_.executor, parts_.clock, parts_.log};
  if (auto* function = std::get_if<FunctionHandler>(&handler))
    return make_function_job(base, std::move(*function), attempt.task, attempt);
  TANDEM_ASSERT(parts_.launcher != nullptr);  // else no settings name a program
  const ProcessServices services{base,         *parts_.launcher,  parts_.files,    parts_.offload,
                                 directories_, settings_.process, attempt.known_as};
  return make_process_job(services, std::get<CommandHandler>(std::move(handler)), attempt.task,
                          attempt);
}

io::Awaitable<void> Worker::run(std::shared_ptr<Attempt> attempt) {
  Outcome outcome;
  try {
    outcome = co_await attempt->job->run();
  } catch (const std::exception&) {
    outcome = failed("internal", "The worker failed to run the task.");
  }
  if (attempt->killed && outcome.ending != Ending::completed)
    outcome = failed(error_code::kWorkerLost, "The worker stopped while the task ran.");
  finish(*attempt, std::move(outcome));
}

void Worker::on(const CancelOrder& order) {
  Attempt* attempt = find(order.task_id, order.attempt);
  if (attempt != nullptr && attempt->job) attempt->job->cancel();
}

void Worker::on(const InputOrder& piece) {
  Attempt* attempt = find(piece.task_id, piece.attempt);
  if (attempt == nullptr || !attempt->job || piece.seq <= attempt->last_input_seq) return;
  attempt->last_input_seq = piece.seq;
  attempt->question.reset();
  attempt->job->input(piece.data, piece.eof);
}

void Worker::on(const ResizeOrder& order) {
  Attempt* attempt = find(order.task_id, order.attempt);
  if (attempt != nullptr && attempt->job) attempt->job->resize(order.cols, order.rows);
}

void Worker::on(const LostOrder& order) {
  Attempt* attempt = find(order.task_id, order.attempt);
  if (attempt == nullptr) return;
  attempt->lost = true;
  if (attempt->job) attempt->job->kill();
}

void Worker::on(const LeaseOrder& order) {
  Attempt* attempt = find(order.task_id, order.attempt);
  if (attempt == nullptr) return;
  const bool is_killed = attempt->is_over(parts_.clock.mono());
  if (is_killed && !parts_.link.sees_leases_end()) return;  // and is going to be reported so
  attempt->lease_until = order.until;
  if (attempt->job) attempt->job->keep_until(order.until);
}

Worker::Attempt* Worker::find(TaskId task, std::uint32_t attempt) {
  const auto found = attempts_.find(Key{task, attempt});
  return found == attempts_.end() ? nullptr : found->second.get();
}

// The slot is free before the end is durable: the next task comes with the commit of that end.
void Worker::free_slot() {
  --busy_;
  if (draining_ || settings_.once || busy_ + credits_ + owed_ >= settings_.slots) return;
  ++owed_;
  flush_soon();
}

void Worker::flush_soon() {
  if (std::exchange(flush_posted_, true)) return;
  io::asio::post(parts_.executor, [weak = std::weak_ptr(self_)] {
    if (const auto self = weak.lock()) (*self)->flush();
  });
}

void Worker::flush() {
  for (const auto& weak : std::exchange(ask_again_, {}))
    if (const auto attempt = weak.lock()) send_question(*attempt);
  flush_posted_ = false;
  echoes_.clear();
  if (owed_ > 0) {
    parts_.link.ready(owed_);
    credits_ += std::exchange(owed_, 0);
  }
  parts_.link.flush();
}

io::Awaitable<void> Worker::stop(std::int64_t drain_ms) {
  draining_ = true;
  owed_ = credits_ = 0;
  parts_.link.withdraw([weak = std::weak_ptr(self_)] {
    const auto self = weak.lock();
    if (!self) return;
    (*self)->drained_ = true;
    (*self)->idle_.cancel();
  });
  flush_soon();
  if (!hurried_) co_await wait_idle(drain_ms);
  if (!attempts_.empty()) {
    hurried_ = true;
    parts_.link.hurry();
    for (const auto& [key, attempt] : attempts_) {
      if (!attempt->job || attempt->final) continue;
      attempt->killed = true;
      attempt->job->kill();
    }
    co_await wait_idle(kLastEndsMs);
  }
  co_await jobs_.join();
  parts_.link.close();
  attempts_.clear();
}

void Worker::hurry() {
  hurried_ = true;
  idle_.cancel();
}

io::Awaitable<void> Worker::wait_idle(std::int64_t wait_ms) {
  const bool was_hurried = hurried_;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
  const auto is_done = [&] {
    const bool is_idle = attempts_.empty() && drained_;
    return is_idle || hurried_ != was_hurried || std::chrono::steady_clock::now() >= until;
  };
  idle_.expires_at(until);
  while (!is_done()) {
    boost::system::error_code woken;
    co_await idle_.async_wait(io::asio::redirect_error(io::use_awaitable, woken));
  }
}

}  // namespace tandem::worker
