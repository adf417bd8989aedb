#include <fmt/core.h>

#include <memory>

#include "app/cli/exit_code.h"
#include "app/cli/menu.h"
#include "app/cli/session.h"
#include "app/cli/task_text.h"
#include "wire/task_json.h"

namespace tandem::app::cli {
namespace {

struct StatusFlags {
  std::string task_id;
  double wait_s = 0;
};

int show_status(Session& session, const StatusFlags& flags, bool json) {
  std::string query;
  if (flags.wait_s > 0) query = fmt::format("?wait_s={}", flags.wait_s);
  const auto body = session.get(task_path(flags.task_id, query));
  if (!body) return report(body.error());
  if (json) {
    fmt::print("{}\n", *body);
    return exit_code::kOk;
  }
  const auto task = wire::decode_task(*body);
  if (!task) return report(task.error());
  fmt::print("{}", task_lines(*task));
  return exit_code::kOk;
}

}  // namespace

void add_status(const Menu& menu) {
  const Command command = menu.client_command("status", "Show a task");
  auto flags = std::make_shared<StatusFlags>();
  command.option("task_id", flags->task_id, "The task").required();
  command.option("--wait", flags->wait_s, "Seconds to wait for its end").within(0.0, 60.0);
  menu.on(command, [flags, &login = menu.login] {
    return with_session(login,
                        [&](Session& session) { return show_status(session, *flags, login.json); });
  });
}

}  // namespace tandem::app::cli
