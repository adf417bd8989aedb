#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "app/cli/command.h"
#include "app/cli/exit_code.h"
#include "app/cli/usage_error.h"
#include "app/version.h"

namespace {

namespace cli = tandem::app::cli;

void add_commands(const cli::Menu& menu) {
  cli::add_serve(menu);
  cli::add_submit(menu);
  cli::add_status(menu);
  cli::add_logs(menu);
  cli::add_attach(menu);
  cli::add_control(menu);
  cli::add_download(menu);
  cli::add_ls(menu);
  cli::add_login(menu);
  cli::add_client(menu);
  cli::add_token(menu);
  cli::add_migrate(menu);
  cli::add_doctor(menu);
  cli::add_settings(menu);
}

int run(int argc, char** argv) {
  CLI::App app("Tandem runs tasks: a server, its workers, and commands to use them.", "tandem");
  app.set_version_flag("--version", std::string("tandem ") + tandem::app::kVersion);
  app.require_subcommand(1);
  app.footer(std::string(cli::kExitCodesText));
  cli::Action chosen;
  cli::LoginFlags login;
  add_commands({app, chosen, login});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    return cli::report_usage(cli::usage_sentence(app, argc > 1 ? argv[1] : "", error));
  }
  return chosen();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tandem: %s\n", error.what());
    return cli::exit_code::kFailed;
  }
}
