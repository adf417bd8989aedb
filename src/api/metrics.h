#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/handler.h"
#include "store/task_reader.h"

namespace tandem::api {

struct Services;

// What the server counts, for Prometheus. Thread-safe.
class Metrics {
 public:
  explicit Metrics(const Services& services);
  ~Metrics();

  void count(const net::Served& served);
  void count_failure();  // a handler threw
  void count_submitted(std::size_t tasks);
  void count_login(bool succeeded);
  void count_callback(std::string_view result);

  // The text exposition format, with gauges made of `stats`.
  std::string text(const store::TaskStats& stats, WallTime now);

 private:
  struct Impl;
  const Services& services_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tandem::api
