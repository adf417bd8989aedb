#include <cstdio>
#include <exception>

#include "app/cli/exit_code.h"
#include "app/cli/menu.h"
#include "app/version.h"

namespace {

namespace cli = tandem::app::cli;

void add_commands(const cli::Menu& menu) {
  cli::add_serve(menu);
  cli::add_worker(menu);
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
  cli::Program program(
      {.name = "tandem",
       .summary = "Tandem runs tasks: a server, its workers, and commands to use them.",
       .version = tandem::app::kVersion,
       .footer = std::string(cli::kExitCodesText)});
  cli::Action chosen;
  cli::LoginFlags login;
  add_commands({program.root(), chosen, login});
  if (const auto exit_code = program.parse(argc, argv)) return *exit_code;
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
