#include "api/answers.h"
#include "api/ask.h"
#include "api/query_params.h"
#include "api/resources.h"
#include "io/offload.h"
#include "wire/task_frames.h"

namespace tandem::api {
namespace {

// Logs and files of a task whose row is gone.
io::Awaitable<Result<void>> remove_remains(Call& call, TaskId id) {
  const Services& services = call.services();
  auto call_hub = [&services, id](Outbox& door, std::function<void(Result<void>)> answer) {
    services.logs.remove({id}, door, std::move(answer));
  };
  auto logs = co_await io::ask<Result<void>>(call.outbox, call_hub);
  auto remove_files = [&services, id] { return services.blobs.remove(id); };
  auto files = co_await io::offload(services.reading, remove_files);
  co_return logs ? files : logs;
}

}  // namespace

Answer cancel_task(Call& call) {
  queue::Cancel cancel{.actor = call.caller.actor, .task_id = call.task_id(), .done = {}};
  const auto cancelled = co_await ask(call.services(), call.outbox, std::move(cancel));
  if (!cancelled) co_return refuse(call, cancelled.error());
  co_return task_answer(*cancelled->task, cancelled->was_started ? 202 : 200);
}

Answer retry_task(Call& call) {
  queue::Retry retry{.actor = call.caller.actor, .task_id = call.task_id(), .done = {}};
  const auto task = co_await ask(call.services(), call.outbox, std::move(retry));
  if (!task) co_return refuse(call, task.error());
  co_return task_answer(**task, 202);
}

Answer send_input(Call& call) {
  auto body = wire::decode_input_body(call.request.body);
  if (!body) co_return refuse(call, body.error());
  queue::Input input{.actor = call.caller.actor,
                     .task_id = call.task_id(),
                     .data = std::move(body->data),
                     .eof = body->eof,
                     .request_id = std::move(body->request_id),
                     .done = {}};
  const auto task = co_await ask(call.services(), call.outbox, std::move(input));
  if (!task) co_return refuse(call, task.error());
  co_return task_answer(**task, 202);
}

Answer delete_task(Call& call) {
  QueryParams params(call.request.target.query, {"force"});
  const bool force = params.flag("force");
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  const TaskId id = call.task_id();
  queue::Remove remove{.actor = call.caller.actor, .task_id = id, .force = force, .done = {}};
  const auto removed = co_await ask(call.services(), call.outbox, std::move(remove));
  if (!removed) co_return refuse(call, removed.error());
  const auto clean = co_await remove_remains(call, id);
  if (!clean) co_return refuse(call, clean.error());
  co_return net::Response::empty(204);
}

}  // namespace tandem::api
