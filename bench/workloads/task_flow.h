#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "http_client.h"
#include "http_load.h"
#include "latencies.h"
#include "report.h"
#include "server_process.h"
#include "tandem/worker.h"

// What several workloads measure of a server, each time in the same way.
namespace tandem::bench {

struct Rate {
  double per_second = 0;
  double server_cpu_s_per_1000 = 0;
  double p99_ms = 0;
};

// What a server does from now on.
class ServerWatch {
 public:
  explicit ServerWatch(const ServerProcess& server);
  Rate rate(int tasks) const;  // of so many

 private:
  const ServerProcess& server_;
  double cpu_;
  std::int64_t began_us_;
};

// Tasks that nobody takes: `job_type` has no handler, `assignment` no worker.
std::string parked_task();
std::string batch_of(const std::string& task, int count);

// `requests` submissions of one body over 64 connections; `tasks_each` tasks in each of them.
Rate submit_rate(const ServerProcess& server, const std::string& target, const std::string& body,
                 std::uint64_t requests, int tasks_each = 1);

// What the handlers of a workload have seen, in memory that the processes of the bench share.
class Entries {
 public:
  Entries();
  ~Entries();
  Entries(const Entries&) = delete;
  Entries& operator=(const Entries&) = delete;

  // The functions: `noop` counts, `entered` also notes how long its payload was on the way.
  void count() { ++shared_->entered; }
  void note(const std::string& payload);

  // `held` is entered by this process, and stays in it for good.
  void hold();
  pid_t holder() const { return shared_->holder; }  // 0: none

  void clear() { shared_->entered = 0; }
  std::size_t count_so_far() const { return shared_->entered; }
  Latencies latencies() const;

 private:
  static constexpr std::size_t kMaxEntries = 100'000;
  struct Shared {
    std::atomic<std::size_t> entered{0};
    std::atomic<pid_t> holder{0};
    std::int64_t entry_us[kMaxEntries] = {};
  };
  Shared* shared_;
};

// A server whose own worker runs `noop` and `entered`.
ServerProcess function_server(Entries& entries, ServerProcess::Flags flags = {});
// A process with one worker of the SDK, which runs them, and `held`, for a server on the other side
// of the network. Forks: make it while there is one thread.
class RemoteWorker {
 public:
  RemoteWorker(const ServerProcess& server, Entries& entries, sdk::Mode mode, int slots);
  ~RemoteWorker();
  RemoteWorker(const RemoteWorker&) = delete;
  RemoteWorker& operator=(const RemoteWorker&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

// Time from just before a submission is sent until its function runs, at `per_second`, evenly.
Latencies entry_times(const ServerProcess& server, Entries& entries, int per_second,
                      double seconds);
struct EntryTargets {
  double p50_ms = 0, p99_ms = 0;
};
// Their p50 and p99, each beside how long a bare server takes to answer.
void add_entry_times(Report& report, const std::string& name, const EntryTargets& targets,
                     Latencies times, Latencies bare);
// In batches of 100.
void submit_noops(const ServerProcess& server, int tasks);
// Until `tasks` have been entered, and `in_all` are completed and durable. Asks for these only when
// the last one was entered: asking costs what is measured.
void await_completed(HttpClient& client, const Entries& entries, int tasks, std::int64_t in_all);
// Tasks each second from the first submission until the last one is completed and durable.
Rate life_cycles(const ServerProcess& server, Entries& entries, int tasks);

}  // namespace tandem::bench
