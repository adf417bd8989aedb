#include "worker/remote/remote_link.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "worker/remote/remote_state.h"

namespace tandem::worker::remote {
namespace {

constexpr std::int64_t kLastWordsMs = 3000;  // where nothing is lost by silence, or in a hurry
constexpr std::size_t kMaxSpoolBytes = 32u << 20;  // of records; then the jobs' output waits

TaskPtr task_of(const wire::Job& job, const AttemptKey& key, WallTime now) {
  auto task = std::make_shared<Task>();
  task->task_id = key.task_id;
  task->attempt = key.attempt;
  task->status = TaskStatus::running;
  task->spec.payload = job.payload;
  task->spec.job_type = job.job_type;
  task->spec.timeout_ms = job.timeout_ms;
  task->spec.interactive = job.interactive;
  task->spec.input_timeout_ms = job.input_timeout_ms;
  task->spec.env = job.env;
  task->inputs = job.inputs;
  task->created_at = task->updated_at = now;
  return task;
}

}  // namespace

RemoteLink::RemoteLink(RemoteParts parts, RemoteSettings settings)
    : parts_(std::move(parts)),
      settings_(std::move(settings)),
      client_(parts_.executor, settings_.ca_file),
      book_(parts_.ids),
      files_(
          book_, [this] { return shared_terms(); }, settings_.ca_file),
      choice_(parts_.random),
      plan_(parts_.random),
      complaints_(parts_.clock, parts_.say),
      state_(std::make_unique<State>(parts_.executor)),
      tasks_(parts_.executor) {}

RemoteLink::~RemoteLink() = default;

service::TermsPtr RemoteLink::shared_terms() const {
  const std::lock_guard lock(terms_mutex_);
  return terms_;
}

void RemoteLink::open(OnOrder on_order) {
  on_order_ = std::move(on_order);
  tasks_.spawn("service", begin());
}

void RemoteLink::ready(int slots) { credits_ += slots; }

void RemoteLink::flush() {
  accept_waiting();
  say_ready();
  wake_all();
}

void RemoteLink::wake_all() {
  for (service::Wakeup* wakeup : {&state_->polls, &state_->news, &state_->socket, &state_->reports,
                                  &state_->leases, &state_->end})
    wakeup->wake();
}

void RemoteLink::withdraw(std::function<void()> done) {
  credits_ = 0;
  state_->draining = true;
  plan_.drain();
  release_waiting();
  if (state_->peer) send(wire::encode_bye_frame());
  state_->withdrawn = std::move(done);
  // What a service of ours offers in a lost answer comes back to it; others have no second chance.
  if (terms_ && terms_->is_tandem()) client_.cut_polls();
  end_poll();
}

void RemoteLink::report(Report report, OnAnswer answer) {
  auto shared = std::make_shared<OnAnswer>(std::move(answer));
  const auto told = [shared](const Result<ReportAnswer>& with) { (*shared)(with); };
  if (spool_.add_report(std::move(report), told)) return;
  io::asio::post(parts_.executor, [shared] { (*shared)(fail(Errc::stale_attempt)); });
}

// A service that takes no logs is given none: they end here.
void RemoteLink::append(logs::LogAppend append, Done done) {
  const AttemptKey key{append.task_id, append.attempt};
  Result<logs::LogTail> answer = fail(Errc::stale_attempt);
  if (terms_ && !terms_->is_tandem() && spool_.has(key)) {
    logs::LogTail& tail = state_->dropped_logs[key];
    for (const logs::LogRecord& record : append.records) {
      tail.last_seq = record.seq;
      ++tail.records;
      tail.bytes += record.data.size();
    }
    answer = tail;
  } else if (spool_.add_logs(std::move(append), done)) {
    return state_->reports.wake();
  }
  io::asio::post(parts_.executor,
                 [done = std::move(done), answer = std::move(answer)] { done(answer); });
}

bool RemoteLink::is_congested() const { return spool_.log_bytes() >= kMaxSpoolBytes; }

void RemoteLink::close() {
  state_->closed = true;
  release_waiting();
  flush();
}

void RemoteLink::hurry() {
  state_->is_hurried = true;
  state_->end.wake();
  files_.stop();
}

// An end that is not told by the end of its lease is another's to tell.
std::int64_t RemoteLink::last_words_ms() const {
  const bool has_leases = terms_ && terms_->is_tandem() && !state_->is_hurried;
  return has_leases ? std::max(kLastWordsMs, terms_->config.lease_ms) : kLastWordsMs;
}

io::Awaitable<void> RemoteLink::finish() {
  const MonoTime began = now();
  while (!spool_.is_empty() && !state_->is_refused) {
    const std::int64_t left_ms = began + last_words_ms() - now();
    if (left_ms <= 0) break;
    co_await state_->end.wait(left_ms);
  }
  state_->closing = true;
  if (state_->peer) state_->peer->close(net::ws_code::kNormal, "the worker stops");
  client_.cut();
  files_.stop();
  tasks_.cancel();
  co_await tasks_.join();
}

std::optional<AttemptKey> RemoteLink::key_of(const std::string& task_id,
                                             std::uint32_t attempt) const {
  if (attempt == 0) return book_.latest(task_id);
  return book_.find({task_id, attempt});
}

// A known one is an offer given again, or an echo of one that we have accepted.
void RemoteLink::offer(const wire::Job& job, MonoTime asked_at) {
  const ServiceName name{job.task_id, job.attempt};
  if (book_.find(name)) return;
  if (job.attempt == 0) {
    const auto ended = state_->told_ends.find(job.task_id);
    if (ended != state_->told_ends.end() && asked_at <= ended->second) return;
  }
  const AttemptKey key = book_.add(name);
  offered_[key] = task_of(job, key, parts_.clock.wall());
  waiting_.push_back(key);
  if (state_->draining) return release_waiting();
  accept_waiting();
}

// A service of ours must have heard that it runs before it may: the offer may be another's by now.
// One that numbers no attempts is told of it while it runs.
void RemoteLink::accept_waiting() {
  while (credits_ > 0 && !waiting_.empty()) {
    const AttemptKey key = waiting_.front();
    waiting_.pop_front();
    --credits_;
    spool_.open(key, ReportSpool::FirstWord::running);
    if (terms_ && !terms_->is_tandem()) give(key, std::nullopt);
    state_->reports.wake();
  }
}

// Those too whose acceptance was not heard yet: nobody would run them.
void RemoteLink::release_waiting() {
  waiting_.clear();
  for (const auto& [key, task] : std::exchange(offered_, {})) {
    if (!spool_.has(key)) spool_.open(key, ReportSpool::FirstWord::any);
    Report given_back{.task_id = key.task_id, .attempt = key.attempt};
    given_back.kind = ReportKind::released;
    [[maybe_unused]] const bool is_open = spool_.add_report(std::move(given_back), {});
    state_->reports.wake();
  }
}

void RemoteLink::give(const AttemptKey& key, std::optional<MonoTime> lease_until) {
  const auto found = offered_.find(key);
  if (found == offered_.end()) return;
  const auto name = book_.name_of(key);
  AssignOrder assign{.task = std::move(found->second), .lease_until = lease_until};
  if (name && name->task_id != to_string(key.task_id)) assign.known_as = name->task_id;
  offered_.erase(found);
  order(assign);
}

void RemoteLink::order(const Order& order) {
  if (!state_->closed && on_order_) on_order_(order);
}

// It is another's now, or over.
void RemoteLink::lose(const AttemptKey& key) {
  if (offered_.erase(key) > 0) {
    const auto waits = std::find(waiting_.begin(), waiting_.end(), key);
    if (waits != waiting_.end())
      waiting_.erase(waits);
    else if (!state_->draining)
      ++credits_;
  } else {
    order(LostOrder{key.task_id, key.attempt});
  }
  forget(key);
  accept_waiting();
  say_ready();  // the slot of an offer comes back here, and not from the worker
  wake_all();
}

void RemoteLink::forget(const AttemptKey& key) {
  const auto name = book_.name_of(key);
  if (name && name->attempt == 0) {
    constexpr std::size_t kMostEnds = 1000;
    if (state_->told_ends.size() >= kMostEnds) state_->told_ends.clear();
    state_->told_ends[name->task_id] = now();
  }
  spool_.close(key);
  leases_.ended(key);
  book_.remove(key);
  state_->dropped_logs.erase(key);
  talk_.forget(key);
  state_->input_seqs.erase(key);
  state_->end.wake();
}

// An attempt whose end waits to be told has no process any more: its server says whether it counts.
io::Awaitable<void> RemoteLink::keep_leases() {
  while (!state_->closing) {
    for (const AttemptKey& key : leases_.take_expired(now())) {
      if (spool_.has_final(key)) continue;
      complaints_.warn(
          "A task is stopped: the service was not heard of until its lease was over (" +
          service::one_line(book_.name_of(key).value_or(ServiceName{}).task_id) + ")");
      lose(key);
    }
    renew_leases();
    if (state_->peer && talk_.is_dead(now()))
      state_->peer->close(net::ws_code::kPolicy, "no answer");
    co_await state_->leases.wait(std::max<std::int64_t>(next_leases_ms(), 1));
  }
}

// Over a socket by one heartbeat, which also tells that we are there; what it does not renew is
// said by updates, as over polls.
void RemoteLink::renew_leases() {
  std::vector<AttemptKey> due = leases_.take_due(now());
  const std::vector<AttemptKey> overdue = talk_.take_overdue(now());
  due.insert(due.end(), overdue.begin(), overdue.end());
  switch (talk_.next_beat(!due.empty(), now())) {
    case SocketTalk::Beat::leases: return beat();
    case SocketTalk::Beat::alive: send(wire::encode_heartbeat_frame({})); break;
    case SocketTalk::Beat::none: break;
  }
  for (const AttemptKey& key : due) spool_.renew(key);
  if (!due.empty()) state_->reports.wake();
}

std::int64_t RemoteLink::next_leases_ms() const {
  return std::min({now() + kLongMs, leases_.next_event(), talk_.next_event()}) - now();
}

}  // namespace tandem::worker::remote
