#include <algorithm>

#include "base/assert.h"
#include "store/memory/memory_peers.h"

namespace tandem::store {
namespace {

using Lock = std::lock_guard<std::mutex>;

}  // namespace

MemoryPeers::MemoryPeers(MemoryState& state, ServerId server, const Clock& clock)
    : state_(state), server_(server), clock_(clock), started_at_(clock.wall()) {
  const Lock lock(state_.mutex);
  state_.servers.insert_or_assign(server_, MemoryServer{started_at_, started_at_});
}

Result<RollCall> MemoryPeers::beat() {
  const Lock lock(state_.mutex);
  if (auto entered = state_.enter(); !entered) return entered.error();
  const WallTime now = clock_.wall();
  MemoryServer& own = state_.servers.at(server_);
  if (own.started_at != started_at_)
    return fail(Errc::internal, "Another process runs with this server's id");
  RollCall roll{.was_silent_ms = now - own.seen_at, .draws = own.draws, .peers = {}};
  own.seen_at = now;
  for (const auto& [id, server] : state_.servers)
    if (id != server_)
      roll.peers.push_back({.server_id = id, .name = "", .silent_ms = now - server.seen_at});
  return roll;
}

Result<Mail> MemoryPeers::mail(int max_letters) {
  const Lock lock(state_.mutex);
  if (auto entered = state_.enter(); !entered) return entered.error();
  Mail mail;
  for (const auto& [number, one] : state_.letters.rows()) {
    if (std::ssize(mail.letters) >= max_letters) break;
    if (one.to == server_) mail.letters.push_back(one.letter);
  }
  return mail;
}

Result<std::vector<Submission>> MemoryPeers::take_submissions(int) {
  return std::vector<Submission>();
}

Result<void> MemoryPeers::refuse_submission(const Submission&, const std::string&) { return {}; }

Result<std::int64_t> MemoryPeers::adopt(ServerId from, std::int64_t silent_ms, int limit) {
  const Lock lock(state_.mutex);
  TANDEM_ASSERT(!state_.in_transaction);
  if (auto entered = state_.enter(); !entered) return entered.error();
  if (clock_.wall() - state_.servers.at(from).seen_at <= silent_ms) return std::int64_t{0};
  std::vector<TaskRow> taken;
  for (const auto& [id, row] : state_.tasks.rows())
    if (row->held_by == from && !is_terminal(row->status) && std::ssize(taken) < limit)
      taken.push_back(row);
  for (const TaskRow& row : taken) {
    auto next = std::make_shared<Task>(*row);
    next->held_by = server_;
    state_.put_task(std::move(next));
  }
  std::vector<std::int64_t> dropped;
  for (const auto& [number, one] : state_.letters.rows())
    if (one.to == from) dropped.push_back(number);
  for (const std::int64_t number : dropped) state_.letters.erase(number);
  state_.commit();
  return std::ssize(taken);
}

Result<std::vector<TaskId>> MemoryPeers::draw(ServerId from, std::int64_t silent_ms,
                                              std::span<const WorkerId> workers) {
  const Lock lock(state_.mutex);
  TANDEM_ASSERT(!state_.in_transaction);
  if (auto entered = state_.enter(); !entered) return entered.error();
  MemoryServer& server = state_.servers.at(from);
  if (clock_.wall() - server.seen_at <= silent_ms) return std::vector<TaskId>();
  ++server.draws;
  std::vector<TaskRow> rows;
  for (const auto& [id, row] : state_.tasks.rows())
    if (row->held_by == from && is_leased(row->status) &&
        std::ranges::find(workers, row->worker_id) != workers.end())
      rows.push_back(row);
  std::vector<TaskId> drawn;
  for (const TaskRow& row : rows) {
    auto next = std::make_shared<Task>(*row);
    next->held_by = server_;
    state_.put_task(std::move(next));
    drawn.push_back(row->task_id);
  }
  state_.commit();
  return drawn;
}

// Transactions are never at the same time here.
Result<void> MemoryPeers::lock_key(ClientId, const std::string&) { return {}; }

}  // namespace tandem::store
