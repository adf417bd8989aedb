#pragma once

#include <vector>

#include "base/outbox.h"

namespace tandem::app {

// Gives answers on the thread that posts them: for threads that have no loop and wait.
class DirectOutbox final : public Outbox {
 public:
  void post(std::vector<Delivery> deliveries) override {
    for (Delivery& delivery : deliveries) delivery();
  }
};

inline DirectOutbox& direct_outbox() {
  static DirectOutbox outbox;
  return outbox;
}

}  // namespace tandem::app
