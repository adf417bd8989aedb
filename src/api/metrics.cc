#include "api/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <atomic>
#include <vector>

#include "api/answers.h"
#include "api/query_params.h"
#include "api/resources.h"
#include "api/routes.h"
#include "api/services.h"
#include "io/offload.h"

namespace tandem::api {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
constexpr std::size_t kStatuses = 600;

template <class Builder>
auto& family(Builder builder, prometheus::Registry& registry, const char* name, const char* help) {
  return builder.Name(name).Help(help).Register(registry);
}

}  // namespace

struct Metrics::Impl {
  using Row = std::array<std::atomic<Counter*>, kStatuses>;

  Impl()
      : requests(family(prometheus::BuildCounter(), registry, "tandem_http_requests_total",
                        "Answered requests by route and status")),
        durations(family(prometheus::BuildHistogram(), registry, "tandem_http_request_seconds",
                         "From the complete head to the last byte of the answer")),
        failures(family(prometheus::BuildCounter(), registry, "tandem_http_failures_total",
                        "Requests whose handler threw")
                     .Add({})),
        submitted(family(prometheus::BuildCounter(), registry, "tandem_tasks_submitted_total",
                         "Tasks taken in by this process")
                      .Add({})),
        logins(family(prometheus::BuildCounter(), registry, "tandem_logins_total",
                      "Requests for a token by outcome")),
        callbacks(family(prometheus::BuildCounter(), registry, "tandem_callbacks_total",
                         "Tries to tell a callback_url by result")),
        rows(route_table().size() + 1) {
    const Histogram::BucketBoundaries bounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                0.1,    0.25,  0.5,    1,     5,    30,    60};
    for (std::size_t i = 0; i < rows.size(); ++i)
      timings.push_back(
          &durations.Add({{"method", method_of(i)}, {"route", pattern_of(i)}}, bounds));
  }

  static std::string method_of(std::size_t row) {
    return row < route_table().size() ? std::string(route_table()[row].method) : "other";
  }
  static std::string pattern_of(std::size_t row) {
    return row < route_table().size() ? "/" + std::string(route_table()[row].pattern) : "none";
  }

  Counter& counter(std::size_t row, int status) {
    std::atomic<Counter*>& slot = rows[row][static_cast<std::size_t>(status) % kStatuses];
    Counter* made = slot.load(std::memory_order_acquire);
    if (made == nullptr) {  // Add gives the same counter to all that ask at once
      made = &requests.Add({{"method", method_of(row)},
                            {"route", pattern_of(row)},
                            {"status", std::to_string(status)}});
      slot.store(made, std::memory_order_release);
    }
    return *made;
  }

  prometheus::Registry registry;
  Family<Counter>& requests;
  Family<Histogram>& durations;
  Counter& failures;
  Counter& submitted;
  Family<Counter>& logins;
  Family<Counter>& callbacks;
  std::vector<Row> rows;            // by route; the last is for what no route took
  std::vector<Histogram*> timings;  // likewise
};

Metrics::Metrics(const Services& services) : services_(services), impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::count(const net::Served& served) {
  const RouteMatch match = match_route(served.head);
  const auto table = route_table();
  const std::size_t row =
      match.route != nullptr ? static_cast<std::size_t>(match.route - table.data()) : table.size();
  impl_->counter(row, served.status).Increment();
  impl_->timings[row]->Observe(static_cast<double>(served.duration_ms) / 1e3);
}

void Metrics::count_failure() { impl_->failures.Increment(); }

void Metrics::count_submitted(std::size_t tasks) {
  impl_->submitted.Increment(static_cast<double>(tasks));
}

void Metrics::count_login(bool succeeded) {
  impl_->logins.Add({{"outcome", succeeded ? "good" : "refused"}}).Increment();
}

void Metrics::count_callback(std::string_view result) {
  impl_->callbacks.Add({{"result", std::string(result)}}).Increment();
}

std::string Metrics::text(const store::TaskStats& stats, WallTime now) {
  prometheus::Registry gauges;
  auto& tasks = family(prometheus::BuildGauge(), gauges, "tandem_tasks",
                       "Tasks in the store by queue and status");
  for (const auto& [key, count] : stats.counts)
    tasks.Add({{"queue", key.first}, {"status", std::string(to_string(key.second))}})
        .Set(static_cast<double>(count));
  auto& oldest = family(prometheus::BuildGauge(), gauges, "tandem_oldest_pending_seconds",
                        "Age of the oldest pending task");
  oldest.Add({}).Set(
      stats.oldest_pending ? static_cast<double>(now - *stats.oldest_pending) / 1000.0 : 0.0);
  auto& waiting = family(prometheus::BuildGauge(), gauges, "tandem_log_bytes_waiting",
                         "Bytes of logs that are not on disk yet");
  waiting.Add({}).Set(static_cast<double>(services_.logs.pending_bytes()));
  auto& info = family(prometheus::BuildGauge(), gauges, "tandem_info", "The server's version");
  info.Add({{"version", services_.version}}).Set(1);
  auto collected = impl_->registry.Collect();
  for (auto& family_of_gauges : gauges.Collect()) collected.push_back(std::move(family_of_gauges));
  return prometheus::TextSerializer().Serialize(collected);
}

Answer get_metrics(Call& call) {
  const QueryParams params(call.request.target.query, {});
  if (!params.is_fine()) co_return refuse(call, params.rejection());
  const Services& services = call.services();
  const WallTime now = services.clock.wall();
  auto read = [&services, now] { return services.reader.stats(std::nullopt, now); };
  auto stats = co_await io::offload(services.reading, read);
  if (!stats) co_return refuse(call, stats.error());
  co_return net::Response::text(call.api.metrics.text(*stats, now),
                                "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace tandem::api
