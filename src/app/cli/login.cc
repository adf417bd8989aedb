#include <fmt/core.h>

#include <iostream>

#include "app/cli/exit_code.h"
#include "app/cli/menu.h"
#include "app/cli/saved_login.h"
#include "app/cli/session.h"
#include "app/cli/task_text.h"
#include "app/cli/terminal.h"
#include "wire/json_writer.h"
#include "wire/raw_json.h"

namespace tandem::app::cli {
namespace {

// Typed without being shown, or a line of stdin.
std::string ask_for_secret() {
  std::string secret;
  {
    const TerminalMode hidden(TerminalMode::Kind::no_echo);  // before anybody begins to type
    if (is_stdin_terminal()) fmt::print(stderr, "Client secret: ");
    std::fflush(stderr);
    std::getline(std::cin, secret);
  }
  if (is_stdin_terminal()) fmt::print(stderr, "\n");
  if (secret.ends_with('\r')) secret.pop_back();
  return secret;
}

int log_in(const LoginFlags& flags) {
  auto settings = client_settings(flags);
  if (!settings) return exit_code::kSettings;
  if (!settings->client_id.empty() && settings->client_secret.empty() &&
      !settings->server_url.empty())
    settings->client_secret = ask_for_secret();
  auto login = find_login(*settings, Sources::without_saved_login);
  if (!login) return report(login.error());
  Session session(*login);
  const auto answer = session.log_in();
  if (!answer) return report(answer.error());
  const auto saved = login_of(login->server, login->client_id, *answer);
  if (!saved) return report(saved.error());
  if (auto written = write_saved_login(*saved); !written) return report(written.error());
  const std::string scope = wire::string_member(*answer, "scope");
  if (flags.json) {
    std::string line;
    wire::JsonWriter(line)
        .begin_object()
        .member("server", login->server)
        .member("client_id", login->client_id)
        .member("scope", scope)
        .end_object();
    fmt::print("{}\n", line);
  } else {
    fmt::print(stderr, "Logged in to {} as client {} (scope {}).\n", login->server,
               plain(login->client_id), plain(scope));
  }
  return exit_code::kOk;
}

// The login is forgotten here also where the server does not hear of it.
int log_out(const LoginFlags& flags) {
  const bool json = flags.json;
  const auto settings = client_settings(flags);
  if (!settings) return exit_code::kSettings;
  const auto saved = read_saved_login();
  if (!saved || !*saved) {
    if (auto removed = remove_saved_login(); !removed) return report(removed.error());
    if (!json) fmt::print(stderr, "There was no saved login.\n");
    if (json) fmt::print("{{}}\n");
    return exit_code::kOk;
  }
  Session session(
      Login{.server = (*saved)->server, .is_saved = true, .ca_file = settings->ca_file});
  (void)session.token();  // renews it where it has run out
  const auto now = read_saved_login();
  std::string body;
  const wire::SavedLogin& last = now && *now ? **now : **saved;
  wire::JsonWriter(body).begin_object().member("refresh_token", last.refresh_token).end_object();
  const auto revoked = session.send("POST", "/token/revoke", std::move(body));
  if (auto removed = remove_saved_login(); !removed) return report(removed.error());
  const bool has_ended = !revoked && revoked.error().code == Errc::unauthenticated;
  if (!revoked && !has_ended) {
    fmt::print(stderr, "tandem: the login is forgotten here, but was not revoked at the server\n");
    return report(revoked.error());
  }
  if (!json) fmt::print(stderr, "Logged out of {}.\n", last.server);
  if (json) fmt::print("{{}}\n");
  return exit_code::kOk;
}

}  // namespace

void add_login(const Menu& menu) {
  const Command login = menu.client_command(
      "login", "Save a login for later commands; the secret is asked for, or read from stdin");
  menu.on(login, [&flags = menu.login] { return log_in(flags); });
  const Command logout = menu.root.subcommand("logout", "Revoke the saved login and forget it");
  logout.flag("--json", menu.login.json, "Print JSON");
  menu.on(logout, [&flags = menu.login] { return log_out(flags); });
}

}  // namespace tandem::app::cli
