#include "api/answers.h"
#include "api/ask.h"
#include "api/resources.h"
#include "api/store_probe.h"
#include "io/timeout.h"
#include "wire/json_writer.h"

namespace tandem::api {
namespace {

constexpr std::int64_t kTrustMs = 1000;
constexpr std::int64_t kPatienceMs = 2000;

}  // namespace

io::Awaitable<bool> StoreProbe::is_ready(Outbox& outbox) {
  const std::int64_t now_ms = services_.clock.mono().ms;
  const std::int64_t checked_ms = checked_at_ms_.load(std::memory_order_acquire);
  if (checked_ms != INT64_MIN && now_ms - checked_ms < kTrustMs)
    co_return ready_.load(std::memory_order_relaxed);
  auto call = [this](Outbox& door, std::function<void(Result<std::monostate>)> answer) {
    queue::Transact empty{.run = [](store::Store&) { return Result<void>(); },
                          .done = std::move(answer)};
    services_.post({.outbox = &door, .what = std::move(empty)});
  };
  auto asked = io::ask<Result<std::monostate>>(outbox, call, io::OnCancel::abandon);
  const auto answer = co_await io::with_timeout(std::move(asked), kPatienceMs);
  ready_.store(answer.has_value(), std::memory_order_relaxed);
  checked_at_ms_.store(services_.clock.mono().ms, std::memory_order_release);
  co_return answer.has_value();
}

// One caller asks; the others are told what was found before. A check that takes too long goes on
// alone, and says what it has found to those who ask later.
io::Awaitable<bool> EngineProbe::is_ready(Outbox& outbox) {
  const std::int64_t now_ms = services_.clock.mono().ms;
  std::int64_t checked_ms = checked_at_ms_.load(std::memory_order_acquire);
  const bool is_old = checked_ms == INT64_MIN || now_ms - checked_ms >= kTrustMs;
  if (!is_old || !checked_at_ms_.compare_exchange_strong(checked_ms, now_ms))
    co_return ready_.load(std::memory_order_relaxed);
  auto call = [this](Outbox&, std::function<void(Result<std::monostate>)> answer) {
    const auto job = [this, answer] {
      ready_.store(check_().has_value(), std::memory_order_relaxed);
      answer(std::monostate());
    };
    if (!services_.reading.submit(job)) answer(fail(Errc::too_many_requests));
  };
  auto asked = io::ask<Result<std::monostate>>(outbox, call, io::OnCancel::abandon);
  const auto answer = co_await io::with_timeout(std::move(asked), kPatienceMs);
  if (!answer) ready_.store(false, std::memory_order_relaxed);
  co_return ready_.load(std::memory_order_relaxed);
}

// Without its logs a server goes on: they wait, and tasks without files need no place for files.
// Only without the store is it of no use.
Answer get_health(Call& call) {
  const bool ready = co_await call.api.probe.is_ready(call.outbox);
  const bool has_logs = co_await call.api.log_probe.is_ready(call.outbox);
  const bool has_files = co_await call.api.file_probe.is_ready(call.outbox);
  std::string body;
  wire::JsonWriter(body)
      .begin_object()
      .member("status", !ready                  ? "unavailable"
                        : has_logs && has_files ? "ok"
                                                : "degraded")
      .member("version", call.services().version)
      .member("store", ready ? "ready" : "unavailable")
      .member("logs", has_logs ? "ready" : "unavailable")
      .member("files", has_files ? "ready" : "unavailable")
      .end_object();
  auto response = private_json(std::move(body), ready ? 200 : 503);
  if (!ready) response.headers.add("Retry-After", "1");
  co_return response;
}

}  // namespace tandem::api
