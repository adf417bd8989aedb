#include <algorithm>

#include "api/answers.h"
#include "api/ask.h"
#include "api/incoming_files.h"
#include "api/resources.h"
#include "api/spec_check.h"
#include "api/submission.h"
#include "auth/secret.h"
#include "io/offload.h"
#include "wire/task_json.h"

namespace tandem::api {
namespace {

// What the same submission sends again: the task's text, and each file's name and content.
std::string digest_of(const IncomingFiles& form) {
  std::string text = form.task_json();
  for (const FileInfo& file : form.files()) text += '\0' + file.name + '\0' + file.sha256;
  return auth::sha256_hex(text);
}

// Whether the files of a submission that failed may go: not while its outcome is open.
io::Awaitable<bool> is_certainly_absent(const Services& services, TaskId id, const Error& error) {
  if (row_of(error.code).http_status < 500) co_return true;
  auto read = [&services, id] { return services.reader.find(id); };
  const auto found = co_await io::offload(services.reading, read);
  co_return found && !*found;
}

}  // namespace

Answer submit_with_files(Call& call) {
  const Services& services = call.services();
  const TaskId id = services.ids.make<TaskId>();
  auto key = idempotency_key(call.request);
  if (!key) co_return refuse(call, key.error());
  IncomingFiles form(services, id);
  const auto received = co_await form.receive(call.request);
  if (!received) {
    co_await form.discard();
    co_return refuse(call, received.error());
  }
  auto spec = wire::decode_submit(form.task_json());
  if (!spec) {
    co_await form.discard();
    co_return refuse(call, spec.error());
  }
  auto fits = settle_assignment(call, *spec);
  if (fits) fits = check_spec(call.services().settings, call.api.outgoing, *spec);
  if (!fits) {
    co_await form.discard();
    co_return refuse(call, fits.error());
  }
  queue::Submit submit{.client_id = call.caller.actor.client_id,
                       .tasks = {},
                       .idempotency_key = std::move(*key),
                       .body_sha256 = digest_of(form),
                       .done = {}};
  submit.tasks.push_back({.task_id = id, .spec = std::move(*spec), .inputs = form.files()});
  const auto submitted = co_await ask(services, call.outbox, std::move(submit));
  if (!submitted) {
    if (co_await is_certainly_absent(services, id, submitted.error())) co_await form.discard();
    co_return refuse(call, submitted.error());
  }
  const bool is_new = !submitted->tasks.empty() && submitted->tasks.front()->task_id == id;
  if (!is_new) co_await form.discard();
  co_return submitted_answer(call, *submitted);
}

}  // namespace tandem::api
