#include "app/installation.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <future>
#include <sstream>

#include "app/in_transaction.h"
#include "auth/secret.h"
#include "wire/account_json.h"

namespace tandem::app {
namespace {

constexpr char kEmbeddedWorkerKey[] = "embedded_worker";
constexpr char kUpstreamClientKey[] = "upstream_client";
constexpr char kFirstClientsKey[] = "first_clients";
constexpr char kInstallationKey[] = "installation";

struct InstallationTag;
using InstallationId = Id<InstallationTag>;

Error system_error(const std::string& what, const std::filesystem::path& path) {
  const Errc code = errno == ENOSPC ? Errc::disk_full : Errc::internal;
  return fail(code, what + " " + path.string() + ": " + std::strerror(errno));
}

template <class AnyId>
Result<AnyId> kept_id(store::Store& store, IdSource& ids, const std::string& key) {
  AnyId id;
  auto done = in_transaction(store, [&](store::AccountStore& accounts) -> Result<void> {
    auto known = accounts.get_meta(key);
    if (!known) return known.error();
    const auto parsed = *known ? AnyId::parse(**known) : std::nullopt;
    id = parsed ? *parsed : ids.make<AnyId>();
    return parsed ? Result<void>() : accounts.set_meta(key, to_string(id));
  });
  if (!done) return done.error();
  return id;
}

}  // namespace

Result<void> write_file(const std::filesystem::path& path, std::string_view text, int mode) {
  const std::string beside = path.string() + ".new";
  UniqueFd fd(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd) return system_error("Can't write", path);
  while (!text.empty()) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written < 0) return system_error("Can't write", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd.get()) != 0) return system_error("Can't write", path);
  if (::rename(beside.c_str(), path.c_str()) != 0) return system_error("Can't write", path);
  return {};
}

Result<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::not_found, "Can't read " + path.string());
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

Result<UniqueFd> open_locked(const std::filesystem::path& directory, const char* lock_name) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail(Errc::internal, "Can't make " + directory.string() + ": " + error.message());
  if (::chmod(directory.c_str(), 0700) != 0) return system_error("Can't protect", directory);
  const std::filesystem::path lock_path = directory / lock_name;
  UniqueFd lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock) return system_error("Can't open", lock_path);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(Errc::conflict, "Another process works on " + directory.string());
  return lock;
}

Result<Installation> Installation::open(const std::filesystem::path& data_dir) {
  auto lock = open_locked(data_dir, "lock");
  if (!lock && lock.error().code == Errc::conflict)
    return fail(Errc::conflict, "Another server works on " + data_dir.string());
  if (!lock) return lock.error();
  return Installation(std::filesystem::absolute(data_dir), std::move(*lock));
}

std::string Installation::server_id() const {
  const auto text = read_file(file("server-id"));
  return text ? text->substr(0, text->find('\n')) : "";
}

Result<std::string> Installation::installation_id(store::Store& store, IdSource& ids) {
  const auto id = kept_id<InstallationId>(store, ids, kInstallationKey);
  if (!id) return id.error();
  return to_string(*id);
}

Result<WorkerId> Installation::embedded_worker(store::Store& store, IdSource& ids,
                                               ServerId server) {
  std::string key = kEmbeddedWorkerKey;
  if (!server.is_nil()) key += " " + to_string(server);
  return kept_id<WorkerId>(store, ids, key);
}

Result<ClientId> Installation::upstream_client(store::Store& store, IdSource& ids) {
  return kept_id<ClientId>(store, ids, kUpstreamClientKey);
}

Result<bool> Installation::has_client(store::Store& store, ClientId id) {
  bool is_there = false;
  auto done = in_transaction(store, [&](store::AccountStore& accounts) -> Result<void> {
    auto found = accounts.find_client(id);
    if (!found) return found.error();
    is_there = found->has_value();
    return {};
  });
  if (!done) return done.error();
  return is_there;
}

// The file is written before the commit: a crash between the two leaves secrets that are worth
// nothing, and the next start writes new ones.
Result<void> Installation::make_first_clients(store::Store& store, const Clock& clock,
                                              IdSource& ids, Random& random) const {
  return in_transaction(store, [&](store::AccountStore& accounts) -> Result<void> {
    auto made = accounts.get_meta(kFirstClientsKey);
    if (!made) return made.error();
    if (*made) return {};
    std::vector<wire::SavedClient> saved;
    std::vector<std::future<Result<std::string>>> hashes;  // the slow part: all at once
    for (const auto& [name, scope] :
         {std::pair("admin", "admin tasks workers"), std::pair("tasks", "tasks")}) {
      const std::string secret = auth::make_secret(auth::SecretKind::client, random);
      saved.push_back({name, to_string(ids.make<ClientId>()), secret, scope});
      hashes.push_back(std::async(std::launch::async, [secret, &random] {
        return auth::hash_client_secret(secret, random);
      }));
    }
    for (std::size_t i = 0; i < saved.size(); ++i) {
      auto hash = hashes[i].get();
      if (!hash) return hash.error();
      store::Client client{.client_id = *ClientId::parse(saved[i].client_id),
                           .name = saved[i].name,
                           .secret_hash = std::move(*hash),
                           .scope = saved[i].scope,
                           .created_at = clock.wall(),
                           .secret_changed_at = clock.wall()};
      if (auto inserted = accounts.insert_client(client); !inserted) return inserted;
    }
    const std::string text = wire::encode_clients_file(saved);
    if (auto written = write_file(directory_ / "clients.json", text, 0600); !written)
      return written;
    // Of servers that start at once on an empty database only one comes here, so that all have one
    // id.
    const std::string id = to_string(ids.make<InstallationId>());
    if (auto kept = accounts.set_meta(kInstallationKey, id); !kept) return kept;
    return accounts.set_meta(kFirstClientsKey, "made");
  });
}

Result<void> Installation::write_server_file(const std::string& url,
                                             const std::string& version) const {
  const wire::ServerFile file{.url = url, .pid = ::getpid(), .version = version};
  return write_file(directory_ / "server.json", wire::encode_server_file(file), 0644);
}

void Installation::remove_server_file() const {
  std::error_code ignored;
  std::filesystem::remove(directory_ / "server.json", ignored);
}

}  // namespace tandem::app
