#include <fmt/core.h>

#include <memory>

#include "app/cli/exit_code.h"
#include "app/cli/menu.h"
#include "app/cli/session.h"
#include "app/cli/task_text.h"
#include "wire/json_writer.h"
#include "wire/raw_json.h"

namespace tandem::app::cli {
namespace {

constexpr std::string_view kClients = "/api/v1/clients";

using Work = std::function<int(Session&, bool json)>;

void add_command(const Menu& menu, Command command, Work work) {
  menu.add_login(command);
  menu.on(command, [work = std::move(work), &login = menu.login] {
    return with_session(login, [&](Session& session) { return work(session, login.json); });
  });
}

// The one time that a secret is shown.
int print_secret(const std::string& body, bool json) {
  if (json) {
    fmt::print("{}\n", body);
    return exit_code::kOk;
  }
  for (const char* name : {"client_id", "name", "scope", "client_secret"})
    if (const std::string value = wire::string_member(body, name); !value.empty())
      fmt::print("{:<14} {}\n", name, plain(value));
  fmt::print(stderr, "Keep the secret now: it is not shown again.\n");
  return exit_code::kOk;
}

int list_clients(Session& session, bool json) {
  std::vector<std::vector<std::string>> rows = {{"CLIENT", "NAME", "SCOPE", "CREATED"}};
  std::string cursor, items;
  do {
    std::string path = std::string(kClients) + "?limit=500";
    if (!cursor.empty()) path += "&cursor=" + escaped(cursor);
    const auto body = session.get(path);
    if (!body) return report(body.error());
    for (const std::string_view item :
         wire::raw_elements(wire::raw_member(*body, "items").value_or("[]"))) {
      items += (items.empty() ? "" : ",") + std::string(item);
      rows.push_back({wire::string_member(item, "client_id"),
                      plain(wire::string_member(item, "name")), wire::string_member(item, "scope"),
                      wire::string_member(item, "created_at")});
    }
    cursor = wire::string_member(*body, "next_cursor");
  } while (!cursor.empty());
  if (json)
    fmt::print("{{\"items\":[{}]}}\n", items);
  else
    fmt::print("{}", table_text(rows));
  return exit_code::kOk;
}

void add_create(const Menu& menu, Command group) {
  struct Flags {
    std::string name, scope = "tasks";
  };
  auto flags = std::make_shared<Flags>();
  const Command command = group.subcommand("create", "Make a client and show its secret");
  command.option("name", flags->name, "Its name").required();
  command.option("--scope", flags->scope, "tasks, workers, admin, with blanks between (tasks)");
  add_command(menu, command, [flags](Session& session, bool json) {
    std::string body;
    wire::JsonWriter(body)
        .begin_object()
        .member("name", flags->name)
        .member("scope", flags->scope)
        .end_object();
    const auto answer = session.send("POST", kClients, std::move(body));
    return answer ? print_secret(*answer, json) : report(answer.error());
  });
}

// Of the client that asks; any with scope tasks may.
int print_callback_secret(Session& session, bool json) {
  const auto body = session.get("/api/v1/callback-secret");
  if (!body) return report(body.error());
  fmt::print("{}\n", json ? *body : wire::string_member(*body, "callback_secret"));
  return exit_code::kOk;
}

Command add_by_id(Command group, const std::string& name, const std::string& help,
                  const std::shared_ptr<std::string>& id) {
  const Command command = group.subcommand(name, help);
  command.option("client", *id, "The client's id").required();
  return command;
}

}  // namespace

void add_client(const Menu& menu) {
  const Command group = menu.root.subcommand("client", "Manage clients (scope admin)");
  group.require_subcommand();
  add_command(menu, group.subcommand("ls", "List clients"), list_clients);
  add_command(menu,
              group.subcommand("callback-secret",
                               "Print what your callbacks are signed with (scope tasks)"),
              print_callback_secret);
  add_create(menu, group);
  auto id = std::make_shared<std::string>();
  const Command remove = add_by_id(group, "rm", "Remove a client; its tokens end at once", id);
  add_command(menu, remove, [id](Session& session, bool) {
    const auto gone = session.send("DELETE", std::string(kClients) + "/" + escaped(*id));
    return gone ? exit_code::kOk : report(gone.error());
  });
  const Command rotate = add_by_id(group, "rotate", "Give a client a new secret", id);
  add_command(menu, rotate, [id](Session& session, bool json) {
    const auto answer =
        session.send("POST", std::string(kClients) + "/" + escaped(*id) + "/secret");
    return answer ? print_secret(*answer, json) : report(answer.error());
  });
}

}  // namespace tandem::app::cli
