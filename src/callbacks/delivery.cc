#include "callbacks/delivery.h"

#include <algorithm>

#include "wire/task_json.h"

namespace tandem::callbacks {

std::optional<WallTime> next_try(const store::Callback& callback, WallTime now) {
  constexpr int kMaxDoublings = 20;
  const std::int64_t pause_ms =
      std::min(kFirstPauseMs << std::min(callback.tries, kMaxDoublings), kMaxPauseMs);
  const WallTime next = now + pause_ms;
  if (next - callback.ended_at > kGiveUpAfterMs) return std::nullopt;
  return next;
}

std::string delivery_id(const store::Callback& callback) {
  return to_string(callback.task_id) + "." + std::to_string(callback.ended_at.ms);
}

net::HttpCall call_for(const store::Callback& callback, const Task& task,
                       const auth::CallbackSigner& signer, WallTime now) {
  net::HttpCall call;
  call.method = "POST";
  call.url = callback.url;
  wire::encode_task(task, call.body);
  call.headers.add("Content-Type", "application/json");
  call.headers.add("Tandem-Delivery", delivery_id(callback));
  call.headers.add("Tandem-Signature", signer.sign(task.client_id, now, call.body));
  return call;
}

}  // namespace tandem::callbacks
