#pragma once

#include <filesystem>
#include <string>

#include "base/id.h"
#include "base/random.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "store/store.h"

namespace tandem::app {

// The data directory of one server: made (0700) and locked, so that no second server works on it.
// Blocks. Errors carry a sentence for the operator.
class Installation {
 public:
  static Result<Installation> open(const std::filesystem::path& data_dir);

  std::string file(std::string_view name) const { return (directory_ / name).string(); }
  const std::filesystem::path& directory() const { return directory_; }

  // What the file server-id holds, which is made where several servers may share a database; empty
  // where there is none.
  std::string server_id() const;
  // The id of all that one database knows, kept in it; by it what lies elsewhere is told from what
  // belongs to another database.
  static Result<std::string> installation_id(store::Store& store, IdSource& ids);
  // The id of the server's own worker, made on the first start. `server`: which one, where several
  // share the store; else nil.
  static Result<WorkerId> embedded_worker(store::Store& store, IdSource& ids, ServerId server);
  // The id of the client that jobs of another service belong to where no other is named, made the
  // first time. It can't log in.
  static Result<ClientId> upstream_client(store::Store& store, IdSource& ids);
  static Result<bool> has_client(store::Store& store, ClientId id);
  // On the first start: an admin and a tasks client, written to clients.json (0600).
  Result<void> make_first_clients(store::Store& store, const Clock& clock, IdSource& ids,
                                  Random& random) const;
  // Others find the server by it. Written beside, then renamed.
  Result<void> write_server_file(const std::string& url, const std::string& version) const;
  void remove_server_file() const;

 private:
  Installation(std::filesystem::path directory, UniqueFd lock)
      : directory_(std::move(directory)), lock_(std::move(lock)) {}

  std::filesystem::path directory_;
  UniqueFd lock_;
};

// Makes the directory (0700) and locks it by the file `lock_name` in it. conflict where another
// process holds that lock. Blocks.
Result<UniqueFd> open_locked(const std::filesystem::path& directory, const char* lock_name);

// Durable, with this mode, whole or not at all.
Result<void> write_file(const std::filesystem::path& path, std::string_view text, int mode);
Result<std::string> read_file(const std::filesystem::path& path);

}  // namespace tandem::app
