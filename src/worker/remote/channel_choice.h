#pragma once

#include <cstdint>

#include "base/clock.h"
#include "service/back_off.h"

namespace tandem::worker::remote {

enum class Channel : std::uint8_t {
  none,  // nothing that could be used now
  websocket,
  long_poll,
  plain_poll,
};

// What the service offers and the worker's mode allows.
struct ChannelOffer {
  bool websocket = false, long_poll = false, plain_poll = false;
  bool operator==(const ChannelOffer&) const = default;
};

// Over which channel to ask for work: the best that works, one at a time. While a worse one is in
// use the better one is tried again and again, with growing pauses; running tasks see nothing of
// it. Made for one loop; the caller tells what happened, and asks.
class ChannelChoice {
 public:
  explicit ChannelChoice(Random& random);

  void set_offer(const ChannelOffer& offer, MonoTime now);

  // Over what to ask. `websocket` also before its first try has ended.
  Channel current(MonoTime now) const;
  // When to try to open the socket next; kNever where it is open or none is offered.
  MonoTime next_socket_try() const;

  void socket_opened(MonoTime now);
  void socket_failed(MonoTime now);  // it could not be opened
  void socket_ended(MonoTime now);   // it was open
  bool is_socket_open() const { return is_open_; }

  void long_poll_worked();
  // `unknown`: the service does not know it; else it was cut off, or took too long.
  void long_poll_failed(bool unknown, MonoTime now);

 private:
  ChannelOffer offer_;
  service::BackOff socket_pause_, long_poll_pause_;
  bool is_open_ = false, was_tried_ = false;
  MonoTime opened_at_, next_try_, long_poll_from_;
  int cut_polls_ = 0;
};

}  // namespace tandem::worker::remote
