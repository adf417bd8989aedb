#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/manual_clock.h"
#include "queue/direct_outbox.h"
#include "queue/dispatcher.h"
#include "store/memory/memory_store.h"

namespace tandem::queue {

template <class T>
using Answer = std::shared_ptr<std::optional<Result<T>>>;

template <class Id>
Id numbered(std::uint8_t number) {
  Id id;
  id.bytes[15] = number;
  return id;
}

// Workers and the dispatcher, turn by turn.
class ClaimsTest : public testing::Test {
 protected:
  template <class T, class What>
  Answer<T> post(What what) {
    auto answer = std::make_shared<std::optional<Result<T>>>();
    what.done = [answer](Result<T> value) {
      EXPECT_FALSE(answer->has_value()) << "answered twice";
      *answer = std::move(value);
    };
    tell(std::move(what));
    return answer;
  }
  template <class What>
  void tell(What what) {
    commands_.push_back({&outbox_, std::move(what)});
  }
  void turn() {
    Deliveries out;
    dispatcher_.turn(std::exchange(commands_, {}), out);
    for (auto& [outbox, deliveries] : out) outbox->post(std::move(deliveries));
  }
  void turns(int count) {
    while (count-- > 0) turn();
  }
  void pass(std::int64_t ms) {
    clock_.now_ms += ms;
    turns(2);
  }

  TaskId submit(bool interactive = false) {
    Submit submit{.client_id = kClient, .tasks = {}, .done = {}};
    TaskSpec spec;
    spec.payload = R"({"job_type":"x"})";
    spec.job_type = "x";
    spec.interactive = interactive;
    const auto id = numbered<TaskId>(++tasks_);
    submit.tasks.push_back({id, std::move(spec), {}});
    tell(std::move(submit));
    return id;
  }
  Answer<Claimed> claim(std::uint8_t worker, std::int64_t wait_ms = 0, int max = 1,
                        std::vector<Lease> known = {}) {
    Claim claim{
        .profile = {.worker_id = numbered<WorkerId>(worker), .channel = WorkerChannel::polling},
        .channel = ++channels_,
        .max = max,
        .wait_ms = wait_ms,
        .known = std::move(known),
        .done = {}};
    return post<Claimed>(std::move(claim));
  }
  void open(std::uint8_t worker, int free) {
    OpenWorker open{.profile = {.worker_id = numbered<WorkerId>(worker)},
                    .channel = ++channels_,
                    .order = [this](const WorkerOrder& order) { orders_.push_back(order); },
                    .done = {}};
    tell(std::move(open));
    tell(Ready{.worker_id = numbered<WorkerId>(worker), .channel = channels_, .free = free});
  }
  Update update(std::uint8_t worker, TaskId task, UpdateKind kind) {
    return {.worker_id = numbered<WorkerId>(worker), .task_id = task, .attempt = 1, .kind = kind};
  }
  Answer<UpdateAnswer> say(std::uint8_t worker, TaskId task, UpdateKind kind) {
    return post<UpdateAnswer>(update(worker, task, kind));
  }
  // Given to the worker by a poll, and accepted.
  TaskId running(std::uint8_t worker, bool interactive = false) {
    const TaskId id = submit(interactive);
    claim(worker);
    turn();
    say(worker, id, UpdateKind::running);
    turn();
    EXPECT_EQ(status(id), TaskStatus::running);
    return id;
  }
  void set_standing(std::uint8_t worker, WorkerStanding standing) {
    standings_[numbered<WorkerId>(worker)] = standing;
    tell(ReviewWorkers{.workers = {numbered<WorkerId>(worker)}, .done = {}});
  }
  TaskStatus status(TaskId id) { return store_.reader().find(id).value()->status; }
  template <class Order>
  int ordered() const {
    return static_cast<int>(std::count_if(orders_.begin(), orders_.end(), [](const auto& order) {
      return std::holds_alternative<Order>(order);
    }));
  }

  const ClientId kClient = numbered<ClientId>(9);
  const Actor kActor{.client_id = kClient};
  ManualClock clock_;
  store::MemoryStore store_;
  std::map<WorkerId, WorkerStanding> standings_;  // good where there is none
  const DispatcherSettings settings_{.lease_ms = 30'000,
                                     .accept_timeout_ms = 15'000,
                                     .reconnect_ms = 1500,
                                     .embedded_worker = {},
                                     .check_spec = {},
                                     .standing_of = [this](WorkerId id) {
                                       const auto found = standings_.find(id);
                                       return found == standings_.end() ? WorkerStanding::good
                                                                        : found->second;
                                     }};
  Dispatcher dispatcher_{store_, clock_, settings_};
  DirectOutbox outbox_;
  std::vector<Command> commands_;
  std::vector<WorkerOrder> orders_;
  ChannelNumber channels_ = 0;
  std::uint8_t tasks_ = 0;
};

}  // namespace tandem::queue
