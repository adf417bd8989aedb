#pragma once

#include <vector>

#include "base/outbox.h"

namespace tandem::queue {

// Answers on the thread that posts, the dispatcher's or the log hub's: for threads that wait for
// them, and for what only wakes another. A delivery must not block.
class DirectOutbox final : public Outbox {
 public:
  void post(std::vector<Delivery> deliveries) override {
    for (Delivery& delivery : deliveries) delivery();
  }
};

}  // namespace tandem::queue
