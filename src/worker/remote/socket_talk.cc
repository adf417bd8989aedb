#include "worker/remote/socket_talk.h"

#include <algorithm>
#include <utility>

namespace tandem::worker::remote {
namespace {

constexpr std::int64_t kPatienceMs = 10'000;  // then a socket is taken for dead

template <class Value>
std::vector<AttemptKey> take_keys(std::unordered_map<AttemptKey, Value, AttemptKeyHash>& from) {
  std::vector<AttemptKey> keys;
  keys.reserve(from.size());
  for (const auto& [key, value] : std::exchange(from, {})) keys.push_back(key);
  return keys;
}

template <class Value>
std::optional<Value> take(std::unordered_map<AttemptKey, Value, AttemptKeyHash>& from,
                          const AttemptKey& key) {
  const auto found = from.find(key);
  if (found == from.end()) return std::nullopt;
  const Value value = found->second;
  from.erase(found);
  return value;
}

}  // namespace

void SocketTalk::open(MonoTime now) {
  is_open_ = true;
  said_ready_ = -1;
  beat_.reset();
  last_heard_ = next_beat_ = now;
}

SocketTalk::Unheard SocketTalk::close() {
  is_open_ = false;
  beat_.reset();
  return {.reports = take_keys(reports_), .logs = take_keys(logs_)};
}

void SocketTalk::assigned(int jobs) {
  if (said_ready_ > 0) said_ready_ = std::max(0, said_ready_ - jobs);
}

bool SocketTalk::waits() const {
  if (!reports_.empty() || !logs_.empty()) return true;
  return beat_ && last_heard_ <= beat_->sent_at;
}

// What has waited for an answer before goes on waiting since then.
void SocketTalk::sends(MonoTime now) {
  if (!waits()) last_heard_ = now;
}

void SocketTalk::sent_report(const AttemptKey& key, MonoTime now) {
  sends(now);
  reports_[key] = now;
}

void SocketTalk::sent_logs(const AttemptKey& key, std::uint64_t first_seq, MonoTime now) {
  sends(now);
  logs_[key] = first_seq;
}

std::optional<MonoTime> SocketTalk::report_answered(const AttemptKey& key) {
  return take(reports_, key);
}

std::optional<std::uint64_t> SocketTalk::logs_answered(const AttemptKey& key) {
  return take(logs_, key);
}

std::vector<AttemptKey> SocketTalk::take_reports() { return take_keys(reports_); }

void SocketTalk::forget(const AttemptKey& key) {
  reports_.erase(key);
  logs_.erase(key);
}

SocketTalk::Beat SocketTalk::next_beat(bool has_due, MonoTime now) {
  const bool is_time = next_beat_ <= now || (has_due && !beat_);
  if (!is_open_ || !is_time) return Beat::none;
  next_beat_ = now + heartbeat_ms_;
  return beat_ ? Beat::alive : Beat::leases;
}

void SocketTalk::sent_beat(std::vector<AttemptKey> leases, MonoTime now) {
  sends(now);
  if (leases.empty()) return;
  beat_ = {.sent_at = now, .overdue_at = now + heartbeat_ms_ / 2, .leases = std::move(leases)};
}

std::optional<SocketTalk::SentBeat> SocketTalk::beat_answered() {
  return std::exchange(beat_, std::nullopt);
}

std::vector<AttemptKey> SocketTalk::take_overdue(MonoTime now) {
  if (!beat_ || beat_->overdue_at > now) return {};
  beat_->overdue_at = kNever;
  return std::exchange(beat_->leases, {});
}

bool SocketTalk::is_dead(MonoTime now) const {
  return is_open_ && waits() && now - last_heard_ >= kPatienceMs;
}

MonoTime SocketTalk::next_event() const {
  if (!is_open_) return kNever;
  MonoTime next = next_beat_;
  if (beat_) next = std::min(next, beat_->overdue_at);
  if (waits()) next = std::min(next, last_heard_ + kPatienceMs);
  return next;
}

}  // namespace tandem::worker::remote
