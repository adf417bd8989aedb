#include "callbacks/callback_sender.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "callbacks/delivery.h"

namespace tandem::callbacks {
namespace {

constexpr char kScheme[] = "http";  // or https; what is owed to others is not ours to send
constexpr int kWindow = 1000;       // of what is owed, read at a time
constexpr std::int64_t kMaxSleepMs = 60'000, kStorePauseMs = 1000;

std::chrono::milliseconds span_of(std::int64_t ms) { return std::chrono::milliseconds(ms); }

}  // namespace

std::string_view to_string(TryResult result) {
  constexpr std::array<std::string_view, 3> kNames = {"taken", "failed", "given_up"};
  return kNames.at(static_cast<std::size_t>(result));
}

void CallbackSender::Bell::ring() {
  {
    const std::lock_guard lock(mutex);
    rung = true;
  }
  wake.notify_all();
}

CallbackSender::CallbackSender(SenderParts parts, SenderLimits limits)
    : parts_(parts), limits_(limits), pool_("callbacks", limits.at_once, limits.at_once) {
  queue::WatchCallbacks watch{.owed = [bell = bell_] { bell->ring(); }};
  parts_.dispatcher.post({.outbox = &parts_.outbox, .what = std::move(watch)});
  thread_ = std::thread([this] { run(); });
}

CallbackSender::~CallbackSender() {
  stop_ = true;
  parts_.dispatcher.post({.outbox = &parts_.outbox, .what = queue::WatchCallbacks()});
  bell_->ring();
  thread_.join();
  pool_.stop();
  std::unique_lock lock(bell_->mutex);  // the dispatcher answers what was settled
  bell_->wake.wait(lock, [this] { return under_way_.empty(); });
}

void CallbackSender::run() {
  while (!stop_) {
    {
      const std::lock_guard lock(bell_->mutex);
      bell_->rung = false;
    }
    const std::int64_t wait_ms = look();
    std::unique_lock lock(bell_->mutex);
    if (std::exchange(in_trouble_, false))
      bell_->wake.wait_for(lock, span_of(kStorePauseMs), [this] { return stop_.load(); });
    else
      bell_->wake.wait_for(lock, span_of(wait_ms), [this] { return bell_->rung || stop_; });
  }
}

std::int64_t CallbackSender::look() {
  std::set<TaskId> before;  // the list may still have what is settled while it is read
  {
    const std::lock_guard lock(bell_->mutex);
    before = under_way_;
  }
  const auto owed = parts_.reader.list_callbacks(kScheme, kWindow);
  const WallTime now = parts_.clock.wall();
  const std::lock_guard lock(bell_->mutex);
  if (!owed) in_trouble_ = true;
  if (!owed && !std::exchange(was_in_trouble_, true))
    spdlog::warn("callbacks wait: what is owed can't be read: {}", owed.error().detail);
  if (!owed) return kStorePauseMs;
  was_in_trouble_ = false;
  for (const store::Callback& callback : *owed) {
    if (callback.due_at > now) return std::min(callback.due_at - now, kMaxSleepMs);
    if (under_way_.size() >= limits_.at_once) break;
    if (before.contains(callback.task_id) || under_way_.contains(callback.task_id)) continue;
    const std::string host = net::host_of_url(callback.url);
    if (hosts_[host] < limits_.of_one_host) start(callback, host);
  }
  return kMaxSleepMs;  // or until one that is under way has ended
}

// With the bell's mutex held.
void CallbackSender::start(const store::Callback& callback, const std::string& host) {
  if (!pool_.submit([this, callback, host] { deliver(callback, host); })) return;
  under_way_.insert(callback.task_id);
  ++hosts_[host];
}

void CallbackSender::deliver(const store::Callback& callback, const std::string& host) {
  const auto task = parts_.reader.find(callback.task_id);
  if (!task || stop_) return release(callback.task_id, host, !task);
  store::CallbackTry made{callback.task_id, callback.ended_at, std::nullopt};
  // One that was deleted, or that runs again, is not told of.
  const bool is_current = *task && (*task)->finished_at == callback.ended_at;
  const bool is_taken = is_current && is_delivered(callback, **task);
  if (is_taken) tell(TryResult::taken);
  if (is_current && !is_taken) {
    if (stop_) return release(callback.task_id, host, false);
    made.next_at = next_try(callback, parts_.clock.wall());
    tell(made.next_at ? TryResult::failed : TryResult::given_up);
    if (!made.next_at)
      spdlog::warn("the callback of task {} is given up after {} tries",
                   to_string(callback.task_id), callback.tries + 1);
  }
  settle(made, host);
}

void CallbackSender::tell(TryResult result) const {
  if (parts_.on_tried) parts_.on_tried(result);
}

bool CallbackSender::is_delivered(const store::Callback& callback, const Task& task) {
  std::unique_ptr<net::HttpClient> client;
  {
    const std::lock_guard lock(bell_->mutex);
    if (!idle_clients_.empty()) {
      client = std::move(idle_clients_.back());
      idle_clients_.pop_back();
    }
  }
  if (!client)
    client = std::make_unique<net::HttpClient>(
        net::HttpClientOptions{.connect_timeout_ms = limits_.connect_timeout_ms,
                               .timeout_ms = limits_.timeout_ms,
                               .max_answer_bytes = limits_.max_answer_bytes,
                               .guard = &parts_.guard,
                               .stop = &stop_});
  const auto answer = client->perform(call_for(callback, task, parts_.signer, parts_.clock.wall()));
  const bool is_taken = answer && answer->status >= 200 && answer->status < 300;
  if (!is_taken)
    spdlog::debug("callback of task {}: {}", to_string(task.task_id),
                  answer ? std::to_string(answer->status) : answer.error().detail);
  const std::lock_guard lock(bell_->mutex);
  idle_clients_.push_back(std::move(client));
  return is_taken;
}

// It counts as under way until the store has taken it: else it would be found again, and sent.
void CallbackSender::settle(const store::CallbackTry& made, const std::string& host) {
  queue::CallbackTried tried{.made = made, .done = nullptr};
  tried.done = [this, task = made.task_id, host](const Result<std::monostate>& written) {
    release(task, host, !written);
  };
  parts_.dispatcher.post({.outbox = &parts_.outbox, .what = std::move(tried)});
}

void CallbackSender::release(TaskId task, const std::string& host, bool in_trouble) {
  const std::lock_guard lock(bell_->mutex);
  in_trouble_ = in_trouble_ || in_trouble;
  under_way_.erase(task);
  if (const auto found = hosts_.find(host); found != hosts_.end() && --found->second == 0)
    hosts_.erase(found);
  bell_->rung = true;
  bell_->wake.notify_all();  // with the mutex held: the sender may end right after it
}

}  // namespace tandem::callbacks
