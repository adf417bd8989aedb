#include "function_job.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <exception>
#include <future>
#include <utility>

namespace tandem::sdk {
namespace {

using worker::FunctionAnswer;
using worker::JobContext;

// What a handler says is said on the worker's loop; the context lives until the handler's thread
// has returned, as the coroutine that waits for it does.
class FunctionJob final : public Job {
 public:
  explicit FunctionJob(JobContext& context)
      : context_(context), executor_(context.executor()), task_(context.task()) {}

  std::string task_id() const override { return to_string(task_.task_id); }
  std::string job_type() const override { return task_.spec.job_type; }
  unsigned attempt() const override { return task_.attempt; }
  std::string payload() const override { return task_.spec.payload; }

  void log(std::string_view text) override {
    io::asio::post(executor_, [&context = context_, text = std::string(text)]() mutable {
      context.log(std::move(text));
    });
  }
  void progress(double percent, std::string_view message) override {
    Progress progress;
    progress.percent = percent;
    progress.message = message;
    io::asio::post(executor_, [&context = context_, progress = std::move(progress)]() mutable {
      context.progress(std::move(progress));
    });
  }
  std::string ask(std::string_view prompt, bool password) override {
    auto asked = io::asio::co_spawn(executor_, ask_on_loop(std::string(prompt), password),
                                    io::asio::use_future);
    Result<std::string> answer = asked.get();
    if (answer) return std::move(*answer);
    throw Failure(std::string(row_of(answer.error().code).name), answer.error().detail);
  }
  bool is_cancelled() const override {
    std::packaged_task<bool()> look([this] { return context_.is_cancelled(); });
    auto seen = look.get_future();
    io::asio::post(executor_, [&look] { look(); });
    return seen.get();
  }

 private:
  io::Awaitable<Result<std::string>> ask_on_loop(std::string prompt, bool password) {
    co_return co_await context_.ask_input(std::move(prompt), password);
  }

  JobContext& context_;
  const io::Executor executor_;
  const Task& task_;
};

template <class Function>
FunctionAnswer answer_of(const Function& function) {
  FunctionAnswer answer;
  try {
    answer.result = function();
  } catch (const Failure& failure) {
    answer.error = TaskError{failure.code(), failure.what()};
  } catch (const std::exception& error) {
    answer.error = TaskError{"exception", error.what()};
  }
  return answer;
}

io::Awaitable<FunctionAnswer> run(JobContext& context, const Handler& handler,
                                  io::OffloadPool& pool) {
  FunctionJob job(context);
  auto work = [&]() -> Result<FunctionAnswer> { return answer_of([&] { return handler(job); }); };
  auto answer = co_await io::offload(pool, work);
  if (answer) co_return std::move(*answer);
  FunctionAnswer failed;
  failed.error = TaskError{std::string(row_of(answer.error().code).name), answer.error().detail};
  co_return failed;
}

}  // namespace

worker::FunctionHandler function_of(const Handler& handler, io::OffloadPool& pool) {
  return [&handler, &pool](JobContext& context) { return run(context, handler, pool); };
}

worker::QuickFunction quick_function_of(const QuickHandler& handler) {
  return [&handler](const Task& task) {
    return answer_of([&] { return handler(task.spec.payload); });
  };
}

}  // namespace tandem::sdk
