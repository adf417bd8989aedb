#include "api/live_workers.h"

#include <mutex>

#include "auth/secret.h"
#include "base/limits.h"

namespace tandem::api {

Result<void> LiveWorkers::load(store::TaskReader& reader) {
  const std::uint64_t change = next_change();  // what is changed from here on is newer
  std::optional<WorkerId> after;
  while (true) {
    auto page = reader.list_workers(after, limits::kMaxPageItems);
    if (!page) return page.error();
    const bool is_last = page->size() < static_cast<std::size_t>(limits::kMaxPageItems);
    if (!is_last) after = page->back().worker_id;
    for (store::WorkerRecord& record : *page)
      put(std::make_shared<const store::WorkerRecord>(std::move(record)), change);
    if (is_last) break;
  }
  loaded_.store(true, std::memory_order_release);
  return {};
}

Result<void> LiveWorkers::look_for(store::TaskReader& reader, const std::string& token_sha256) {
  const std::uint64_t change = next_change();
  auto worker = reader.find_worker_of(token_sha256);
  if (!worker) return worker.error();
  if (*worker) put(std::make_shared<const store::WorkerRecord>(std::move(**worker)), change);
  return {};
}

Result<WorkerPtr> LiveWorkers::authenticate(std::string_view token, WallTime now) const {
  if (!auth::is_well_formed(auth::SecretKind::worker, token)) return fail(Errc::token_invalid);
  return find_token(auth::sha256_hex(token), now);
}

Result<std::int64_t> LiveWorkers::good_for_ms(const std::string& sha256, WallTime now) const {
  const auto worker = find_token(sha256, now);
  if (!worker) return worker.error();
  return sha256 == (*worker)->token_sha256 ? kForever : *(*worker)->previous_until - now;
}

Result<WorkerPtr> LiveWorkers::find_token(const std::string& sha256, WallTime now) const {
  WorkerPtr worker;
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = by_sha256_.find(sha256); found != by_sha256_.end())
      worker = found->second;
  }
  if (worker == nullptr) return fail(Errc::token_invalid);
  if (worker->revoked_at) return fail(Errc::token_revoked, "The worker has been revoked");
  const bool is_previous = sha256 != worker->token_sha256;
  if (is_previous && now >= *worker->previous_until)
    return fail(Errc::token_expired, "The worker has a newer token");
  return worker;
}

bool LiveWorkers::knows(const std::string& token_sha256) const {
  const std::shared_lock lock(mutex_);
  return by_sha256_.contains(token_sha256);
}

WorkerPtr LiveWorkers::find(WorkerId id) const {
  const std::shared_lock lock(mutex_);
  const auto found = workers_.find(id);
  return found == workers_.end() ? nullptr : found->second.worker;
}

std::size_t LiveWorkers::count_of(ClientId client) const {
  const std::shared_lock lock(mutex_);
  const auto found = counts_.find(client);
  return found == counts_.end() ? 0 : found->second;
}

void LiveWorkers::put(WorkerPtr worker, std::uint64_t change) {
  const std::unique_lock lock(mutex_);
  const auto [at, is_new] = workers_.try_emplace(worker->worker_id);
  Entry& entry = at->second;
  if (!is_new && change <= entry.change) return;
  if (!is_new) {
    drop_tokens(*entry.worker);
    if (!entry.worker->revoked_at) --counts_[entry.worker->client_id];
  }
  if (!worker->revoked_at) ++counts_[worker->client_id];
  add_tokens(worker);
  entry = {.worker = std::move(worker), .change = change};
}

void LiveWorkers::add_tokens(const WorkerPtr& worker) {
  by_sha256_[worker->token_sha256] = worker;
  if (worker->previous_until) by_sha256_[worker->previous_sha256] = worker;
}

void LiveWorkers::drop_tokens(const store::WorkerRecord& worker) {
  by_sha256_.erase(worker.token_sha256);
  if (worker.previous_until) by_sha256_.erase(worker.previous_sha256);
}

}  // namespace tandem::api
