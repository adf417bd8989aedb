#include "queue/dispatcher_thread.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "logs/test_outbox.h"
#include "store/memory/memory_store.h"

namespace tandem::queue {
namespace {

// A client with its own outbox. All calls on one thread at a time, on which its answers come.
class Sender {
 public:
  Sender(DispatcherThread& thread, IdSource& ids)
      : thread_(thread), ids_(ids), client_(ids.make<ClientId>()) {}

  void submit() {
    Submit submit;
    submit.client_id = client_;
    TaskSpec spec;
    spec.payload = R"({"job_type":"x"})";
    spec.job_type = "x";
    submit.tasks.push_back({ids_.make<TaskId>(), std::move(spec), {}});
    submit.done = [this](const Result<Submitted>& answer) {
      ++answers_;
      if (answer) stored_.insert(answer->tasks.at(0)->task_id);
    };
    post(std::move(submit));
  }
  template <class What>
  void post(What what) {
    thread_.post({&outbox_, std::move(what)});
  }
  // The tasks that were acknowledged, once `count` answers are there.
  const std::set<TaskId>& stored(std::size_t count) {
    EXPECT_TRUE(outbox_.run_until([&] { return answers_ >= count; }));
    EXPECT_EQ(answers_, count);
    return stored_;
  }
  logs::TestOutbox& outbox() { return outbox_; }

 private:
  DispatcherThread& thread_;
  IdSource& ids_;
  ClientId client_;
  logs::TestOutbox outbox_;
  std::size_t answers_ = 0;
  std::set<TaskId> stored_;
};

class DispatcherThreadTest : public testing::Test {
 protected:
  bool is_there(TaskId id) {
    const auto found = store_.reader().find(id);
    return found && *found;
  }

  SystemClock clock_;
  SystemRandom random_;
  IdSource ids_{clock_, random_};
  store::MemoryStore store_;
  Dispatcher dispatcher_{store_, clock_, DispatcherSettings{}};
  DispatcherThread thread_{dispatcher_, clock_};
};

TEST_F(DispatcherThreadTest, AnswersEveryCommandOfManyThreadsOnce) {
  constexpr std::size_t kSenders = 4, kTasks = 300;
  thread_.start();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kSenders; ++i)
    threads.emplace_back([&] {
      Sender sender(thread_, ids_);
      for (std::size_t task = 0; task < kTasks; ++task) sender.submit();
      const auto& stored = sender.stored(kTasks);
      EXPECT_EQ(stored.size(), kTasks);
      for (const TaskId& id : stored) EXPECT_TRUE(is_there(id));
    });
  for (std::thread& thread : threads) thread.join();
}

TEST_F(DispatcherThreadTest, AStopAnswersWhatCameBeforeIt) {
  Sender sender(thread_, ids_);
  for (int i = 0; i < 10; ++i) sender.submit();
  thread_.start();
  thread_.stop();
  EXPECT_EQ(sender.stored(10).size(), 10u);
  thread_.stop();  // may be repeated
}

// Nothing else is due here that would end the sleep.
TEST_F(DispatcherThreadTest, ACommandWakesASleepingThread) {
  Sender sender(thread_, ids_);
  thread_.start();
  for (std::size_t i = 1; i <= 50; ++i) {
    sender.submit();
    ASSERT_EQ(sender.stored(i).size(), i);
  }
}

// A worker that cancels what it is given, on a thread of its own beside the submitting one.
TEST_F(DispatcherThreadTest, AssignsAndCancelsWhileOthersSubmit) {
  constexpr std::size_t kTasks = 200;
  Sender worker(thread_, ids_);
  std::size_t assigned = 0, cancelled = 0;
  OpenWorker open;
  open.profile.worker_id = ids_.make<WorkerId>();
  open.order = [&](const WorkerOrder& order) {
    const auto* assign = std::get_if<AssignOrder>(&order);
    if (assign == nullptr) return;
    ++assigned;
    Cancel cancel;
    cancel.actor = {assign->task->client_id, false};
    cancel.task_id = assign->task->task_id;
    cancel.done = [&](const Result<Cancelled>& answer) { cancelled += answer ? 1 : 0; };
    worker.post(std::move(cancel));
  };
  const WorkerId worker_id = open.profile.worker_id;
  thread_.start();
  worker.post(std::move(open));
  worker.post(Ready{worker_id, kTasks});
  std::thread submitting([&] {
    Sender sender(thread_, ids_);
    for (std::size_t i = 0; i < kTasks; ++i) sender.submit();
    EXPECT_EQ(sender.stored(kTasks).size(), kTasks);
  });
  EXPECT_TRUE(worker.outbox().run_until([&] { return cancelled == kTasks; }));
  EXPECT_EQ(assigned, kTasks);
  submitting.join();
  thread_.stop();
}

}  // namespace
}  // namespace tandem::queue
