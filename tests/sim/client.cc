#include "sim/client.h"

#include <memory>

namespace tandem::sim {

SimClient::SimClient(World& world, Ledger& ledger, Cluster& cluster, std::uint8_t number)
    : world_(world), ledger_(ledger), cluster_(cluster), outbox_(world), ids_(world, world.random) {
  id_.bytes[15] = number;
}

void SimClient::start(int submissions, std::int64_t until_ms) {
  until_ms_ = until_ms;
  for (int i = 0; i < submissions; ++i)
    world_.after(world_.random.between(0, until_ms), [this] {
      Request request;
      if (world_.random.chance(0.7)) request.key = to_string(id_) + "-" + std::to_string(++keys_);
      const std::int64_t count = world_.random.chance(0.2) ? world_.random.between(2, 6) : 1;
      for (std::int64_t n = 0; n < count; ++n) request.specs.push_back(make_spec());
      submit(request, request.key.empty() ? 1 : 30);
    });
  world_.after(100, [this] { meddle(); });
}

TaskSpec SimClient::make_spec() {
  SeededRandom& random = world_.random;
  TaskSpec spec;
  spec.payload = R"({"job_type":"sim"})";
  spec.job_type = random.chance(0.8) ? "sim" : "other";
  if (random.chance(0.2))
    spec.assignment = random.chance(0.5) ? Assignment::push : Assignment::polling;
  if (random.chance(0.1)) spec.requires_labels = {"gpu"};
  spec.priority = static_cast<int>(random.between(-1, 1));
  spec.max_attempts = static_cast<int>(random.between(1, 3));
  spec.retry_delay_ms = random.between(0, 300);
  spec.interactive = random.chance(0.2);
  if (random.chance(0.2)) spec.delay_ms = random.between(1, 1500);
  if (random.chance(0.1)) spec.queue_timeout_ms = random.between(50, 2000);
  if (random.chance(0.1)) spec.unique_key = "u" + std::to_string(random.below(3));
  return spec;
}

// The ids of its tasks are made by the server that it comes to.
queue::Submit SimClient::command_of(const Request& request, std::function<void()> answered) {
  queue::Submit command{
      .client_id = id_, .idempotency_key = request.key, .body_sha256 = request.key};
  for (const TaskSpec& spec : request.specs)
    command.tasks.push_back({.task_id = ids_.make<TaskId>(), .spec = spec, .inputs = {}});
  command.done = [this, answered = std::move(answered),
                  key = request.key](Result<queue::Submitted> answer) {
    if (!answer) return;
    answered();
    std::vector<TaskId> tasks;
    for (const queue::TaskPtr& task : answer->tasks) tasks.push_back(task->task_id);
    ledger_.submit_answered(key, tasks);
    known_.insert(known_.end(), tasks.begin(), tasks.end());
  };
  return command;
}

void SimClient::submit(const Request& request, int tries_left) {
  auto answered = std::make_shared<bool>(false);
  const auto arrive = [this, request, answered] {
    cluster_.any().post({&outbox_, command_of(request, [answered] { *answered = true; })});
  };
  if (request.key.empty())  // without a key a repeat is another task
    world_.after(world_.random.between(0, 12), arrive);
  else
    world_.send(arrive);
  if (tries_left <= 1) return;
  world_.after(world_.random.between(50, 600), [this, request, tries_left, answered] {
    if (!*answered || (world_.faults && world_.random.chance(0.1))) submit(request, tries_left - 1);
  });
}

void SimClient::meddle() {
  if (world_.now() > until_ms_) return;
  world_.after(world_.random.between(20, 250), [this] { meddle(); });
  if (known_.empty()) return;
  const TaskId task =
      world_.random.chance(0.5) ? known_.back() : known_[world_.random.below(known_.size())];
  const std::uint64_t what = world_.random.below(10);
  if (what < 3) return cancel(task);
  if (what < 4) return retry(task);
  if (what < 5) return remove(task);
  input(task);
}

template <class T>
void SimClient::ask(queue::Actor actor, T command) {
  command.actor = actor;
  auto shared = std::make_shared<queue::Command>(queue::Command{&outbox_, std::move(command)});
  world_.after(world_.random.between(0, 12), [this, shared] { cluster_.any().post(*shared); });
}

void SimClient::cancel(TaskId task) {
  queue::Cancel command{.actor = {}, .task_id = task, .done = nullptr};
  command.done = [this, task](Result<queue::Cancelled> answer) {
    if (answer && !answer->was_started) ledger_.cancelled_before_start(task);
  };
  ask({id_, false}, std::move(command));
}

void SimClient::retry(TaskId task) {
  ledger_.retry_sent(task);
  ask({id_, false}, queue::Retry{.actor = {}, .task_id = task, .done = nullptr});
}

void SimClient::remove(TaskId task) {
  ledger_.remove_sent(task);
  ask({id_, false},
      queue::Remove{
          .actor = {}, .task_id = task, .force = world_.random.chance(0.5), .done = nullptr});
}

void SimClient::input(TaskId task) {
  const std::string data = to_string(id_) + "/" + std::to_string(++inputs_);
  ask({id_, false}, queue::Input{.actor = {}, .task_id = task, .data = data, .done = nullptr});
}

}  // namespace tandem::sim
