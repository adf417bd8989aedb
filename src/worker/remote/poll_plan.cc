#include "worker/remote/poll_plan.h"

#include <algorithm>

namespace tandem::worker::remote {
namespace {

constexpr std::int64_t kOpeningMs = 1000;
constexpr std::int64_t kEarlyPauseMs = 5;   // behind a poll that was ended early; a job may wait
constexpr std::int64_t kLeastNewsMs = 200;  // between two polls for news
constexpr std::int64_t kLeastCutMs = 1000;  // of a poll that something on the way does not bear
constexpr int kMaxClaim = 100;

}  // namespace

PollPlan::PollPlan(Random& random) : random_(random), pause_(random), news_pause_(random) {}

void PollPlan::set_terms(const service::Terms& terms) {
  interval_ms_ = terms.config.interval_ms;
  service_waits_ = terms.is_tandem() && terms.config.max_wait_ms > 0;
}

void PollPlan::socket_is_opening(MonoTime now) { opening_until_ = now + kOpeningMs; }

PollPlan::Step PollPlan::next(Channel channel, int free_slots, MonoTime now) const {
  Step step;
  if (opening_until_ > now) {
    step.look_again_at = opening_until_;
    return step;
  }
  const bool polls = channel == Channel::long_poll || channel == Channel::plain_poll;
  if (!polls || free_slots == 0 || is_draining_) return step;
  step.channel = channel;
  step.most = std::min(free_slots, kMaxClaim);
  return step;
}

void PollPlan::asked(MonoTime now) {
  is_under_way_ = true;
  asked_at_ = now;
}

std::int64_t PollPlan::answered(const Step& step, bool has_jobs, MonoTime now) {
  is_under_way_ = false;
  pause_.reset();
  if (has_jobs) return 0;
  // A long poll has waited already, unless the service does not wait. Ours does: where it answers
  // early one of our tasks had news, or another of our polls has taken this one's place.
  const std::int64_t waited_ms = step.channel == Channel::long_poll ? now - asked_at_ : 0;
  if (step.channel == Channel::long_poll && service_waits_)
    return waited_ms < kEarlyPauseMs ? kEarlyPauseMs : 0;
  return std::max<std::int64_t>(0, service::spread(random_, interval_ms_) - waited_ms);
}

std::int64_t PollPlan::failed(std::int64_t asked_pause_ms) {
  is_under_way_ = false;
  return pause_.next_ms(asked_pause_ms);
}

bool PollPlan::is_news_due(Channel channel, bool has_leases) const {
  return channel == Channel::long_poll && !is_under_way_ && has_leases;
}

std::int64_t PollPlan::heard_news(MonoTime asked_at, MonoTime now) {
  news_pause_.reset();
  return now - asked_at < kLeastNewsMs ? kLeastNewsMs : 0;
}

std::int64_t PollPlan::missed_news(std::int64_t asked_pause_ms) {
  return news_pause_.next_ms(asked_pause_ms);
}

bool PollPlan::was_cut(const Error& error, MonoTime asked_at, MonoTime now) {
  return row_of(error.code).retryable && now - asked_at >= kLeastCutMs;
}

}  // namespace tandem::worker::remote
