#pragma once

#include <functional>
#include <memory>

#include "sim/ledger.h"
#include "sim/world.h"
#include "store/memory/memory_store.h"

namespace tandem::sim {

// Thrown by a commit: the server's process dies here.
struct Crash {};

// The memory store of a server, with crash points at each commit and the ledger looking on.
class ObservedStore final : public store::Store, public store::PeerStore {
 public:
  // `database`: of all servers; null: this one is alone.
  ObservedStore(World& world, Ledger& ledger, store::MemoryDatabase* database, ServerId server);

  double crash_chance = 0;  // at each commit, before or after it
  double fail_chance = 0;   // of a commit, with or without effect, and of any other call
  std::function<void(ServerId)> on_letter;  // one was committed

  int failures() const { return failures_; }
  void restarted();

  Result<void> begin() override { return failing() ? error() : inner_->begin(); }
  Result<std::vector<std::uint8_t>> apply(const store::TaskBatch& batch) override;
  store::AccountStore& accounts() override { return inner_->accounts(); }
  store::WorkerStore& workers() override { return inner_->workers(); }
  Result<void> commit() override;
  void rollback() override { inner_->rollback(); }
  store::PeerStore* peers() override { return database_ == nullptr ? nullptr : this; }

  Result<std::vector<Task>> load(std::span<const TaskId> ids) override { return inner_->load(ids); }
  Result<std::vector<Task>> load_leased() override {
    if (failing()) return error().error();
    return inner_->load_leased();
  }
  Result<std::vector<LaneKey>> pending_lanes() override { return inner_->pending_lanes(); }
  Result<std::vector<Task>> load_pending(const LaneKey& lane, const store::LanePosition* after,
                                         int limit) override {
    if (failing()) return error().error();
    return inner_->load_pending(lane, after, limit);
  }
  Result<std::vector<Task>> load_due(WallTime now, int limit) override {
    return inner_->load_due(now, limit);
  }
  Result<std::optional<WallTime>> next_due() override { return inner_->next_due(); }
  Result<std::vector<Task>> load_queue_expired(WallTime now, int limit) override {
    return inner_->load_queue_expired(now, limit);
  }
  Result<std::optional<WallTime>> next_queue_expiry() override {
    return inner_->next_queue_expiry();
  }
  Result<std::optional<store::IdempotencyRow>> find_idempotency(ClientId client,
                                                                const std::string& key) override;
  Result<std::optional<TaskId>> find_unique(ClientId client, const std::string& key) override {
    return inner_->find_unique(client, key);
  }
  Result<std::vector<store::InputPiece>> load_inputs(TaskId task, std::uint32_t attempt,
                                                     std::uint64_t after_seq) override {
    return inner_->load_inputs(task, attempt, after_seq);
  }
  Result<std::int64_t> expire_idempotency(WallTime before, int limit) override {
    return inner_->expire_idempotency(before, limit);
  }
  Result<std::vector<TaskId>> load_finished_before(WallTime before, int limit) override {
    return inner_->load_finished_before(before, limit);
  }

  Result<store::RollCall> beat() override;
  Result<store::Mail> mail(int max_letters) override {
    if (failing()) return error().error();
    return inner_->peers()->mail(max_letters);
  }
  Result<std::vector<store::Submission>> take_submissions(int limit) override {
    return inner_->peers()->take_submissions(limit);
  }
  Result<void> refuse_submission(const store::Submission& submission,
                                 const std::string& why) override {
    return inner_->peers()->refuse_submission(submission, why);
  }
  Result<std::int64_t> adopt(ServerId from, std::int64_t silent_ms, int limit) override {
    if (failing()) return error().error();
    const auto adopted = inner_->peers()->adopt(from, silent_ms, limit);
    if (fail_chance > 0 && world_.random.chance(0.3)) return error().error();  // it is rare
    return adopted;
  }
  Result<std::vector<TaskId>> draw(ServerId from, std::int64_t silent_ms,
                                   std::span<const WorkerId> workers) override;
  Result<void> lock_key(ClientId client, const std::string& key) override {
    return inner_->peers()->lock_key(client, key);
  }

 private:
  void look_on();
  bool failing() {
    const bool fails = world_.random.chance(fail_chance);
    if (fails) ++failures_;
    return fails;
  }
  static Result<void> error() { return fail(Errc::store_unavailable, "simulated"); }

  World& world_;
  Ledger& ledger_;
  store::MemoryDatabase* const database_;
  const ServerId server_;
  std::unique_ptr<store::MemoryStore> inner_;
  std::vector<Task> images_;
  std::vector<TaskId> removals_;
  std::vector<ServerId> addressees_;
  WallTime started_at_;
  int failures_ = 0;
};

}  // namespace tandem::sim
