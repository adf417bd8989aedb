#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace tandem {

// Where a thread hands things back to another: an event loop's door, as seen by code that knows of
// no event loop. Deliveries run in order, on the receiver's thread, never inside post().
class Outbox {
 public:
  using Delivery = std::function<void()>;
  virtual ~Outbox() = default;
  // Thread-safe. A whole batch wakes the receiver once.
  virtual void post(std::vector<Delivery> deliveries) = 0;
};

}  // namespace tandem
