#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace tandem::bench {

// What the machine allows: one thread, epoll, one SQLite table, full sync. All requests that are
// ready are stored by one commit, then answered. It checks nothing and knows no tokens. A process
// of its own; it ends with the object.
class GroupCommitServer {
 public:
  GroupCommitServer();
  ~GroupCommitServer();
  GroupCommitServer(const GroupCommitServer&) = delete;
  GroupCommitServer& operator=(const GroupCommitServer&) = delete;
  std::uint16_t port() const { return port_; }

 private:
  std::string directory_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace tandem::bench
