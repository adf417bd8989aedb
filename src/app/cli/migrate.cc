#include <fmt/core.h>

#include "app/cli/exit_code.h"
#include "app/cli/menu.h"
#include "app/cli/session.h"
#include "app/storage.h"
#include "logs/embedded/sqlite_log_store.h"

namespace tandem::app::cli {
namespace {

// Opening brings the schema up to date. The directory's lock keeps a running server safe.
int migrate(const LoginFlags& flags) {
  const auto settings = client_settings(flags);
  if (!settings) return exit_code::kSettings;
  const auto place = Installation::open(settings->data_dir);
  if (!place) return report(place.error());
  const auto tasks = open_storage(*settings, *place);
  if (!tasks) return report(tasks.error());
  const auto logs = logs::SqliteLogStore::open(place->file("logs.db"));
  if (!logs) return report(logs.error());
  if (flags.json)
    fmt::print("{{\"status\":\"ok\"}}\n");
  else
    fmt::print("The database {} is up to date.\n", is_in_directory(*settings)
                                                       ? "in " + place->directory().string()
                                                       : "of TANDEM_DATABASE_URL");
  return exit_code::kOk;
}

}  // namespace

void add_migrate(const Menu& menu) {
  const Command command = menu.root.subcommand(
      "migrate", "Make the database, or bring it up to date (a server does so when it starts)");
  command.option("--data-dir", menu.login.data_dir, "The data directory (TANDEM_DATA_DIR)");
  command.flag("--json", menu.login.json, "Print JSON");
  menu.on(command, [&login = menu.login] { return migrate(login); });
}

}  // namespace tandem::app::cli
