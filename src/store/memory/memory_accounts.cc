#include "store/memory/memory_accounts.h"

#include <algorithm>

#include "base/assert.h"

namespace tandem::store {
namespace {

using Lock = std::lock_guard<std::mutex>;

Result<void> enter_write(MemoryState& state) {
  TANDEM_ASSERT(state.in_transaction);
  return state.enter();
}

}  // namespace

Result<void> MemoryAccounts::insert_client(const Client& client) {
  const Lock lock(state_.mutex);
  if (auto entered = enter_write(state_); !entered) return entered;
  for (const auto& [id, row] : state_.clients.rows())
    if (id == client.client_id || row.name == client.name)
      return fail(Errc::conflict, "There is a client with this name");
  state_.clients.put(client.client_id, client);
  return {};
}

Result<std::optional<Client>> MemoryAccounts::find_client(ClientId id) {
  const Lock lock(state_.mutex);
  if (auto entered = state_.enter(); !entered) return entered.error();
  const Client* row = state_.clients.find(id);
  if (row == nullptr) return std::optional<Client>{};
  return std::optional(*row);
}

Result<std::vector<Client>> MemoryAccounts::list_clients(std::optional<ClientId> after, int limit) {
  const Lock lock(state_.mutex);
  if (auto entered = state_.enter(); !entered) return entered.error();
  std::vector<Client> page;
  const auto& rows = state_.clients.rows();
  auto at = after ? rows.upper_bound(*after) : rows.begin();
  for (; at != rows.end() && std::ssize(page) < limit; ++at) page.push_back(at->second);
  return page;
}

Result<bool> MemoryAccounts::update_client_secret(ClientId id, const std::string& hash,
                                                  WallTime now) {
  const Lock lock(state_.mutex);
  if (auto entered = enter_write(state_); !entered) return entered.error();
  const Client* row = state_.clients.find(id);
  if (row == nullptr) return false;
  Client next = *row;
  next.secret_hash = hash;
  next.secret_changed_at = now;
  state_.clients.put(id, std::move(next));
  return true;
}

Result<bool> MemoryAccounts::remove_client(ClientId id) {
  const Lock lock(state_.mutex);
  if (auto entered = enter_write(state_); !entered) return entered.error();
  if (state_.clients.find(id) == nullptr) return false;
  state_.clients.erase(id);
  const auto& rows = state_.refresh.rows();
  for (auto at = rows.begin(); at != rows.end();) {
    const bool its_own = at->second.client_id == id;
    const std::string key = (at++)->first;
    if (its_own) state_.refresh.erase(key);
  }
  return true;
}

Result<void> MemoryAccounts::insert_refresh(const RefreshToken& token) {
  const Lock lock(state_.mutex);
  if (auto entered = enter_write(state_); !entered) return entered;
  if (state_.refresh.find(token.token_sha256) != nullptr)
    return fail(Errc::conflict, "There is a refresh token with this digest");
  state_.refresh.put(token.token_sha256, token);
  return {};
}

Result<std::optional<RefreshToken>> MemoryAccounts::find_refresh(const std::string& sha256) {
  const Lock lock(state_.mutex);
  if (auto entered = state_.enter(); !entered) return entered.error();
  const RefreshToken* row = state_.refresh.find(sha256);
  if (row == nullptr) return std::optional<RefreshToken>{};
  return std::optional(*row);
}

Result<void> MemoryAccounts::mark_refresh_used(const std::string& sha256, WallTime now,
                                               const std::string& successor) {
  const Lock lock(state_.mutex);
  if (auto entered = enter_write(state_); !entered) return entered;
  const RefreshToken* row = state_.refresh.find(sha256);
  if (row == nullptr) return {};
  RefreshToken next = *row;
  next.used_at = now;
  next.successor = successor;
  state_.refresh.put(sha256, std::move(next));
  return {};
}

template <class Wanted>
Result<void> MemoryAccounts::revoke_where(Wanted wanted) {
  const Lock lock(state_.mutex);
  if (auto entered = enter_write(state_); !entered) return entered;
  std::vector<RefreshToken> revoked;
  for (const auto& [key, row] : state_.refresh.rows())
    if (wanted(row)) revoked.push_back(row);
  for (RefreshToken& token : revoked) {
    token.revoked = true;
    state_.refresh.put(token.token_sha256, token);
  }
  return {};
}

Result<void> MemoryAccounts::revoke_family(const Uuid& family) {
  return revoke_where([&](const RefreshToken& token) { return token.family == family; });
}

Result<void> MemoryAccounts::revoke_client_tokens(ClientId id) {
  return revoke_where([&](const RefreshToken& token) { return token.client_id == id; });
}

Result<std::int64_t> MemoryAccounts::expire_refresh(WallTime before, int limit) {
  const Lock lock(state_.mutex);
  if (auto entered = enter_write(state_); !entered) return entered.error();
  std::vector<std::pair<WallTime, std::string>> old;
  for (const auto& [sha256, token] : state_.refresh.rows())
    if (token.expires_at < before) old.emplace_back(token.expires_at, sha256);
  std::sort(old.begin(), old.end());
  if (std::ssize(old) > limit) old.resize(static_cast<std::size_t>(limit));
  for (const auto& [time, sha256] : old) state_.refresh.erase(sha256);
  return std::ssize(old);
}

Result<std::optional<std::string>> MemoryAccounts::get_meta(const std::string& key) {
  const Lock lock(state_.mutex);
  if (auto entered = state_.enter(); !entered) return entered.error();
  const std::string* value = state_.meta.find(key);
  if (value == nullptr) return std::optional<std::string>{};
  return std::optional(*value);
}

Result<void> MemoryAccounts::set_meta(const std::string& key, const std::string& value) {
  const Lock lock(state_.mutex);
  if (auto entered = enter_write(state_); !entered) return entered;
  state_.meta.put(key, value);
  return {};
}

}  // namespace tandem::store
