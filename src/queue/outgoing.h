#pragma once

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/outbox.h"
#include "queue/client_commands.h"

namespace tandem::queue {

// What a turn hands back, by the outbox it goes to, in order.
using Deliveries = std::map<Outbox*, std::vector<Outbox::Delivery>>;

// What the turn under way will say once it is committed: answers to commands, then orders to
// workers and news for watchers.
class Outgoing {
 public:
  // After a commit that failed, its error takes the place of the value.
  // Not inlined: g++ 12 takes the moves of what may be an error for reads of nothing, and warns.
  template <class T>
  [[gnu::noinline]] void answer(Outbox* outbox, Done<T>& done, Result<T>&& value) {
    if (!done) return;
    auto give = [done = std::move(done), value = std::move(value)](const Error* error) mutable {
      done(error == nullptr ? std::move(value) : Result<T>(*error));
    };
    answers_.push_back({outbox, std::move(give)});
  }
  // Said only where the commit succeeds.
  void order(Outbox* outbox, Outbox::Delivery delivery) {
    orders_.push_back({outbox, std::move(delivery), false});
  }
  // Said whatever becomes of the commit, in its place among the orders.
  void say(Outbox* outbox, Outbox::Delivery delivery) {
    orders_.push_back({outbox, std::move(delivery), true});
  }

  // All of it, in order; then nothing is left.
  void hand_out(const std::optional<Error>& failure, Deliveries& out);
  // The answers at once, as if the commit had succeeded: a fault, for the simulator to find.
  void hand_out_early(Deliveries& out);

 private:
  struct Answer {
    Outbox* outbox = nullptr;
    std::function<void(const Error*)> give;
  };
  struct Order {
    Outbox* outbox = nullptr;
    Outbox::Delivery give;
    bool always = false;
  };
  std::vector<Answer> answers_;
  std::vector<Order> orders_;
};

}  // namespace tandem::queue
