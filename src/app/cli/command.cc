#include "app/cli/command.h"

namespace tandem::app::cli {

CLI::App& Menu::client_command(const std::string& name, const std::string& help) const {
  CLI::App& command = *app.add_subcommand(name, help);
  add_login(command);
  return command;
}

void Menu::add_login(CLI::App& command) const {
  command.add_option("--server", login.server, "The server's URL (TANDEM_SERVER)");
  command.add_option("--client-id", login.client_id,
                     "Who asks (TANDEM_CLIENT_ID), or a name in clients.json");
  command.add_option("--client-secret", login.client_secret,
                     "The client's secret (better: TANDEM_CLIENT_SECRET)");
  command.add_option("--data-dir", login.data_dir,
                     "Of a server on this machine: finds server.json and clients.json there");
  command.add_flag("--json", login.json, "Print JSON");
}

}  // namespace tandem::app::cli
