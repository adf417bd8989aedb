#include "api/spec_check.h"

namespace tandem::api {

Result<void> check_spec(const config::Settings& settings, const net::OutgoingGuard& outgoing,
                        const TaskSpec& spec) {
  const bool push_only = settings.assignment_mode == config::AssignmentMode::push;
  if (push_only && spec.assignment == Assignment::polling)
    return fail(Errc::validation_failed, "The server runs in push mode: nobody polls for tasks",
                "assignment");
  if (spec.callback_url.empty()) return {};
  const auto checked = outgoing.check(spec.callback_url);
  if (checked) return {};
  Error error = checked.error();
  error.field = "callback_url";
  return error;
}

}  // namespace tandem::api
