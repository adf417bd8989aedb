#pragma once

#include <cstdint>
#include <string>

#include "http_load.h"
#include "latencies.h"
#include "server_process.h"

// What several workloads measure of a server, each time in the same way.
namespace tandem::bench {

struct Rate {
  double per_second = 0;
  double server_cpu_s_per_1000 = 0;
  double p99_ms = 0;
};

// Tasks that nobody takes: `job_type` has no handler, `assignment` no worker.
std::string parked_task();
std::string batch_of(const std::string& task, int count);

// `requests` submissions of one body over 64 connections; `tasks_each` tasks in each of them.
Rate submit_rate(const ServerProcess& server, const std::string& target, const std::string& body,
                 std::uint64_t requests, int tasks_each = 1);

// A server whose handlers are functions: `noop` and, for entry times, `entered`.
class FunctionServer {
 public:
  FunctionServer();
  ~FunctionServer();
  FunctionServer(const FunctionServer&) = delete;
  FunctionServer& operator=(const FunctionServer&) = delete;
  const ServerProcess& process() const { return *server_; }

  // Time from just before a submission is sent until its function runs, at `per_second`, evenly.
  Latencies entry_times(int per_second, double seconds) const;
  // Tasks each second from the first submission until the last one is completed and durable.
  Rate life_cycles(int tasks) const;

 private:
  struct Shared;  // memory that the server's process writes to
  Shared* shared_;
  std::unique_ptr<ServerProcess> server_;
};

}  // namespace tandem::bench
