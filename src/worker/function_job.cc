#include "worker/function_job.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <exception>
#include <utility>

#include "io/task_group.h"
#include "worker/alarm.h"

namespace tandem::worker {
namespace {

constexpr std::string_view kException = "exception";

class FunctionJob final : public Job, public JobContext {
 public:
  FunctionJob(const JobServices& services, FunctionHandler function, TaskPtr task,
              JobListener& listener)
      : services_(services),
        function_(std::move(function)),
        task_(std::move(task)),
        listener_(listener),
        log_(services.log, services.clock, services.executor),
        members_(services.executor),
        log_is_late_(services.executor),
        lease_(services.executor),
        answered_(services.executor) {
    log_.open(task_->task_id, task_->attempt);
    answered_.expires_at(io::Timer::time_point::max());
  }

  // Job
  io::Awaitable<Outcome> run() override;
  void cancel() override { end(Reason::cancelled); }
  void kill() override {
    log_is_late_.set(kLastWordsMs, [this] { log_.give_up(); });
    end(Reason::cancelled);
  }
  void input(std::string data, bool eof) override;
  void resize(int, int) override {}
  void keep_until(MonoTime until) override {
    lease_.set(std::max<std::int64_t>(until - services_.clock.mono(), 0), [this] { kill(); });
  }

  // JobContext
  const Task& task() const override { return *task_; }
  void log(std::string text, logs::LogStream stream) override;
  void progress(Progress progress) override { listener_.progressed(progress); }
  io::Awaitable<Result<std::string>> ask_input(std::string prompt, bool password) override;
  bool is_cancelled() const override { return reason_ != Reason::none; }
  io::Executor executor() override { return services_.executor; }

 private:
  enum class Reason { none, cancelled, timeout, input_timeout };

  io::Awaitable<void> call();
  void end(Reason reason);
  Outcome outcome() const;

  JobServices services_;
  FunctionHandler function_;
  TaskPtr task_;
  JobListener& listener_;
  AttemptLog log_;
  io::TaskGroup members_;
  Alarm log_is_late_, lease_;
  Reason reason_ = Reason::none;
  std::optional<FunctionAnswer> answer_;
  std::uint64_t questions_ = 0;
  bool asking_ = false;
  std::optional<std::string> given_;  // the answer to the open question
  bool nobody_answers_ = false;
  io::Timer answered_;  // never expires; cancelled when there is an answer
};

io::Awaitable<void> FunctionJob::call() {
  try {
    answer_ = co_await function_(*this);
  } catch (const std::exception& error) {
    if (reason_ != Reason::none) co_return;
    answer_ = FunctionAnswer{.error = TaskError{std::string(kException), error.what()}};
  }
}

io::Awaitable<Outcome> FunctionJob::run() {
  Alarm deadline(services_.executor);
  if (task_->spec.timeout_ms)
    deadline.set(*task_->spec.timeout_ms, [this] { end(Reason::timeout); });
  members_.spawn("function job", call());
  if (reason_ != Reason::none) members_.cancel();
  co_await members_.join();
  deadline.clear();
  Outcome ended = outcome();
  ended.log = co_await log_.settle();
  co_return ended;
}

void FunctionJob::end(Reason reason) {
  if (reason_ != Reason::none || answer_) return;
  reason_ = reason;
  members_.cancel();
}

Outcome FunctionJob::outcome() const {
  switch (reason_) {
    case Reason::none: break;
    case Reason::cancelled: return Outcome{.ending = Ending::cancelled};
    case Reason::timeout:
      return failed(error_code::kTimeout, "The task ran longer than its timeout.");
    case Reason::input_timeout:
      return failed(error_code::kInputTimeout, "Nobody answered the task's question in time.");
  }
  Outcome ended;
  if (answer_ && answer_->error) {
    ended.ending = Ending::failed;
    ended.error = answer_->error;
  } else if (answer_) {
    ended.result = answer_->result;
  }
  return ended;
}

void FunctionJob::log(std::string text, logs::LogStream stream) {
  while (text.size() > limits::kMaxRecordBytes) {
    log_.write(stream, text.substr(0, limits::kMaxRecordBytes));
    text.erase(0, limits::kMaxRecordBytes);
  }
  log_.write(stream, std::move(text));
}

io::Awaitable<Result<std::string>> FunctionJob::ask_input(std::string prompt, bool password) {
  if (asking_) co_return fail(Errc::conflict, "A question is open already.");
  if (nobody_answers_) co_return fail(Errc::shutting_down, "Nobody answers any more.");
  asking_ = true;
  given_.reset();
  const InputRequest request{.request_id = question_id(task_->attempt, ++questions_),
                             .prompt = std::move(prompt),
                             .password = password,
                             .asked_at = services_.clock.wall()};
  listener_.asks(request);
  answered_.expires_after(std::chrono::milliseconds(task_->spec.input_timeout_ms));
  boost::system::error_code woken;
  co_await answered_.async_wait(io::asio::redirect_error(io::use_awaitable, woken));
  asking_ = false;
  if (given_) co_return std::move(*given_);
  if (nobody_answers_ || reason_ != Reason::none)
    co_return fail(Errc::shutting_down, "Nobody answers any more.");
  end(Reason::input_timeout);
  co_return fail(Errc::request_timeout, "Nobody answered in time.");
}

void FunctionJob::input(std::string data, bool eof) {
  if (!asking_) return;
  if (eof)
    nobody_answers_ = true;
  else
    given_ = std::move(data);
  answered_.cancel();
}

}  // namespace

std::unique_ptr<Job> make_function_job(const JobServices& services, FunctionHandler function,
                                       TaskPtr task, JobListener& listener) {
  return std::make_unique<FunctionJob>(services, std::move(function), std::move(task), listener);
}

Outcome run_quick(const QuickFunction& function, const Task& task) {
  Outcome ended;
  try {
    FunctionAnswer answer = function(task);
    ended.result = std::move(answer.result);
    ended.error = std::move(answer.error);
  } catch (const std::exception& error) {
    ended.error = TaskError{std::string(kException), error.what()};
  }
  if (ended.error) ended.ending = Ending::failed;
  return ended;
}

Outcome failed(std::string_view code, std::string message) {
  Outcome ended{.ending = Ending::failed};
  ended.error = TaskError{std::string(code), std::move(message)};
  return ended;
}

}  // namespace tandem::worker
