#pragma once

#include <string>
#include <vector>

#include "store/memory/memory_state.h"

namespace tandem::store {

// Clients, refresh tokens and settings, over the shared state.
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

}  // namespace tandem::store
