#include <gtest/gtest.h>

#include "base/manual_clock.h"
#include "queue/dispatcher.h"
#include "store/memory/memory_store.h"

// A retry of a finished task and a cancel of it that came in together made a change that no rule
// allows, from finished to cancelled: the store refused the whole turn, and with it the commands of
// others.
namespace tandem::queue {
namespace {

class RetryAndCancel : public testing::Test {
 protected:
  template <class T, class What>
  Command command(What what, std::optional<Result<T>>& answer) {
    what.done = [&answer](Result<T> value) { answer = std::move(value); };
    return {.outbox = nullptr, .what = std::move(what)};
  }
  void turn(std::vector<Command> commands) {
    Deliveries out;
    dispatcher_.turn(std::move(commands), out);
    for (auto& [outbox, deliveries] : out)
      for (auto& delivery : deliveries) delivery();
  }
  Submit submission(TaskId id) {
    TaskSpec spec;
    spec.payload = R"({"job_type":"echo"})";
    spec.job_type = "echo";
    Submit submit{.client_id = kClient, .tasks = {}, .done = {}};
    submit.tasks.push_back({.task_id = id, .spec = spec, .inputs = {}});
    return submit;
  }

  const ClientId kClient{*parse_uuid("01890000-0000-7000-8000-00000000000a")};
  const TaskId kTask{*parse_uuid("01890000-0000-7000-8000-000000000001")};
  const TaskId kOther{*parse_uuid("01890000-0000-7000-8000-000000000002")};
  ManualClock clock_;
  store::MemoryStore store_;
  Dispatcher dispatcher_{store_, clock_, DispatcherSettings()};
};

TEST_F(RetryAndCancel, HurtNobodyElse) {
  const Actor actor{.client_id = kClient};
  // Failed, for a cancelled one may well be cancelled again.
  Submit first = submission(kTask);
  first.tasks[0].spec.queue_timeout_ms = 0;
  std::optional<Result<Submitted>> submitted, other;
  turn({command<Submitted>(std::move(first), submitted)});
  turn({});
  ASSERT_EQ(store_.reader().find(kTask).value()->status, TaskStatus::failed);

  std::optional<Result<TaskPtr>> retried;
  std::optional<Result<Cancelled>> cancelled;
  std::vector<Command> both;
  both.push_back(command<TaskPtr>(Retry{actor, kTask, {}}, retried));
  both.push_back(command<Cancelled>(Cancel{actor, kTask, {}}, cancelled));
  both.push_back(command<Submitted>(submission(kOther), other));
  turn(std::move(both));
  EXPECT_TRUE(retried->has_value());
  EXPECT_EQ(cancelled->error().code, Errc::conflict);
  EXPECT_TRUE(other->has_value());
}

}  // namespace
}  // namespace tandem::queue
