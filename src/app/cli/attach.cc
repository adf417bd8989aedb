#include <fmt/core.h>

#include <memory>

#include "app/cli/exit_code.h"
#include "app/cli/menu.h"
#include "app/cli/task_text.h"
#include "app/cli/watch.h"

namespace tandem::app::cli {
namespace {

struct AttachFlags {
  std::string task_id, after;
};

int attach(Session& session, const AttachFlags& flags, bool json) {
  WatchOptions options;
  options.after = flags.after;
  options.answers = true;
  options.json = json;
  options.has_progress = !json;
  const auto watched = watch(session, flags.task_id, options);
  if (!watched) return report(watched.error());
  if (watched->left) {
    fmt::print(stderr, "tandem: left task {0}; `tandem attach {0}` goes back to it\n",
               flags.task_id);
    return exit_code::kOk;
  }
  if (!watched->task) return exit_code::kOk;
  if (watched->task->status != TaskStatus::completed)
    fmt::print(stderr, "tandem: {}\n", ending_sentence(*watched->task));
  return job_exit_code(*watched->task);
}

}  // namespace

void add_attach(const Menu& menu) {
  const Command command = menu.client_command(
      "attach", "Follow a task and answer it: its terminal, or its questions (Ctrl-] leaves)");
  auto flags = std::make_shared<AttachFlags>();
  command.option("task_id", flags->task_id, "The task").required();
  command.option("--after", flags->after, "Begin behind this place of the log, such as 2-17");
  menu.on(command, [flags, &login = menu.login] {
    return with_session(login,
                        [&](Session& session) { return attach(session, *flags, login.json); });
  });
}

}  // namespace tandem::app::cli
