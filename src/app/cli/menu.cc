#include "app/cli/menu.h"

namespace tandem::app::cli {

Command Menu::client_command(const std::string& name, const std::string& help) const {
  const Command command = root.subcommand(name, help);
  add_login(command);
  return command;
}

void Menu::add_login(Command command) const {
  command.option("--server", login.server, "The server's URL (TANDEM_SERVER)");
  command.option("--client-id", login.client_id,
                 "Who asks (TANDEM_CLIENT_ID), or a name in clients.json");
  command.option("--client-secret", login.client_secret,
                 "The client's secret (better: TANDEM_CLIENT_SECRET)");
  command.option("--data-dir", login.data_dir,
                 "Of a server on this machine: finds server.json and clients.json there");
  command.option("--ca-file", login.ca_file,
                 "Certificates to trust in place of the system's (TANDEM_CA_FILE)");
  command.flag("--json", login.json, "Print JSON");
}

}  // namespace tandem::app::cli
