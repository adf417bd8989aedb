#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "store/memory/memory_store.h"
#include "store/memory/memory_table.h"

namespace tandem::store {

using TaskRow = std::shared_ptr<const Task>;

// The orders in which tasks are asked for; follows the rows, uncommitted ones included.
struct TaskOrders {
  using ByTime = std::set<std::pair<WallTime, TaskId>>;
  struct Held {                                                   // by one server
    std::map<LaneKey, std::set<std::pair<int, TaskId>>> pending;  // by minus the priority
    std::set<TaskId> leased;
    ByTime due, queue_expiry;
  };

  std::map<ServerId, Held> held;
  ByTime finished;
  std::map<std::pair<ClientId, std::string>, std::set<TaskId>> unique;

  void add(const Task& task);
  void remove(const Task& task);
};

struct MemoryServer {
  WallTime started_at, seen_at;
  std::int64_t draws = 0;
};
struct MemoryLetter {
  ServerId to;
  ReceivedLetter letter;
};

// What the store, its accounts, its workers and its reader share. All guarded by `mutex`.
struct MemoryState {
  std::mutex mutex;
  bool in_transaction = false;

  MemoryTable<TaskId, TaskRow> tasks;  // each says who holds it, the store's own server too
  TaskOrders orders;
  MemoryTable<std::pair<ClientId, std::string>, IdempotencyRow> idempotency;
  MemoryTable<std::tuple<TaskId, std::uint32_t, std::uint64_t>, InputPiece> inputs;
  MemoryTable<TaskId, Callback> callbacks;
  MemoryTable<ClientId, Client> clients;
  MemoryTable<std::string, RefreshToken> refresh;
  MemoryTable<std::string, std::string> meta;
  MemoryTable<WorkerId, WorkerRecord> workers;
  MemoryTable<std::int64_t, MemoryLetter> letters;
  std::int64_t last_letter = 0;
  std::map<ServerId, MemoryServer> servers;

  std::uint64_t calls = 0, commits = 0;
  std::uint64_t failing_call = 0, failing_commit = 0;  // counted down; 0: none
  Errc call_error{}, commit_error{};
  CommitFault commit_fault = CommitFault::before;
  std::optional<Errc> down;

  // Counts a call; an error where it is to fail.
  Result<void> enter();
  void put_task(TaskRow row);
  void remove_task(const TaskId& id);
  void commit();
  void rollback();
};

class MemoryAccounts final : public AccountStore {
 public:
  explicit MemoryAccounts(MemoryState& state) : state_(state) {}
  Result<void> insert_client(const Client& client) override;
  Result<std::optional<Client>> find_client(ClientId id) override;
  Result<std::vector<Client>> list_clients(std::optional<ClientId> after, int limit) override;
  Result<bool> update_client_secret(ClientId id, const std::string& hash, WallTime now) override;
  Result<bool> remove_client(ClientId id) override;
  Result<void> insert_refresh(const RefreshToken& token) override;
  Result<std::optional<RefreshToken>> find_refresh(const std::string& sha256) override;
  Result<void> mark_refresh_used(const std::string& sha256, WallTime now,
                                 const std::string& successor) override;
  Result<void> revoke_family(const Uuid& family) override;
  Result<void> revoke_client_tokens(ClientId id) override;
  Result<std::int64_t> expire_refresh(WallTime before, int limit) override;
  Result<std::optional<std::string>> get_meta(const std::string& key) override;
  Result<void> set_meta(const std::string& key, const std::string& value) override;

 private:
  template <class Wanted>
  Result<void> revoke_where(Wanted wanted);
  MemoryState& state_;
};

class MemoryWorkers final : public WorkerStore {
 public:
  explicit MemoryWorkers(MemoryState& state) : state_(state) {}
  Result<void> insert_worker(const WorkerRecord& worker) override;
  Result<std::optional<WorkerRecord>> find_worker(WorkerId id) override;
  Result<std::vector<WorkerRecord>> list_workers(std::optional<WorkerId> after, int limit) override;
  Result<bool> replace_token(WorkerId id, const WorkerTokens& tokens) override;
  Result<bool> set_draining(WorkerId id, bool draining) override;
  Result<bool> revoke_worker(WorkerId id, WallTime now, const std::string& reason) override;
  Result<void> see_workers(std::span<const Sighting> sightings) override;

 private:
  template <class Change>
  Result<bool> change(WorkerId id, Change apply);
  MemoryState& state_;
};

class MemoryPeers final : public PeerStore {
 public:
  MemoryPeers(MemoryState& state, ServerId server, const Clock& clock);
  Result<RollCall> beat() override;
  Result<Mail> mail(int max_letters) override;
  Result<std::vector<Submission>> take_submissions(int limit) override;
  Result<void> refuse_submission(const Submission& submission, const std::string& why) override;
  Result<std::int64_t> adopt(ServerId from, std::int64_t silent_ms, int limit) override;
  Result<std::vector<TaskId>> draw(ServerId from, std::int64_t silent_ms,
                                   std::span<const WorkerId> workers) override;
  Result<void> lock_key(ClientId client, const std::string& key) override;

 private:
  MemoryState& state_;
  const ServerId server_;
  const Clock& clock_;
  const WallTime started_at_;
};

class MemoryReader final : public TaskReader {
 public:
  explicit MemoryReader(MemoryState& state) : state_(state) {}
  Result<std::optional<Task>> find(TaskId id) override;
  Result<std::vector<Task>> list(const TaskFilter& filter) override;
  Result<TaskStats> stats(std::optional<ClientId> client, WallTime now) override;
  Result<std::vector<Callback>> list_callbacks(std::string_view url_prefix, int limit) override;
  Result<std::optional<Client>> find_client(ClientId id) override;
  Result<std::vector<Client>> list_clients(std::optional<ClientId> after, int limit) override;
  Result<std::optional<WorkerRecord>> find_worker(WorkerId id) override;
  Result<std::optional<WorkerRecord>> find_worker_of(const std::string& token_sha256) override;
  Result<std::vector<WorkerRecord>> list_workers(std::optional<WorkerId> after, int limit) override;

 private:
  Result<void> enter() const;  // with the mutex held
  MemoryState& state_;
};

}  // namespace tandem::store
