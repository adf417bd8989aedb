#include <algorithm>
#include <memory>
#include <utility>

#include "upstream/ask.h"
#include "upstream/upstream.h"
#include "wire/raw_json.h"

// How a service is asked for jobs, and how each becomes a task.
namespace tandem::upstream {
namespace {

constexpr std::int64_t kCallMs = 20'000;
constexpr std::int64_t kRoomMs = 500;  // between looks whether a worker has come
constexpr std::int64_t kLongMs = 3'600'000;
constexpr std::size_t kMaxAsked = 100;

bool is_blank(std::string_view body) {
  return body.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// Of a job that is no good otherwise; empty where it has none.
std::string task_id_in(std::string_view body) {
  const auto member = wire::raw_member(body, "task_id");
  if (!member) return {};
  if (const auto number = wire::raw_integer(*member)) return std::to_string(*number);
  return wire::raw_string(*member).value_or("");
}

}  // namespace

io::Awaitable<void> Upstream::poll() {
  service::BackOff pause(parts_.random);
  while (!is_closing_) {
    const std::size_t most = co_await room();
    if (most == 0) {
      co_await polls_.wait(is_draining_ ? kLongMs : kRoomMs);
      continue;
    }
    is_polling_ = true;
    const auto found = co_await poll_once(most);
    is_polling_ = false;
    end_.wake();
    if (!found) {
      complaints_.failed("Asking the service for jobs", found.error());
      co_await io::sleep_for(pause.next_ms(client_.asked_pause_ms(service::Lane::polls)));
      continue;
    }
    complaints_.works("Asking the service for jobs");
    pause.reset();
    if (*found) continue;
    room_ = 0;
    co_await io::sleep_for(service::spread(parts_.random, terms_->config.interval_ms));
  }
}

// How many more jobs may be here: what waits for a worker has a slot of its own already.
io::Awaitable<std::size_t> Upstream::room() {
  if (is_draining_ || book_.size() >= settings_.max_jobs) co_return 0;
  if (room_ == 0) {
    const auto free = co_await site_.free_slots(parts_.outbox);
    if (!free) complaints_.failed("Looking at the workers", free.error());
    if (!free) co_return 0;
    complaints_.works("Looking at the workers");
    const auto slots = static_cast<std::size_t>(*free);
    room_ = slots > book_.waiting() ? slots - book_.waiting() : 0;
  }
  co_return std::min(room_, settings_.max_jobs - book_.size());
}

io::Awaitable<Result<bool>> Upstream::poll_once(std::size_t room) {
  net::HttpCall call;
  call.url = terms_->config.polling_url;
  if (terms_->is_tandem())
    call.url = service::with_query(call.url, "max=" + std::to_string(std::min(room, kMaxAsked)));
  call.headers = terms_->headers();
  call.timeout_ms = kCallMs;
  auto body = co_await client_.call(service::Lane::polls, std::move(call));
  if (!body) {
    look_at_refusal(body.error());
    co_return body.error();
  }
  if (is_blank(*body)) co_return false;
  if (auto checked = wire::check_json(*body); !checked)
    co_return fail(Errc::bad_json, "The answer is no JSON");
  if (auto config = service::read_config(*body, settings_.poll_interval_ms)) {
    const auto adopted = co_await adopt(std::move(*config));
    if (!adopted) complaints_.failed("Reading the service's configuration", adopted.error());
  }
  co_return co_await take_jobs(*body);
}

// Whether there was a new one among them.
io::Awaitable<Result<bool>> Upstream::take_jobs(const std::string& body) {
  const auto texts = wire::job_texts(body);
  if (!texts) co_return texts.error();
  bool has_new = false;
  std::optional<Error> fault;
  for (const std::string_view text : *texts) {
    auto job = wire::decode_job(text);
    if (!job) {
      fault = job.error();
      const std::string task_id = task_id_in(text);
      const bool is_new = !task_id.empty() && !book_.has({task_id, 0});
      if (is_new && !terms_->is_tandem()) reject({task_id, 0}, fault->detail);
      continue;
    }
    const ForeignJob name{job->task_id, job->attempt};
    if (book_.has(name)) continue;
    has_new = true;
    if (room_ > 0) --room_;
    co_await take(std::move(*job));
  }
  if (fault) co_return *fault;
  co_return has_new;
}

// A job that can't be run is failed, so that it does not come again and again.
void Upstream::reject(const ForeignJob& job, const std::string& why) {
  complaints_.warn("The service's job " + service::one_line(job.task_id) +
                   " is refused: " + service::one_line(why));
  book_.end(job, wire::UpdateStatus::failed, TaskError{"rejected", why});
  reports_.wake();
}

io::Awaitable<void> Upstream::take(wire::Job job) {
  const ForeignJob name{job.task_id, job.attempt};
  const Origin origin{service_, settings_.queue};
  auto spec = spec_of(job, origin);
  if (!spec) co_return reject(name, spec.error().detail);
  if (!terms_->is_tandem()) co_return co_await keep(name, std::move(*spec));
  if (is_draining_) co_return;  // it is another's, as nobody accepts it here
  const std::int64_t give_up_ms = book_.rules().give_up_ms;
  if (give_up_ms > 0) spec->queue_timeout_ms = give_up_ms;  // kept also while this server is down
  offers_[name] = std::move(*spec);
  book_.offer(name);
  reports_.wake();
}

io::Awaitable<void> Upstream::keep(ForeignJob job, TaskSpec spec) {
  const auto submitted = co_await submit(job, spec);
  if (!submitted) co_return reject(job, submitted.error().detail);
  if (submitted->tasks.empty()) {  // given out before, and deleted since
    book_.end(job, wire::UpdateStatus::cancelled, TaskError{"cancelled", "The task was deleted"});
    reports_.wake();
    co_return;
  }
  if (watches_.contains(job)) co_return;  // it came with another answer as well
  const Task& task = *submitted->tasks.front();
  if (submitted->replayed && task.spec.payload != spec.payload)
    complaints_.warn("The service gives out the job " + service::one_line(job.task_id) +
                     " again with another payload; it counts as the same job");
  book_.add(job, task);
  reports_.wake();
  co_await watch(job, task.task_id);
}

// The service may never give it out again: it is held until the store takes it.
io::Awaitable<Result<queue::Submitted>> Upstream::submit(const ForeignJob& job,
                                                         const TaskSpec& spec) {
  service::BackOff pause(parts_.random);
  const std::string key = idempotency_key_of(job, service_);
  for (;;) {
    queue::Submit command{.client_id = settings_.client_id,
                          .tasks = {},
                          .idempotency_key = key,
                          .body_sha256 = key.substr(kReportScheme.size()),
                          .done = {}};
    queue::NewTask task{.task_id = parts_.ids.make<TaskId>(), .spec = spec, .inputs = {}};
    command.tasks.push_back(std::move(task));
    auto answer = co_await ask(parts_.site.dispatcher, parts_.outbox, std::move(command));
    if (answer) complaints_.works("Taking a job of the service");
    if (answer || !row_of(answer.error().code).retryable) co_return answer;
    complaints_.failed("Taking a job of the service", answer.error());
    co_await io::sleep_for(pause.next_ms());
  }
}

io::Awaitable<void> Upstream::watch(ForeignJob job, TaskId task_id) {
  const std::uint64_t watch_id = std::hash<Uuid>()(parts_.ids.next());
  watches_[job] = {.task_id = task_id, .watch_id = watch_id};
  const auto see = [this, job](const queue::TaskPtr& task) {
    const bool is_deleted = task == nullptr;
    if (is_deleted)
      book_.end(job, wire::UpdateStatus::cancelled, TaskError{"cancelled", "The task was deleted"});
    else
      book_.saw(job, *task);
    reports_.wake();
    if (is_deleted || is_terminal(task->status)) polls_.wake();  // a slot is free
  };
  // The answer below is handed on a turn of the loop later than news: it may be the older of both.
  auto is_newer = std::make_shared<bool>(false);
  const auto change = [see, is_newer](const queue::TaskPtr& task) {
    *is_newer = true;
    see(task);
  };
  queue::Watch command{.actor = {.client_id = settings_.client_id, .admin = true},
                       .task_id = task_id,
                       .watch_id = watch_id,
                       .changed = change,
                       .done = {}};
  service::BackOff pause(parts_.random);
  for (;;) {
    queue::Watch again = command;
    const auto image = co_await ask(parts_.site.dispatcher, parts_.outbox, std::move(again));
    if (image && *is_newer) co_return;
    if (image) co_return see(*image);
    if (image.error().code == Errc::not_found) co_return see(nullptr);
    co_await io::sleep_for(pause.next_ms());
  }
}

}  // namespace tandem::upstream
