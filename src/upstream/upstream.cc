#include "upstream/upstream.h"

#include <algorithm>
#include <set>
#include <utility>

#include "service/discovery.h"
#include "service/lease_margin.h"
#include "upstream/ask.h"

// What is known of the service, and of the jobs that were taken before.
namespace tandem::upstream {
namespace {

constexpr std::int64_t kSweepMs = 60'000;
constexpr std::int64_t kLastWordsMs = 3000;

// Unheard for longer, a job may go on only until it has been stopped: by then it is another's.
std::int64_t give_up_ms(std::int64_t lease_ms, std::int64_t grace_ms) {
  return std::max(service::without_margin(lease_ms) - grace_ms, lease_ms / 2);
}

constexpr int kPage = 500, kMaxOwed = 20'000;

}  // namespace

Upstream::Upstream(UpstreamParts parts, UpstreamSettings settings)
    : parts_(std::move(parts)),
      settings_(std::move(settings)),
      service_(service_name(settings_.config_url)),
      client_(parts_.executor, settings_.ca_file),
      complaints_(parts_.site.clock, parts_.say),
      site_(parts_.site),
      polls_(parts_.executor),
      reports_(parts_.executor),
      refresh_(parts_.executor),
      end_(parts_.executor),
      tasks_(parts_.executor) {}

Upstream::~Upstream() = default;

void Upstream::start() { tasks_.spawn("upstream", begin()); }

void Upstream::drain() {
  is_draining_ = true;
  polls_.wake();
}

// A worker may hear that its last end is written before this loop hears of that end: news of all
// earlier turns is here once the dispatcher has answered.
io::Awaitable<void> Upstream::catch_up() {
  queue::InspectWorkers nobody;
  const auto answered = co_await ask(parts_.site.dispatcher, parts_.outbox, std::move(nobody));
  if (!answered) complaints_.failed("Hearing of the last ends", answered.error());
}

io::Awaitable<void> Upstream::finish() {
  is_draining_ = true;
  for (const ForeignJob& job : book_.take_waiting()) co_await cancel(job, "This server stops");
  co_await catch_up();
  const MonoTime until = now() + kLastWordsMs;
  while (terms_ && (is_polling_ || book_.owes_ends()) && now() < until)
    co_await end_.wait(until - now());
  is_closing_ = true;
  client_.cut();
  tasks_.cancel();
  co_await tasks_.join();
}

io::Awaitable<void> Upstream::begin() {
  service::BackOff pause(parts_.random);
  while (!is_closing_) {
    const auto recovered = co_await recover();
    if (recovered) break;
    complaints_.failed("Reading the jobs of the service " + service_, recovered.error());
    co_await io::sleep_for(pause.next_ms());
  }
  pause.reset();
  while (!is_closing_) {
    const auto fetched = co_await fetch_config();
    if (fetched) break;
    complaints_.failed("Reading the configuration of the service " + service_, fetched.error());
    co_await io::sleep_for(pause.next_ms(client_.asked_pause_ms(service::Lane::calls)));
  }
  complaints_.works("Reading the configuration of the service " + service_);
  tasks_.spawn("polls", poll());
  tasks_.spawn("reports", tell());
  tasks_.spawn("configuration", refresh());
  tasks_.spawn("leases", give_up_unheard());
  tasks_.spawn("owed", sweep());
}

std::optional<ForeignJob> Upstream::job_of(const Task& task) const {
  const auto label = task.spec.labels.find(kServiceLabel);
  if (label == task.spec.labels.end() || label->second != service_) return std::nullopt;
  return job_of_report_url(task.spec.callback_url);
}

io::Awaitable<Result<void>> Upstream::recover() {
  auto unfinished = co_await recover_unfinished();
  if (!unfinished) co_return unfinished;
  co_return co_await recover_owed();
}

io::Awaitable<Result<void>> Upstream::recover_unfinished() {
  store::TaskFilter filter;
  filter.statuses = {TaskStatus::scheduled, TaskStatus::pending, TaskStatus::assigned,
                     TaskStatus::running, TaskStatus::waiting_for_input};
  filter.labels = {{kServiceLabel, service_}};
  filter.limit = kPage;
  for (;;) {
    auto read = [this, &filter] { return parts_.site.reader.list(filter); };
    auto page = co_await io::offload(parts_.site.reading, read);
    if (!page) co_return page.error();
    for (const Task& task : *page) {
      filter.before = task.task_id;
      const auto job = job_of(task);
      if (!job || book_.has(*job)) continue;
      book_.add(*job, task);
      co_await watch(*job, task.task_id);
    }
    if (page->size() < static_cast<std::size_t>(kPage)) co_return Result<void>();
  }
}

// What has ended and was not taken by the service: from before, or since a client had a task of
// the service's run again. One that is known now may be settled while the list is read.
io::Awaitable<Result<void>> Upstream::recover_owed() {
  std::set<ForeignJob> known = book_.jobs();
  auto read = [this] { return parts_.site.reader.list_callbacks(kReportScheme, kMaxOwed); };
  auto owed = co_await io::offload(parts_.site.reading, read);
  if (!owed) co_return owed.error();
  std::size_t of_others = 0;
  for (const store::Callback& callback : *owed) {
    const auto named = job_of_report_url(callback.url);
    if (!named || known.contains(*named)) continue;
    auto find = [this, &callback] { return parts_.site.reader.find(callback.task_id); };
    auto task = co_await io::offload(parts_.site.reading, find);
    if (!task) co_return task.error();
    if (!*task || (*task)->finished_at != callback.ended_at) continue;
    const auto job = job_of(**task);
    if (job)
      book_.add(*job, **task);
    else
      ++of_others;
  }
  if (of_others > 0)
    complaints_.failed("Reporting to another service than " + service_,
                       fail(Errc::not_found, "The ends of " + std::to_string(of_others) +
                                                 " of its tasks wait for its address"));
  reports_.wake();
  co_return Result<void>();
}

io::Awaitable<void> Upstream::sweep() {
  while (!is_closing_) {
    co_await io::sleep_for(kSweepMs);
    const auto recovered = co_await recover_owed();
    if (!recovered) complaints_.failed("Reading what is owed to the service", recovered.error());
  }
}

io::Awaitable<Result<void>> Upstream::fetch_config() {
  auto call = service::config_call(settings_.config_url, settings_.token, terms_.get());
  auto body = co_await client_.call(service::Lane::calls, std::move(call));
  if (!body) co_return body.error();
  auto config = service::read_config(*body, settings_.poll_interval_ms);
  if (!config) co_return config.error();
  auto adopted = co_await adopt(std::move(*config));
  if (!adopted) co_return adopted;
  const auto jobs = co_await take_jobs(*body);
  if (!jobs) complaints_.failed("A job of the service", jobs.error());
  co_return adopted;
}

io::Awaitable<Result<void>> Upstream::adopt(wire::PollingConfig config) {
  Result<void> done;
  if (terms_ && service::is_same(terms_->config, config)) co_return done;
  auto made = co_await service::make_terms(client_, std::move(config), settings_.token);
  if (!made) co_return made.error();
  if (terms_) complaints_.note("The service's configuration has changed");
  terms_ = std::move(*made);
  const std::int64_t renew_ms = std::min(terms_->config.heartbeat_ms, terms_->config.lease_ms / 3);
  LeaseRules rules;
  if (terms_->is_tandem())
    rules = {.accept_at_once = true,
             .renew_every_ms = renew_ms,
             .give_up_ms = give_up_ms(terms_->config.lease_ms, settings_.grace_ms)};
  book_.set_rules(rules);
  reports_.wake();
  co_return done;
}

io::Awaitable<void> Upstream::refresh() {
  service::BackOff pause(parts_.random);
  while (!is_closing_) {
    if (!std::exchange(must_refresh_, false)) co_await refresh_.wait(service::refresh_ms(*terms_));
    must_refresh_ = false;
    const auto fetched = co_await fetch_config();
    if (fetched) {
      complaints_.works("Reading the configuration of the service " + service_);
      pause.reset();
    } else {
      complaints_.failed("Reading the configuration of the service " + service_, fetched.error());
    }
    // Also where each call asks for it.
    co_await io::sleep_for(pause.next_ms(client_.asked_pause_ms(service::Lane::calls)));
  }
}

// The service may have moved, or changed how it wants the token.
void Upstream::look_at_refusal(const Error& error) {
  if (row_of(error.code).retryable) return;
  must_refresh_ = true;
  refresh_.wake();
}

}  // namespace tandem::upstream
