#pragma once

#include <functional>
#include <string>
#include <utility>

#include "app/cli/command.h"

namespace tandem::app::cli {

// What main runs after all was parsed; answers the exit code.
using Action = std::function<int()>;

// Flags of every command that speaks to a server; they outlive the action.
struct LoginFlags {
  std::string server, client_id, client_secret, data_dir, ca_file;
  bool json = false;
};

// Each adds one command, or a few that belong together, and sets `chosen` where the user chose it.
// No command does anything before its action is run.
struct Menu {
  Command root;
  Action& chosen;
  LoginFlags& login;

  // A command that speaks to a server.
  Command client_command(const std::string& name, const std::string& help) const;
  void add_login(Command command) const;
  // Runs `action` where the user chose the command.
  void on(Command command, Action action) const {
    command.when_chosen([&target = chosen, action = std::move(action)] { target = action; });
  }
};

void add_serve(const Menu& menu);
void add_worker(const Menu& menu);
void add_submit(const Menu& menu);   // submit
void add_status(const Menu& menu);   // status
void add_logs(const Menu& menu);     // logs
void add_attach(const Menu& menu);   // attach
void add_control(const Menu& menu);  // cancel, retry
void add_download(const Menu& menu);
void add_ls(const Menu& menu);
void add_login(const Menu& menu);  // login, logout
void add_client(const Menu& menu);
void add_token(const Menu& menu);
void add_migrate(const Menu& menu);
void add_doctor(const Menu& menu);
void add_settings(const Menu& menu);  // settings, version

}  // namespace tandem::app::cli
