#include "app/storage.h"

#include "app/host_name.h"
#include "store/postgres/postgres_bell.h"
#include "store/postgres/postgres_reader.h"
#include "store/postgres/postgres_store.h"
#include "store/sqlite/sqlite_reader.h"
#include "store/sqlite/sqlite_store.h"

namespace tandem::app {
namespace {

constexpr char kSqliteFile[] = "tandem.db";
constexpr char kServerIdFile[] = "server-id";

// Of this data directory, made on the first start: by it the server finds its tasks again.
Result<ServerId> server_id(const Installation& place, IdSource& ids) {
  const std::string path = place.file(kServerIdFile);
  if (const auto text = read_file(path)) {
    const auto id = parse_uuid(text->substr(0, text->find('\n')));
    if (id) return ServerId(*id);
    return fail(Errc::internal, "The file " + path + " holds no id; restore it from a backup");
  }
  const auto id = ids.make<ServerId>();
  if (auto written = write_file(path, to_string(id) + "\n", 0600); !written) return written.error();
  return id;
}

Result<Storage> open_sqlite(const Installation& place) {
  auto store = store::SqliteStore::open(place.file(kSqliteFile));
  if (!store) return store.error();
  auto reader = store::SqliteReader::open(place.file(kSqliteFile));
  if (!reader) return reader.error();
  return Storage{std::move(*store), std::move(*reader)};
}

Result<Storage> open_postgres(const std::string& url, const Installation& place) {
  const SystemClock clock;
  SystemRandom random;
  IdSource ids(clock, random);
  auto id = server_id(place, ids);
  if (!id) return id.error();
  const store::ServerIdentity server{
      .server_id = *id, .name = host_name(), .started_at = clock.wall()};
  auto store = store::PostgresStore::open(url, server);
  if (!store) return store.error();
  auto reader = store::PostgresReader::open(url, *id);
  if (!reader) return reader.error();
  const auto make_bell = [url, server_id = *id](std::function<void()> ring) {
    return std::make_unique<store::PostgresBell>(url, server_id, std::move(ring));
  };
  return Storage{std::move(*store), std::move(*reader), *id, make_bell};
}

}  // namespace

bool is_in_directory(const config::Settings& settings) { return settings.database_url.empty(); }

Result<Storage> open_storage(const config::Settings& settings, const Installation& place) {
  if (is_in_directory(settings)) return open_sqlite(place);
  return open_postgres(settings.database_url, place);
}

Result<std::unique_ptr<store::TaskReader>> open_reader(const config::Settings& settings) {
  if (is_in_directory(settings)) {
    const std::string path = settings.data_dir + "/" + kSqliteFile;
    auto reader = store::SqliteReader::open(path, 1);
    if (!reader) return reader.error();
    return std::unique_ptr<store::TaskReader>(std::move(*reader));
  }
  auto reader = store::PostgresReader::open(settings.database_url, ServerId(), 1);
  if (!reader) return reader.error();
  return std::unique_ptr<store::TaskReader>(std::move(*reader));
}

}  // namespace tandem::app
