#include "queue/peer_submissions.h"

#include <utility>

#include "wire/task_json.h"

namespace tandem::queue {
namespace {

constexpr int kSubmissionsAtOnce = 200;

bool is_of_store(const Error& error) { return row_of(error.code).http_status >= 500; }

std::string reason(const Error& error) {
  return error.field.empty() ? error.detail : error.field + " " + error.detail;
}

std::string reason(const wire::Rejection& rejection) {
  std::string all;
  for (const wire::FieldError& fault : rejection.fields) {
    if (!all.empty()) all += "; ";
    all += fault.field + " " + fault.message;
  }
  return all.empty() ? rejection.error.detail : all;
}

Result<TaskSpec> spec_of(const store::Submission& submission, const SpecCheck& check) {
  if (!submission.has_client) return fail(Errc::validation_failed, "Its client was removed");
  if (submission.is_known) return fail(Errc::conflict, "There is a task with this id");
  auto spec = wire::decode_submit(submission.body);
  if (!spec) return fail(Errc::validation_failed, reason(spec.error()));
  if (check)
    if (auto fits = check(*spec); !fits) return fits.error();
  return std::move(*spec);
}

Result<void> submit_one(const store::Submission& submission, TaskSpec spec,
                        const std::function<Result<Submitted>(Submit&)>& submit) {
  Submit command;
  command.client_id = submission.client_id;
  command.tasks.push_back({.task_id = submission.task_id, .spec = std::move(spec), .inputs = {}});
  const auto submitted = submit(command);
  if (!submitted) return submitted.error();
  if (!submitted->replayed) return {};
  return fail(Errc::conflict, "Its unique_key is that of task " +
                                  to_string(submitted->tasks.front()->task_id) +
                                  ", which is not finished");
}

}  // namespace

Result<bool> submit_all(store::PeerStore& store, const SpecCheck& check,
                        const std::function<Result<Submitted>(Submit&)>& submit) {
  const auto submissions = store.take_submissions(kSubmissionsAtOnce);
  if (!submissions) return submissions.error();
  for (const store::Submission& submission : *submissions) {
    auto spec = spec_of(submission, check);
    const auto made = spec ? submit_one(submission, std::move(*spec), submit) : spec.error();
    if (made) continue;
    if (is_of_store(made.error())) return made.error();
    if (auto kept = store.refuse_submission(submission, reason(made.error())); !kept)
      return kept.error();
  }
  return submissions->size() == kSubmissionsAtOnce;
}

}  // namespace tandem::queue
