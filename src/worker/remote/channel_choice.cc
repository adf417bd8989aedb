#include "worker/remote/channel_choice.h"

namespace tandem::worker::remote {
namespace {

constexpr std::int64_t kSteadyMs = 5000;  // a socket that lives so long is worth opening again
constexpr int kMaxCutPolls = 3;           // then something on the way does not bear long polls
constexpr service::BackOffBounds kSocketPauses{.first_ms = 500, .longest_ms = 10'000};
constexpr service::BackOffBounds kLongPollPauses{.first_ms = 10'000, .longest_ms = 120'000};

}  // namespace

ChannelChoice::ChannelChoice(Random& random)
    : socket_pause_(random, kSocketPauses), long_poll_pause_(random, kLongPollPauses) {}

void ChannelChoice::set_offer(const ChannelOffer& offer, MonoTime now) {
  if (offer == offer_) return;
  offer_ = offer;
  was_tried_ = false;
  next_try_ = long_poll_from_ = now;
  cut_polls_ = 0;
  socket_pause_.reset();
  long_poll_pause_.reset();
}

Channel ChannelChoice::current(MonoTime now) const {
  if (is_open_) return Channel::websocket;
  if (offer_.websocket && !was_tried_) return Channel::websocket;
  if (offer_.long_poll && long_poll_from_ <= now) return Channel::long_poll;
  if (offer_.plain_poll) return Channel::plain_poll;
  return offer_.long_poll ? Channel::long_poll : Channel::none;
}

MonoTime ChannelChoice::next_socket_try() const {
  return offer_.websocket && !is_open_ ? next_try_ : kNever;
}

void ChannelChoice::socket_opened(MonoTime now) {
  is_open_ = was_tried_ = true;
  opened_at_ = now;
}

void ChannelChoice::socket_failed(MonoTime now) {
  was_tried_ = true;
  next_try_ = now + socket_pause_.next_ms();
}

// After one that was steady the next try is made at once: its attempts wait to be heard of.
void ChannelChoice::socket_ended(MonoTime now) {
  is_open_ = false;
  const bool was_steady = now - opened_at_ >= kSteadyMs;
  if (was_steady) socket_pause_.reset();
  next_try_ = was_steady ? now : now + socket_pause_.next_ms();
}

void ChannelChoice::long_poll_worked() {
  cut_polls_ = 0;
  long_poll_pause_.reset();
}

void ChannelChoice::long_poll_failed(bool unknown, MonoTime now) {
  if (!unknown && ++cut_polls_ < kMaxCutPolls) return;
  cut_polls_ = 0;
  long_poll_from_ = now + long_poll_pause_.next_ms();
}

}  // namespace tandem::worker::remote
