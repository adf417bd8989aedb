#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "app/cli/exit_code.h"
#include "app/cli/menu.h"
#include "app/cli/payload.h"
#include "app/cli/session.h"
#include "app/cli/task_text.h"
#include "base/limits.h"
#include "wire/raw_json.h"
#include "wire/task_json.h"

namespace tandem::app::cli {
namespace {

struct ListFlags {
  std::string query;  // the filters, "&status=failed"
  int limit = limits::kDefaultPageItems;
  bool quiet = false;
};

std::vector<std::string> row_of_task(const Task& task) {
  std::string status(to_string(task.status));
  if (task.progress.percent && !is_terminal(task.status))
    status += fmt::format(" {:.0f} %", *task.progress.percent);
  return {to_string(task.task_id),      std::move(status),
          plain(task.spec.job_type),    plain(task.spec.queue),
          std::to_string(task.attempt), to_rfc3339(task.created_at),
          plain(task.worker_name)};
}

// Page by page, until there are enough. `items` are views into `pages`.
Result<void> fetch_list(Session& session, const ListFlags& flags, std::vector<std::string>& pages) {
  std::string cursor;
  for (int left = flags.limit; left > 0; left -= limits::kMaxPageItems) {
    std::string path =
        fmt::format("/api/v1/tasks?limit={}{}", std::min(left, limits::kMaxPageItems), flags.query);
    if (!cursor.empty()) path += "&cursor=" + escaped(cursor);
    auto body = session.get(path);
    if (!body) return body.error();
    cursor = wire::string_member(*body, "next_cursor");
    pages.push_back(std::move(*body));
    if (cursor.empty()) break;
  }
  return {};
}

int list_tasks(Session& session, const ListFlags& flags, bool json) {
  std::vector<std::string> pages;
  if (const auto done = fetch_list(session, flags, pages); !done) return report(done.error());
  std::vector<std::vector<std::string>> rows = {
      {"TASK", "STATUS", "JOB TYPE", "QUEUE", "ATTEMPT", "CREATED", "WORKER"}};
  std::string items;
  for (const std::string& page : pages)
    for (const std::string_view item :
         wire::raw_elements(wire::raw_member(page, "items").value_or("[]"))) {
      if (json) {
        items += (items.empty() ? "" : ",") + std::string(item);
        continue;
      }
      const auto task = wire::decode_task(item);
      if (!task) return report(task.error());
      if (flags.quiet)
        fmt::print("{}\n", to_string(task->task_id));
      else
        rows.push_back(row_of_task(*task));
    }
  if (json)
    fmt::print("{{\"items\":[{}]}}\n", items);
  else if (!flags.quiet)
    fmt::print("{}", table_text(rows));
  return exit_code::kOk;
}

void add_filter(Command command, const std::shared_ptr<ListFlags>& flags, const std::string& flag,
                const std::string& parameter, const std::string& help) {
  const auto keep = [flags, parameter](const std::string& value) {
    flags->query += "&" + parameter + "=" + escaped(value);
  };
  command.list("--" + flag, keep, help).one_each();
}

}  // namespace

void add_ls(const Menu& menu) {
  const Command command = menu.client_command("ls", "List tasks, the newest first");
  auto flags = std::make_shared<ListFlags>();
  add_filter(command, flags, "status", "status", "Of this status; may be repeated");
  add_filter(command, flags, "job-type", "job_type", "Of this job type");
  add_filter(command, flags, "queue", "queue", "Of this queue");
  add_filter(command, flags, "worker", "worker_id", "Run by the worker with this id");
  const auto keep_label = [flags](const std::string& value) {
    const auto pair = split_pair(value);
    flags->query += "&label=" + escaped(pair ? pair->first + ":" + pair->second : value);
  };
  command.list("--label", keep_label, "With this label, key=value; may be repeated").one_each();
  add_filter(command, flags, "search", "search", "With this text");
  add_filter(command, flags, "created-after", "created_after", "Made after this time");
  add_filter(command, flags, "created-before", "created_before", "Made before this time");
  command.option("-n,--limit", flags->limit, "At most so many (50)").within(1, 1'000'000);
  command.flag("-q,--quiet", flags->quiet, "The ids only");
  menu.on(command, [flags, &login = menu.login] {
    return with_session(login,
                        [&](Session& session) { return list_tasks(session, *flags, login.json); });
  });
}

}  // namespace tandem::app::cli
