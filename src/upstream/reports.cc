#include <algorithm>
#include <utility>

#include "service/receipts.h"
#include "upstream/ask.h"
#include "upstream/upstream.h"

// What a service is told of its jobs, and what its answers mean.
namespace tandem::upstream {
namespace {

constexpr service::BackOffBounds kPauses{.first_ms = 100, .longest_ms = 30'000};
constexpr std::int64_t kAgainMs = 3'600'000;
// A report that the service understands and refuses is tried so often: it may be that the service
// has just moved, or is being replaced.
constexpr int kMaxRefusals = 6, kMaxEndRefusals = 12;
constexpr std::int64_t kFirstRefusalMs = 200, kLongestRefusalMs = 60'000;

std::int64_t refusal_pause_ms(int refusals) {
  return std::min(kFirstRefusalMs << std::min(refusals, 20), kLongestRefusalMs);
}

Result<wire::UpdateAnswer> news_in(const std::string& body, const ReportBook::Due& due,
                                   const service::Terms& terms) {
  const wire::AttemptRef told{due.update.task_id, due.update.attempt};
  auto answers = service::answers_to(terms, {&told, 1}, body);
  if (!answers.front()) return service::no_receipt();
  return std::move(*answers.front());
}

}  // namespace

io::Awaitable<void> Upstream::tell() {
  service::BackOff pause(parts_.random, kPauses);
  while (!is_closing_) {
    const auto due = book_.take(now());
    if (!due) {
      const std::int64_t wait_ms = book_.next_due() == kNever
                                       ? kAgainMs
                                       : std::max<std::int64_t>(book_.next_due() - now(), 1);
      co_await reports_.wait(wait_ms);
      continue;
    }
    const bool is_heard = co_await post(*due);
    if (is_heard)
      pause.reset();
    else
      co_await io::sleep_for(pause.next_ms(client_.asked_pause_ms(service::Lane::calls)));
  }
}

// false: the service is not to be spoken to now.
io::Awaitable<bool> Upstream::post(const ReportBook::Due& due) {
  const service::TermsPtr terms = terms_;
  std::string body;
  wire::encode_update(due.update, body, terms->statuses.name_of(due.update.status));
  auto call = service::json_call(*terms, terms->update_url(), std::move(body));
  const auto answer = co_await client_.call(service::Lane::calls, std::move(call));
  if (!answer) {
    look_at_refusal(answer.error());
    if (!service::may_be_repeated(answer.error())) co_return co_await refused(due, answer.error());
    complaints_.failed("Reporting to the service", answer.error());
    book_.put_off(due, now());
    co_return false;
  }
  const auto news = news_in(*answer, due, *terms);
  if (!news) {
    complaints_.failed("Reporting to the service", news.error());
    book_.put_off(due, now());
    co_return false;
  }
  complaints_.works("Reporting to the service");
  book_.told(due, now());
  if (auto taken = offers_.extract(due.job)) {
    if (is_draining_)
      book_.end(due.job, wire::UpdateStatus::released, std::nullopt);
    else
      tasks_.spawn("job", keep(due.job, std::move(taken.mapped())));
  }
  if (due.is_final) co_await settle(due.job);
  if (!due.is_final && news->cancel_requested)
    co_await cancel(due.job, "The service has asked for it");
  co_return true;
}

io::Awaitable<bool> Upstream::refused(const ReportBook::Due& due, const Error& error) {
  const int refusals = book_.refused(due.job);
  const bool is_over = error.code == Errc::stale_attempt || error.code == Errc::already_finished;
  if (!is_over && refusals < (due.is_final ? kMaxEndRefusals : kMaxRefusals)) {
    complaints_.failed("A report to the service", error);
    book_.put_off(due, now() + refusal_pause_ms(refusals));
    co_return true;
  }
  complaints_.warn("The service refuses the report \"" +
                   std::string(wire::to_string(due.update.status)) + "\" of its job " +
                   service::one_line(due.job.task_id) +
                   ", which is given up: " + service::one_line(error.detail));
  book_.skipped(due, now());
  if (offers_.erase(due.job) > 0) {
    book_.forget(due.job);
  } else if (due.is_final) {
    co_await settle(due.job);
  } else if (error.code == Errc::not_found || (is_over && terms_->is_tandem())) {
    co_await cancel(due.job, "The service does not know it any more");
  }
  co_return true;
}

// Until it is written down that the end is owed no more, the job is kept: else it would be found
// again, and told.
io::Awaitable<void> Upstream::settle(const ForeignJob& job) {
  const auto ended = book_.ended(job);
  if (!ended) co_return;  // it runs again
  service::BackOff pause(parts_.random);
  while (ended->finished_at) {
    queue::CallbackTried settled{.made = {ended->task_id, *ended->finished_at, std::nullopt},
                                 .done = {}};
    const auto written = co_await ask(parts_.site.dispatcher, parts_.outbox, std::move(settled));
    if (written) break;
    co_await io::sleep_for(pause.next_ms());
  }
  if (const auto watched = watches_.find(job); watched != watches_.end()) {
    queue::Unwatch unwatch{.task_id = watched->second.task_id,
                           .watch_id = watched->second.watch_id};
    parts_.site.dispatcher.post({.outbox = &parts_.outbox, .what = std::move(unwatch)});
    watches_.erase(watched);
  }
  book_.forget(job);
  polls_.wake();
  end_.wake();
}

io::Awaitable<void> Upstream::give_up_unheard() {
  constexpr std::int64_t kPauseMs = 200;
  while (!is_closing_) {
    for (const ForeignJob& job : book_.take_unheard(now()))
      co_await cancel(job, "The service was not heard of until its lease was nearly over");
    co_await io::sleep_for(kPauseMs);
  }
}

io::Awaitable<void> Upstream::cancel(const ForeignJob& job, const std::string& why) {
  const auto watched = watches_.find(job);
  if (watched == watches_.end() || std::exchange(watched->second.is_cancelled, true)) co_return;
  complaints_.note("The service's job " + service::one_line(job.task_id) + " is cancelled: " + why);
  queue::Cancel command{.actor = {.client_id = settings_.client_id, .admin = true},
                        .task_id = watched->second.task_id,
                        .done = {}};
  const auto cancelled = co_await ask(parts_.site.dispatcher, parts_.outbox, std::move(command));
  if (!cancelled && cancelled.error().code != Errc::already_finished)
    complaints_.failed("Cancelling a job of the service", cancelled.error());
}

}  // namespace tandem::upstream
