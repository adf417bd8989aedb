#include <fmt/core.h>

#include "app/cli/exit_code.h"
#include "app/cli/menu.h"
#include "app/cli/session.h"
#include "wire/json_writer.h"

namespace tandem::app::cli {
namespace {

int print_token(Session& session, bool json) {
  const auto token = session.token();
  if (!token) return report(token.error());
  std::string line = *token;
  if (json) {
    line.clear();
    wire::JsonWriter(line)
        .begin_object()
        .member("access_token", *token)
        .member("server", session.server())
        .end_object();
  }
  fmt::print("{}\n", line);
  return exit_code::kOk;
}

}  // namespace

void add_token(const Menu& menu) {
  const Command command =
      menu.client_command("token", "Print an access token, for curl and other programs");
  menu.on(command, [&login = menu.login] {
    return with_session(login, [&](Session& session) { return print_token(session, login.json); });
  });
}

}  // namespace tandem::app::cli
