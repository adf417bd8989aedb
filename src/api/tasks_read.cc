#include <algorithm>
#include <map>

#include "api/answers.h"
#include "api/query_params.h"
#include "api/resources.h"
#include "api/task_access.h"
#include "api/task_follow.h"
#include "base/limits.h"
#include "io/offload.h"
#include "wire/list_json.h"
#include "wire/task_json.h"

namespace tandem::api {
namespace {

constexpr std::string_view kTasksList = "tasks";
constexpr std::size_t kMaxSearchBytes = 256;

void read_statuses(QueryParams& params, store::TaskFilter& filter) {
  for (std::string_view name : params.all("status")) {
    if (const auto status = task_status_from(name))
      filter.statuses.insert(*status);
    else
      params.wrong("status", "must be the name of a status");
  }
}

void read_labels(QueryParams& params, store::TaskFilter& filter) {
  for (std::string_view label : params.all("label")) {
    const std::size_t colon = label.find(':');
    if (colon == std::string_view::npos || colon == 0)
      params.wrong("label", "must be written key:value");
    else
      filter.labels.emplace_back(label.substr(0, colon), label.substr(colon + 1));
  }
}

void read_time(QueryParams& params, std::string_view name, std::optional<WallTime>& time) {
  const auto text = params.text(name);
  if (!text) return;
  time = parse_rfc3339(*text);
  if (!time) params.wrong(name, "must be a time such as 2026-01-31T12:00:00Z");
}

store::TaskFilter read_filter(QueryParams& params, const queue::Actor& actor) {
  store::TaskFilter filter;
  if (!actor.admin) filter.client_id = actor.client_id;
  read_statuses(params, filter);
  read_labels(params, filter);
  filter.job_type = params.text("job_type").value_or("");
  filter.queue = params.text("queue").value_or("");
  filter.search = params.text("search").value_or("");
  if (filter.search.size() > kMaxSearchBytes) params.wrong("search", "is longer than 256 bytes");
  if (const auto worker = params.text("worker_id")) {
    filter.worker_id = WorkerId::parse(*worker);
    if (!filter.worker_id) params.wrong("worker_id", "must be an id");
  }
  read_time(params, "created_after", filter.created_after);
  read_time(params, "created_before", filter.created_before);
  filter.limit = static_cast<int>(
      params.integer("limit", limits::kDefaultPageItems, 1, limits::kMaxPageItems));
  if (const auto position = params.cursor(kTasksList)) {
    filter.before = TaskId::parse(*position);
    if (!filter.before) params.wrong("cursor", "is not one that this list gave");
  }
  return filter;
}

void encode_stats(const store::TaskStats& stats, WallTime now, std::string& out) {
  std::map<std::string_view, std::map<TaskStatus, std::int64_t>> queues;
  std::map<TaskStatus, std::int64_t> statuses;
  for (TaskStatus status : kAllStatuses) statuses[status] = 0;
  for (const auto& [key, count] : stats.counts) {
    queues[key.first][key.second] += count;
    statuses[key.second] += count;
  }
  wire::JsonWriter json(out);
  const auto counts = [&json](const std::map<TaskStatus, std::int64_t>& numbers) {
    json.begin_object();
    for (const auto& [status, count] : numbers) json.key(to_string(status)).integer(count);
    json.end_object();
  };
  json.begin_object().key("statuses");
  counts(statuses);
  json.key("queues").begin_object();
  for (const auto& [queue, numbers] : queues) {
    std::string quoted;
    wire::append_json_string(quoted, queue);
    json.key(std::string_view(quoted).substr(1, quoted.size() - 2));
    counts(numbers);
  }
  json.end_object().key("oldest_pending_age_s");
  if (stats.oldest_pending)
    json.seconds(std::max<std::int64_t>(0, now - *stats.oldest_pending));
  else
    json.null();
  json.key("created_last_minute").integer(stats.created_last_minute);
  json.key("finished_last_minute").integer(stats.finished_last_minute).end_object();
}

// Waits until the task is terminal, removed, or the time is up.
Answer wait_for_end(Call& call, std::int64_t wait_ms) {
  const Services& services = call.services();
  const MonoTime until = services.clock.mono() + wait_ms;
  auto follow = co_await TaskFollow::open(services, call.outbox, call.caller.actor, call.task_id());
  if (!follow) co_return refuse(call, follow.error());
  TaskFollow& task = **follow;
  bool gone = false;
  call.request.on_disconnect = [&] {
    gone = true;
    task.wake();
  };
  while (!gone && task.image() != nullptr && !is_terminal(task.image()->status)) {
    const std::int64_t left_ms = until - services.clock.mono();
    if (left_ms <= 0) break;
    co_await task.wait(left_ms);
  }
  call.request.on_disconnect = nullptr;
  const queue::TaskPtr image = task.image();
  if (image == nullptr) co_return refuse(call, fail(Errc::not_found, "The task was deleted"));
  co_return task_answer(*image);
}

}  // namespace

io::Awaitable<Result<Task>> find_task(const Call& call) {
  const Services& services = call.services();
  const TaskId id = call.task_id();
  auto read = [&services, id] { return services.reader.find(id); };
  auto task = co_await io::offload(services.reading, read);
  if (!task) co_return task.error();
  const queue::Actor& actor = call.caller.actor;
  if (!*task || (!actor.admin && (*task)->client_id != actor.client_id))
    co_return fail(Errc::not_found, "There is no such task");
  co_return std::move(**task);
}

Answer get_task(Call& call) {
  QueryParams params(call.request.target.query, {"wait_s"});
  const std::int64_t wait_ms = params.duration_ms("wait_s", 0, limits::kMaxWaitMs);
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  if (wait_ms > 0) co_return co_await wait_for_end(call, wait_ms);
  const auto task = co_await find_task(call);
  if (!task) co_return refuse(call, task.error());
  co_return task_answer(*task);
}

Answer list_tasks(Call& call) {
  QueryParams params(call.request.target.query,
                     {"job_type", "queue", "worker_id", "search", "created_after", "created_before",
                      "limit", "cursor"},
                     {"status", "label"});
  store::TaskFilter filter = read_filter(params, call.caller.actor);
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  const auto limit = static_cast<std::size_t>(filter.limit);
  ++filter.limit;
  const Services& services = call.services();
  auto read = [&services, &filter] { return services.reader.list(filter); };
  const auto tasks = co_await io::offload(services.reading, read);
  if (!tasks) co_return refuse(call, tasks.error());
  std::string body, item;
  wire::ListWriter list(body);
  const std::size_t count = std::min(tasks->size(), limit);
  for (std::size_t i = 0; i < count; ++i) {
    item.clear();
    wire::encode_task((*tasks)[i], item);
    list.items().raw(item);
  }
  list.finish(tasks->size() > count
                  ? wire::encode_cursor(kTasksList, to_string((*tasks)[count - 1].task_id))
                  : std::string());
  co_return private_json(std::move(body));
}

Answer get_stats(Call& call) {
  const QueryParams params(call.request.target.query, {});
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  const Services& services = call.services();
  const queue::Actor actor = call.caller.actor;
  const WallTime now = services.clock.wall();
  auto read = [&services, actor, now] {
    const auto client = actor.admin ? std::nullopt : std::optional(actor.client_id);
    return services.reader.stats(client, now);
  };
  const auto stats = co_await io::offload(services.reading, read);
  if (!stats) co_return refuse(call, stats.error());
  std::string body;
  encode_stats(*stats, now, body);
  co_return private_json(std::move(body));
}

}  // namespace tandem::api
