#include <fmt/core.h>

#include <memory>
#include <vector>

#include "app/cli/exit_code.h"
#include "app/cli/menu.h"
#include "app/cli/session.h"
#include "app/cli/task_text.h"
#include "wire/task_json.h"

namespace tandem::app::cli {
namespace {

int post_each(Session& session, const std::vector<std::string>& task_ids, std::string_view verb,
              bool json) {
  int code = exit_code::kOk;
  for (const std::string& task_id : task_ids) {
    const auto body = session.send("POST", task_path(task_id, "/" + std::string(verb)));
    if (!body) {
      code = report(body.error());
    } else if (json) {
      fmt::print("{}\n", *body);
    } else if (const auto task = wire::decode_task(*body)) {
      fmt::print("{} {}\n", task_id,
                 task->cancel_requested && !is_terminal(task->status) ? "is being cancelled"
                                                                      : ending_sentence(*task));
    }
  }
  return code;
}

void add_verb(const Menu& menu, const std::string& verb, const std::string& help) {
  const Command command = menu.client_command(verb, help);
  auto task_ids = std::make_shared<std::vector<std::string>>();
  command.option("task_id", *task_ids, "The tasks").required();
  menu.on(command, [task_ids, verb, &login = menu.login] {
    return with_session(
        login, [&](Session& session) { return post_each(session, *task_ids, verb, login.json); });
  });
}

}  // namespace

void add_control(const Menu& menu) {
  add_verb(menu, "cancel", "Cancel tasks, also running ones");
  add_verb(menu, "retry", "Run finished tasks again");
}

}  // namespace tandem::app::cli
