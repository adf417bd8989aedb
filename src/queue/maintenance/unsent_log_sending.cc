#include "queue/maintenance/unsent_log_sending.h"

#include <future>
#include <memory>
#include <utility>

namespace tandem::queue {

Result<bool> UnsentLogSending::run() {
  auto done = unsent_.hand_on([this](const logs::LogAppend& append) { return send(append); });
  if (!done) return done.error();
  return false;
}

// Where the store has lost what was before it, the very same is taken when it comes again. What is
// refused for good is dropped: a later attempt has written, or nobody else could take it either.
Result<void> UnsentLogSending::send(const logs::LogAppend& append) {
  auto sent = try_to_send(append);
  if (!sent && sent.error().code == Errc::range_not_satisfiable) sent = try_to_send(append);
  const bool may_work_later = !sent && (sent.error().code == Errc::store_unavailable ||
                                        sent.error().code == Errc::disk_full);
  return may_work_later ? sent : Result<void>();
}

Result<void> UnsentLogSending::try_to_send(logs::LogAppend append) {
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto answer = promise->get_future();
  logs_.append(std::move(append), door_.outbox(), [promise](const Result<logs::LogTail>& tail) {
    promise->set_value(tail ? Result<void>() : Result<void>(tail.error()));
  });
  return answer.get();  // the hub answers always: it outlives the maintenance
}

}  // namespace tandem::queue
