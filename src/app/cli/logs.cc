#include <fmt/core.h>

#include <memory>

#include "app/cli/exit_code.h"
#include "app/cli/log_printer.h"
#include "app/cli/menu.h"

namespace tandem::app::cli {
namespace {

struct LogFlags {
  std::string task_id, after;
  bool follow = false;
  std::uint32_t attempt = 0;
};

int show_log(Session& session, const LogFlags& flags, bool json) {
  WatchOptions options;
  options.after = flags.after;
  options.json = json;
  if (flags.attempt > 0) {
    options.attempt = flags.attempt;
    if (options.after.empty()) options.after = fmt::format("{}-0", flags.attempt);
  }
  if (flags.follow) {
    const auto watched = watch(session, flags.task_id, options);
    return watched ? exit_code::kOk : report(watched.error());
  }
  LogPrinter printer(options);
  const std::string to =
      flags.attempt > 0 ? fmt::format("{}-{}", flags.attempt, INT64_MAX) : std::string();
  const auto done = print_log(session, flags.task_id, to, printer);
  return done ? exit_code::kOk : report(done.error());
}

}  // namespace

void add_logs(const Menu& menu) {
  const Command command = menu.client_command("logs", "Print a task's log");
  auto flags = std::make_shared<LogFlags>();
  command.option("task_id", flags->task_id, "The task").required();
  command.flag("-f,--follow", flags->follow, "Go on until the task has ended");
  command.option("--attempt", flags->attempt, "Of this attempt only");
  command.option("--after", flags->after, "Begin behind this place, such as 2-17");
  menu.on(command, [flags, &login = menu.login] {
    return with_session(login,
                        [&](Session& session) { return show_log(session, *flags, login.json); });
  });
}

}  // namespace tandem::app::cli
