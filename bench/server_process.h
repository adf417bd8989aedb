#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "worker/handler_registry.h"

namespace tandem::bench {

// A server in a process and a data directory of its own, on a free port of 127.0.0.1; both are gone
// with the object. Failures throw std::runtime_error.
class ServerProcess {
 public:
  using Flags = std::map<std::string, std::string>;  // by flag without dashes
  using AddHandlers = std::function<void(worker::HandlerRegistry&)>;

  // The `tandem` binary beside this program.
  explicit ServerProcess(Flags flags);
  // The same server with functions for handlers. Forks: call it while there is one thread.
  ServerProcess(Flags flags, AddHandlers handlers);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  pid_t pid() const { return pid_; }
  std::uint16_t port() const { return port_; }
  // Of a client with all scopes; empty for all but the first server of a database.
  const std::string& token() const { return token_; }
  double seconds_to_ready() const { return seconds_to_ready_; }
  double cpu_seconds() const;

 private:
  Flags complete(Flags flags);
  void wait_until_ready(std::int64_t began_us);
  void log_in();

  std::string directory_;
  pid_t pid_ = -1;
  std::uint16_t port_ = 0;
  std::string token_;
  double seconds_to_ready_ = 0;
};

}  // namespace tandem::bench
