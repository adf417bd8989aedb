#include "app/worker.h"

#include <memory>

#include "app/cli/menu.h"
#include "app/cli/setting_flags.h"

namespace tandem::app::cli {
namespace {

constexpr char kHelp[] =
    "Work for a service on any machine: one of ours, or any other that knows the six members of a\n"
    "polling configuration. SIGTERM drains, a second one stops at once. `exec` and `shell` run "
    "with\n"
    "--allow-exec yes only. Exit codes: 0 stopped or, with --once, done; 1 it can't start; 77 the\n"
    "service refuses the token; 78 a setting is wrong.";

bool is_for_worker(const config::Row& row) {
  using enum config::Section;
  if (row.section == worker) return row.flag != "embedded-slots";
  return row.section == logging || row.flag == "data-dir" || row.flag == "ca-file" ||
         row.flag == "grace-s" || row.flag == "drain-timeout-s" || row.flag == "poll-interval-s";
}

}  // namespace

void add_worker(const Menu& menu) {
  const Command command = menu.root.subcommand("worker", kHelp);
  const auto flags = add_setting_flags(command, is_for_worker);
  auto once = std::make_shared<bool>(false);
  command.flag("--once", *once, "Wait for one task, run it, and end");
  auto rotate = std::make_shared<bool>(false);
  command.flag("--rotate-token", *rotate,
               "Give the worker of the data directory another token, and end; the one before is "
               "good for an hour");
  menu.on(command, [flags, once, rotate] {
    return *rotate ? rotate_worker_token(*flags) : work(*flags, *once);
  });
}

}  // namespace tandem::app::cli
