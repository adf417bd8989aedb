#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <boost/asio/use_future.hpp>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "blobs/dir_blob_store.h"
#include "exec/guard.h"
#include "exec/launcher.h"
#include "io/loop.h"
#include "logs/memory/memory_log_store.h"
#include "store/memory/memory_store.h"
#include "worker/embedded_worker.h"

namespace tandem::worker {

// A server without a network: stores in memory, a real dispatcher's thread, real processes.
class WorkerTest : public testing::Test {
 protected:
  static constexpr std::chrono::seconds kPatience{120};

  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    char name[] = "/tmp/tandem-worker-XXXXXX";
    root = ::mkdtemp(name);
    auto started = exec::Guard::start(false);
    ASSERT_TRUE(started) << started.error().detail;
    guard = std::move(*started);
    auto opened = blobs::open_dir_blob_store(root / "blobs");
    ASSERT_TRUE(opened) << opened.error().detail;
    blobs = std::move(*opened);
    settings.worker_id = ids.make<WorkerId>();
    settings.slots = 4;
    settings.process.work_dir = root / "work";
    settings.process.grace_ms = 300;
    settings.handlers.directory = root / "handlers";
    settings.handlers.allow_commands = true;
    std::filesystem::create_directory(root / "handlers");
  }

  // Everything that has a thread, once the settings are as the test wants them.
  void start(const std::function<void(HandlerRegistry&)>& add_handlers = {}) {
    hub = std::make_unique<logs::LogHub>(log_store);
    queue::DispatcherSettings dispatcher_settings;
    dispatcher_settings.embedded_worker = settings.worker_id;
    dispatcher = std::make_unique<queue::Dispatcher>(store, clock, dispatcher_settings);
    thread = std::make_unique<queue::DispatcherThread>(*dispatcher, clock);
    launcher = std::make_unique<exec::Launcher>(loop.executor(), *guard);
    worker = std::make_unique<EmbeddedWorker>(
        EmbeddedWorkerParts{loop.executor(), outbox, *thread, *hub, unsent_logs, *blobs, *launcher,
                            offload, clock},
        settings);
    if (add_handlers) add_handlers(worker->handlers());
    thread->start();
    loop.post([this] { worker->start(); });
    loop.start();
  }

  void TearDown() override {
    if (worker) {
      stop(0);
      on_loop([this] {
        worker.reset();
        launcher.reset();
      });
    }
    offload.stop();
    if (thread) thread->stop();
    hub.reset();
    loop.stop();
    guard.reset();
    std::filesystem::remove_all(root);
  }

  void stop(std::int64_t drain_ms) {
    auto stopped = io::asio::co_spawn(loop.context(), worker->stop(drain_ms), io::asio::use_future);
    ASSERT_EQ(stopped.wait_for(kPatience), std::future_status::ready);
    stopped.get();
  }

