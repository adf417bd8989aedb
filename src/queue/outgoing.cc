#include "queue/outgoing.h"

namespace tandem::queue {

void Outgoing::hand_out(const std::optional<Error>& failure, Deliveries& out) {
  for (Answer& answer : answers_)
    out[answer.outbox].push_back(
        [give = std::move(answer.give), failure] { give(failure ? &*failure : nullptr); });
  for (Order& order : orders_)
    if (!failure || order.always) out[order.outbox].push_back(std::move(order.give));
  answers_.clear();
  orders_.clear();
}

void Outgoing::hand_out_early(Deliveries& out) {
  for (Answer& answer : answers_)
    out[answer.outbox].push_back([give = std::move(answer.give)] { give(nullptr); });
  answers_.clear();
}

}  // namespace tandem::queue
