#include <unordered_set>

#include "api/answers.h"
#include "api/ask.h"
#include "api/resources.h"
#include "api/routes.h"
#include "api/spec_check.h"
#include "api/submission.h"
#include "auth/secret.h"
#include "base/limits.h"
#include "net/headers.h"
#include "wire/task_json.h"

namespace tandem::api {

Result<std::string> idempotency_key(const net::RequestHead& head) {
  const std::string* key = head.headers.find("Idempotency-Key");
  if (key == nullptr) return std::string();
  const bool visible =
      std::all_of(key->begin(), key->end(), [](char c) { return c > ' ' && c <= '~'; });
  if (key->empty() || key->size() > limits::kMaxIdempotencyKeyBytes || !visible)
    return fail(Errc::validation_failed,
                "The Idempotency-Key must have 1 to 255 visible ASCII characters",
                "Idempotency-Key");
  return *key;
}

Result<void> settle_assignment(const Call& call, TaskSpec& spec) {
  if (!call.caller.route->pattern.starts_with("api/v1/polling/")) return {};
  if (spec.assignment == Assignment::push)
    return fail(Errc::validation_failed, "must be polling for a job that is handed in here",
                "assignment");
  spec.assignment = Assignment::polling;
  return {};
}

net::Response submitted_answer(Call& call, const queue::Submitted& submitted) {
  if (submitted.tasks.empty())
    return refuse(call,
                  fail(Errc::conflict, "The task that this Idempotency-Key has made was deleted"));
  const Task& task = *submitted.tasks.front();
  auto response = task_answer(task, submitted.replayed ? 200 : 201);
  response.headers.add("Location", "/api/v1/tasks/" + to_string(task.task_id));
  if (submitted.replayed) response.headers.add("Idempotent-Replayed", "true");
  if (!submitted.replayed) call.api.metrics.count_submitted(1);
  return response;
}

Answer submit_task(Call& call) {
  if (call.request.body_stream) co_return co_await submit_with_files(call);
  auto key = idempotency_key(call.request);
  if (!key) co_return refuse(call, key.error());
  auto spec = wire::decode_submit(call.request.body);
  if (!spec) co_return refuse(call, spec.error());
  const Services& services = call.services();
  if (auto settled = settle_assignment(call, *spec); !settled)
    co_return refuse(call, settled.error());
  if (auto fits = check_spec(services.settings, call.api.outgoing, *spec); !fits)
    co_return refuse(call, fits.error());
  queue::Submit submit{.client_id = call.caller.actor.client_id,
                       .tasks = {},
                       .idempotency_key = std::move(*key),
                       .body_sha256 = {},
                       .done = {}};
  if (!submit.idempotency_key.empty()) submit.body_sha256 = auth::sha256_hex(call.request.body);
  submit.tasks.push_back(
      {.task_id = services.ids.make<TaskId>(), .spec = std::move(*spec), .inputs = {}});
  const auto submitted = co_await ask(services, call.outbox, std::move(submit));
  if (!submitted) co_return refuse(call, submitted.error());
  co_return submitted_answer(call, *submitted);
}

Answer submit_batch(Call& call) {
  auto key = idempotency_key(call.request);
  if (!key) co_return refuse(call, key.error());
  auto specs = wire::decode_batch(call.request.body);
  if (!specs) co_return refuse(call, specs.error());
  const Services& services = call.services();
  queue::Submit submit{.client_id = call.caller.actor.client_id,
                       .tasks = {},
                       .idempotency_key = std::move(*key),
                       .body_sha256 = {},
                       .done = {}};
  if (!submit.idempotency_key.empty()) submit.body_sha256 = auth::sha256_hex(call.request.body);
  submit.tasks.reserve(specs->size());
  for (TaskSpec& spec : *specs) {
    if (auto fits = check_spec(services.settings, call.api.outgoing, spec); !fits) {
      Error error = fits.error();
      error.field = "tasks[" + std::to_string(submit.tasks.size()) + "]." + error.field;
      co_return refuse(call, error);
    }
    submit.tasks.push_back(
        {.task_id = services.ids.make<TaskId>(), .spec = std::move(spec), .inputs = {}});
  }
  const TaskId first_new = submit.tasks.front().task_id;  // ids only grow
  const auto submitted = co_await ask(services, call.outbox, std::move(submit));
  if (!submitted) co_return refuse(call, submitted.error());
  const auto& tasks = submitted->tasks;
  std::unordered_set<TaskId> made;  // two of a batch with one unique_key are one task
  for (const queue::TaskPtr& task : tasks)
    if (task->task_id >= first_new) made.insert(task->task_id);
  std::string body = "{\"tasks\":[";
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (i > 0) body += ',';
    wire::encode_task(*tasks[i], body);
  }
  body += "]}";
  auto response = private_json(std::move(body), made.empty() ? 200 : 201);
  if (made.empty()) response.headers.add("Idempotent-Replayed", "true");
  call.api.metrics.count_submitted(made.size());
  co_return response;
}

}  // namespace tandem::api
