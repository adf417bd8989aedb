#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "logs/redis/redis_connection.h"

namespace tandem::logs {

// For tests: a redis-server process of its own, on a free port, in a temporary directory; both are
// gone with the object.
class TestRedisServer {
 public:
  using Options = std::vector<std::string>;  // "--maxmemory", "3mb", …
  explicit TestRedisServer(Options options = {}, const std::string& password = {})
      : options_(std::move(options)) {
    if (!password.empty()) options_.insert(options_.end(), {"--requirepass", password});
    address_.password = password;
    std::string pattern = std::filesystem::temp_directory_path() / "tandem_redis_XXXXXX";
    if (mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
    start();
  }
  ~TestRedisServer() {
    kill();
    std::filesystem::remove_all(folder_);
  }
  TestRedisServer(const TestRedisServer&) = delete;
  TestRedisServer& operator=(const TestRedisServer&) = delete;

  const RedisAddress& address() const { return address_; }
  pid_t pid() const { return pid_; }
  void send(int number) { ::kill(pid_, number); }  // SIGSTOP, SIGCONT
  void kill();
  // On the same port; false where it does not come up within a minute.
  bool start();
  // Sends one command; true where Redis has taken it.
  bool tell(std::initializer_list<std::string_view> command);

 private:
  bool spawn();

  std::filesystem::path folder_;
  Options options_;
  RedisAddress address_{.host = "127.0.0.1", .port = 0};
  pid_t pid_ = -1;
};

}  // namespace tandem::logs