  void on_loop(const std::function<void()>& task) {
    std::promise<void> done;
    loop.post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  // Posts a command and waits for its answer.
  template <class Answer, class Command>
  Result<Answer> ask(Command command) {
    auto promise = std::make_shared<std::promise<Result<Answer>>>();
    auto future = promise->get_future();
    command.done = [promise](Result<Answer> answer) { promise->set_value(std::move(answer)); };
    thread->post({&outbox, std::move(command)});
    if (future.wait_for(kPatience) != std::future_status::ready)
      return fail(Errc::internal, "no answer");
    return future.get();
  }

  static TaskSpec spec(const std::string& job_type, const std::string& members = "") {
    TaskSpec made;
    made.job_type = job_type;
    made.payload = R"({"job_type":")" + job_type + "\"";
    made.payload += (members.empty() ? "" : "," + members) + "}";
    return made;
  }
  // A shell script without double quotes, backslashes and line ends.
  static TaskSpec shell(const std::string& script) {
    return spec("shell", R"("script":")" + script + "\"");
  }

  TaskId submit(TaskSpec what, std::vector<FileInfo> inputs = {}, TaskId id = {}) {
    queue::Submit command;
    command.client_id = client;
    if (id.is_nil()) id = ids.make<TaskId>();
    command.tasks.push_back({id, std::move(what), std::move(inputs)});
    const auto answer = ask<queue::Submitted>(std::move(command));
    EXPECT_TRUE(answer) << answer.error().detail;
    return id;
  }

  // Waits for an image of the task that is as `is_it` says; the last one seen where none comes.
  Task wait_for(TaskId id, const std::function<bool(const Task&)>& is_it) {
    struct Seen {
      std::mutex mutex;
      std::condition_variable changed;
      queue::TaskPtr last;
    };
    auto seen = std::make_shared<Seen>();
    const auto note = [seen](const queue::TaskPtr& image) {
      const std::lock_guard lock(seen->mutex);
      if (image) seen->last = image;
      seen->changed.notify_all();
    };
    queue::Watch watch;
    watch.actor = {client, true};
    watch.task_id = id;
    watch.watch_id = ++watches;
    watch.changed = note;
    const auto now = ask<queue::TaskPtr>(std::move(watch));
    if (!now) {
      ADD_FAILURE() << now.error().detail;
      return {};
    }
    std::unique_lock lock(seen->mutex);
    if (!seen->last) seen->last = *now;
    const bool came = seen->changed.wait_for(lock, kPatience, [&] { return is_it(*seen->last); });
    EXPECT_TRUE(came) << "status " << to_string(seen->last->status);
    return *seen->last;
  }
  Task wait_for(TaskId id, TaskStatus status) {
    return wait_for(id, [status](const Task& task) { return task.status == status; });
  }
  // What the store has, for tests that break it: a watcher is not told of a commit that failed.
  Task finished_in_store(TaskId id) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      const auto found = store.reader().find(id);
      if (found && *found && is_terminal((*found)->status)) return **found;
      std::this_thread::yield();
    }
    ADD_FAILURE() << "the task does not end";
    return {};
  }
  Task finished(TaskId id) {
    return wait_for(id, [](const Task& task) { return is_terminal(task.status); });
  }

  Result<queue::TaskPtr> answer(TaskId id, std::string data, bool eof = false) {
    queue::Input command;
    command.actor = {client, true};
    command.task_id = id;
    command.data = std::move(data);
    command.eof = eof;
    return ask<queue::TaskPtr>(std::move(command));
  }
  void cancel(TaskId id) {
    queue::Cancel command;
    command.actor = {client, true};
    command.task_id = id;
    EXPECT_TRUE(ask<queue::Cancelled>(std::move(command)));
  }

  std::string log_of(TaskId id, logs::LogStream stream = logs::LogStream::stdout_) {
    const auto records = log_store.read(id, {}, 1'000'000, std::size_t{1} << 30);
    std::string text;
    if (!records) return text;
    for (const logs::LogRecord& record : *records)
      if (record.stream == stream) text += record.data;
    return text;
  }

  std::filesystem::path root;
  SystemClock clock;
  SystemRandom random;
  IdSource ids{clock, random};
  ClientId client = ids.make<ClientId>();
  std::uint64_t watches = 0;
  EmbeddedWorkerSettings settings;

  std::unique_ptr<exec::Guard> guard;
  store::MemoryStore store;
  logs::MemoryLogStore log_store;
  std::unique_ptr<blobs::BlobStore> blobs;
  io::Loop loop{"worker"};
  io::LoopOutbox outbox{loop.executor()};
  io::OffloadPool offload{"offload", 2};
  std::unique_ptr<logs::LogHub> hub;
  logs::UnsentLogs unsent_logs{root / "unsent-logs.db"};
  std::unique_ptr<queue::Dispatcher> dispatcher;
  std::unique_ptr<queue::DispatcherThread> thread;
  std::unique_ptr<exec::Launcher> launcher;
  std::unique_ptr<EmbeddedWorker> worker;
};

}  // namespace tandem::worker
