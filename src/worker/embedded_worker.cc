#include "worker/embedded_worker.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <exception>
#include <utility>

#include "worker/embedded_attempt.h"

namespace tandem::worker {
namespace {

constexpr std::int64_t kLastEndsMs = 5000;  // for the ends of killed jobs to become durable

}  // namespace

EmbeddedWorker::EmbeddedWorker(EmbeddedWorkerParts parts, EmbeddedWorkerSettings settings)
    : parts_(parts),
      settings_(std::move(settings)),
      log_sink_(parts.logs, parts.outbox),
      files_(parts.blobs),
      directories_(settings_.process.work_dir, settings_.process.keep_work_dirs),
      handlers_(settings_.handlers),
      jobs_(parts.executor),
      idle_(parts.executor),
      self_(std::make_shared<EmbeddedWorker*>(this)) {}

EmbeddedWorker::~EmbeddedWorker() = default;

void EmbeddedWorker::start() {
  open();
  owed_ = settings_.slots;
}

// Opening anew takes back the credits that were given; orders and tasks stay.
void EmbeddedWorker::open() {
  queue::OpenWorker command;
  command.profile.worker_id = settings_.worker_id;
  command.profile.name = settings_.name;
  command.profile.channel = WorkerChannel::push;
  command.profile.labels = settings_.labels;
  command.profile.in_process = true;
  const std::weak_ptr<EmbeddedWorker*> weak = self_;
  command.order = [weak](const queue::WorkerOrder& order) {
    const auto self = weak.lock();
    if (self) std::visit([&](const auto& what) { (*self)->on(what); }, order);
  };
  // An error is the turn's, not the channel's: it is open all the same.
  command.done = [weak, last = draining_](const Result<std::monostate>&) {
    const auto self = weak.lock();
    if (!self || !last) return;
    (*self)->drained_ = true;
    (*self)->idle_.cancel();
  };
  credits_ = 0;
  post({&parts_.outbox, std::move(command)});
}

void EmbeddedWorker::on(const queue::AssignOrder& order) {
  const Key key{order.task->task_id, order.task->attempt};
  if (echoes_.contains(key)) return;
  if (const auto known = attempts_.find(key); known != attempts_.end())
    return seen_again(*known->second, *order.task);
  credits_ = std::max(0, credits_ - 1);
  auto attempt = std::make_shared<Attempt>(*this, order.task);
  attempts_.emplace(key, attempt);
  ++busy_;
  begin(attempt);
}

// The dispatcher has read its store anew; orders that it had not handed out by then are lost.
void EmbeddedWorker::seen_again(Attempt& attempt, const Task& task) {
  if (task.cancel_requested && attempt.job) attempt.job->cancel();
  const bool unheard = attempt.question && task.status == TaskStatus::running;
  if (unheard) ask_again_.push_back(attempt.weak_from_this());
}

void EmbeddedWorker::begin(const std::shared_ptr<Attempt>& attempt) {
  const Task& task = *attempt->task;
  if (draining_) {  // it was on its way when the channel was closed: for another worker
    attempt->final = attempt->update(queue::UpdateKind::released);
    send_final(*attempt);
    return free_slot();
  }
  if (task.cancel_requested) return finish(*attempt, Outcome{.ending = Ending::cancelled});
  if (const QuickFunction* quick = handlers_.find_quick(task.spec.job_type))
    return finish(*attempt, run_quick(*quick, task));
  const JobServices base{parts_.executor, parts_.clock, log_sink_};
  Handler handler = handlers_.find(task);
  if (auto* none = std::get_if<TaskError>(&handler))
    return finish(*attempt, failed(none->code, std::move(none->message)));
  if (auto* function = std::get_if<FunctionHandler>(&handler)) {
    attempt->job = make_function_job(base, std::move(*function), attempt->task, *attempt);
  } else {
    const ProcessServices services{base,           parts_.launcher, files_,
                                   parts_.offload, directories_,    settings_.process};
    attempt->job = make_process_job(services, std::get<CommandHandler>(std::move(handler)),
                                    attempt->task, *attempt);
  }
  jobs_.spawn("job", run(attempt));
}

io::Awaitable<void> EmbeddedWorker::run(std::shared_ptr<Attempt> attempt) {
  Outcome outcome;
  try {
    outcome = co_await attempt->job->run();
  } catch (const std::exception&) {
    outcome = failed("internal", "The worker failed to run the task.");
  }
  if (attempt->killed && outcome.ending != Ending::completed)
    outcome = failed(error_code::kWorkerLost, "The server stopped while the task ran.");
  finish(*attempt, std::move(outcome));
}

void EmbeddedWorker::on(const queue::CancelOrder& order) {
  Attempt* attempt = find(order.task_id, order.attempt);
  if (attempt != nullptr && attempt->job) attempt->job->cancel();
}

void EmbeddedWorker::on(const store::InputPiece& piece) {
  Attempt* attempt = find(piece.task_id, piece.attempt);
  if (attempt == nullptr || !attempt->job || piece.seq <= attempt->last_input_seq) return;
  attempt->last_input_seq = piece.seq;
  attempt->question.reset();
  attempt->job->input(piece.data, piece.eof);
}

void EmbeddedWorker::on(const queue::ResizeOrder& order) {
  Attempt* attempt = find(order.task_id, order.attempt);
  if (attempt != nullptr && attempt->job) attempt->job->resize(order.cols, order.rows);
}

void EmbeddedWorker::on(const queue::LostOrder& order) {
  Attempt* attempt = find(order.task_id, order.attempt);
  if (attempt == nullptr) return;
  attempt->lost = true;
  if (attempt->job) attempt->job->kill();
}

EmbeddedWorker::Attempt* EmbeddedWorker::find(TaskId task, std::uint32_t attempt) {
  const auto found = attempts_.find(Key{task, attempt});
  return found == attempts_.end() ? nullptr : found->second.get();
}

// The slot is free before the end is durable: the next task comes with the commit of that end.
void EmbeddedWorker::free_slot() {
  --busy_;
  if (!draining_ && busy_ + credits_ + owed_ < settings_.slots) ++owed_;
}

void EmbeddedWorker::post(queue::Command command) {
  commands_.push_back(std::move(command));
  if (std::exchange(flush_posted_, true)) return;
  const std::weak_ptr<EmbeddedWorker*> weak = self_;
  io::asio::post(parts_.executor, [weak] {
    if (const auto self = weak.lock()) (*self)->flush();
  });
}

void EmbeddedWorker::flush() {
  for (const auto& weak : std::exchange(ask_again_, {}))
    if (const auto attempt = weak.lock()) send_question(*attempt);
  flush_posted_ = false;
  echoes_.clear();
  if (owed_ > 0) {
    queue::Ready ready;
    ready.worker_id = settings_.worker_id;
    ready.slots = owed_;
    credits_ += std::exchange(owed_, 0);
    commands_.push_back({&parts_.outbox, ready});
  }
  if (!commands_.empty()) parts_.dispatcher.post(std::exchange(commands_, {}));
}

io::Awaitable<void> EmbeddedWorker::stop(std::int64_t drain_ms) {
  draining_ = true;
  owed_ = 0;
  open();
  if (!hurried_) co_await wait_idle(drain_ms);
  if (!attempts_.empty()) {
    hurried_ = true;
    for (const auto& [key, attempt] : attempts_) {
      if (!attempt->job || attempt->final) continue;
      attempt->killed = true;
      attempt->job->kill();
    }
    co_await wait_idle(kLastEndsMs);
  }
  co_await jobs_.join();
  queue::CloseWorker command;
  command.worker_id = settings_.worker_id;
  commands_.push_back({&parts_.outbox, command});
  flush();
  attempts_.clear();
}

void EmbeddedWorker::hurry() {
  hurried_ = true;
  idle_.cancel();
}

io::Awaitable<void> EmbeddedWorker::wait_idle(std::int64_t wait_ms) {
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
