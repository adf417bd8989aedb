#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"

namespace tandem::store {

// One who may ask for tokens. `scope`: space-separated, sorted.
struct Client {
  ClientId client_id;
  std::string name;
  std::string secret_hash;  // argon2id, encoded
  std::string scope;
  WallTime created_at;
  WallTime secret_changed_at;
};

// A refresh token, known by its SHA-256 only. All that were made from one another share a family.
struct RefreshToken {
  std::string token_sha256;  // hex
  Uuid family;
  ClientId client_id;
  std::string scope;
  WallTime expires_at;
  std::optional<WallTime> used_at;
  std::string successor;  // given again to a repeat within the grace; encrypted by auth
  bool revoked = false;
};

// Writes belong into a transaction of Store. Errors as there.
class AccountStore {
 public:
  virtual ~AccountStore() = default;
  virtual Result<void> insert_client(const Client& client) = 0;  // conflict: the name is taken
  virtual Result<std::optional<Client>> find_client(ClientId id) = 0;
  virtual Result<std::vector<Client>> list_clients(std::optional<ClientId> after, int limit) = 0;
  virtual Result<bool> update_client_secret(ClientId id, const std::string& hash, WallTime now) = 0;
  // The client and its refresh tokens; its tasks stay, for the admin. false: not there.
  virtual Result<bool> remove_client(ClientId id) = 0;

  virtual Result<void> insert_refresh(const RefreshToken& token) = 0;
  virtual Result<std::optional<RefreshToken>> find_refresh(const std::string& sha256) = 0;
  virtual Result<void> mark_refresh_used(const std::string& sha256, WallTime now,
                                         const std::string& successor) = 0;
  virtual Result<void> revoke_family(const Uuid& family) = 0;
  virtual Result<void> revoke_client_tokens(ClientId id) = 0;
  // Drops those that expired before, at most `limit`. Rows dropped.
  virtual Result<std::int64_t> expire_refresh(WallTime before, int limit) = 0;

  // Facts of the installation, such as the id of the server's own worker.
  virtual Result<std::optional<std::string>> get_meta(const std::string& key) = 0;
  virtual Result<void> set_meta(const std::string& key, const std::string& value) = 0;
};

}  // namespace tandem::store
