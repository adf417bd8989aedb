#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "http_client.h"
#include "server_process.h"
#include "usage.h"
#include "workloads/workloads.h"

extern char** environ;

namespace tandem::bench {
namespace {

constexpr int kTrials = 20, kLimitMs = 20'000;

// A FIFO that each process of a tree has open: read to its end, all of them are dead.
class Leash {
 public:
  Leash() {
    directory_ = (std::filesystem::temp_directory_path() / "tandem-bench-XXXXXX").string();
    if (::mkdtemp(directory_.data()) == nullptr || ::mkfifo(path().c_str(), 0600) != 0)
      throw std::runtime_error("no FIFO");
    fd_ = UniqueFd(::open(path().c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }
  ~Leash() {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
  Leash(const Leash&) = delete;
  Leash& operator=(const Leash&) = delete;

  std::string path() const { return directory_ + "/leash"; }

  // A line comes from each process once it is there.
  void wait_for_lines(int lines) {
    for (char byte = 0; lines > 0;) {
      wait();
      if (::read(fd_.get(), &byte, 1) == 1 && byte == '\n') --lines;
    }
  }
  void wait_for_the_end() {
    for (char byte = 0;;) {
      wait();
      if (::read(fd_.get(), &byte, 1) == 0) return;
    }
  }

 private:
  void wait() {
    pollfd one{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&one, 1, kLimitMs) != 1) throw std::runtime_error("processes are left");
  }
  std::string directory_;
  UniqueFd fd_;
};

constexpr int kChildren = 20;  // of each kind

// Processes in the job's group, in sessions of their own, orphaned, and deaf to all that can be.
std::string hostile_tree(const std::string& leash) {
  const std::string count = "for i in $(seq " + std::to_string(kChildren) + "); do ";
  return "trap '' TERM INT HUP; exec 9>" + leash + "; " + count +
         "sleep 600 & echo >&9; setsid sleep 600 & echo >&9; (setsid sleep 600 & echo >&9); done; "
         "wait";
}

// The same number of plain processes in one group.
std::string plain_tree(const std::string& leash) {
  return "exec 9>" + leash + "; for i in $(seq " + std::to_string(3 * kChildren) +
         "); do sleep 600 & echo >&9; done; wait";
}

double bare_kill_ms() {
  Leash leash;
  std::string words[] = {"/bin/sh", "-c", plain_tree(leash.path())};
  char* argv[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  posix_spawnattr_t own_group;
  ::posix_spawnattr_init(&own_group);
  ::posix_spawnattr_setflags(&own_group, POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  if (::posix_spawn(&pid, argv[0], nullptr, &own_group, argv, environ) != 0)
    throw std::runtime_error("can't run a shell");
  ::posix_spawnattr_destroy(&own_group);
  leash.wait_for_lines(3 * kChildren);
  const std::int64_t began = now_us();
  ::killpg(pid, SIGKILL);
  leash.wait_for_the_end();
  const double ms = seconds_since(began) * 1000;
  ::waitpid(pid, nullptr, 0);
  return ms;
}

double cancel_ms(HttpClient& client) {
  Leash leash;
  const boost::json::object payload{{"job_type", "shell"}, {"script", hostile_tree(leash.path())}};
  const auto task = boost::json::parse(
      client
          .post("/api/v1/tasks", boost::json::serialize(boost::json::object{{"payload", payload}}))
          .body);
  const std::string path = "/api/v1/tasks/" + std::string(task.at("task_id").as_string());
  leash.wait_for_lines(3 * kChildren);
  const std::int64_t began = now_us();
  client.post(path + "/cancel", "{}");
  leash.wait_for_the_end();
  return seconds_since(began) * 1000;
}

}  // namespace

void measure_cancel(Report& report) {
  double bare = 0, longest = 0;
  for (int i = 0; i < kTrials; ++i) bare = std::max(bare, bare_kill_ms());
  const ServerProcess server({{"allow-exec", "yes"}, {"embedded-slots", "2"}, {"grace-s", "0"}});
  HttpClient client(server.port(), server.token());
  for (int i = 0; i < kTrials; ++i) longest = std::max(longest, cancel_ms(client));
  report.add({.name = "cancelled until 61 hostile processes are dead, longest of 20",
              .value = longest,
              .unit = "ms",
              .better = Better::lower,
              .target = 1000,
              .reference_name = "bare killpg of as many plain ones",
              .reference = bare});
}

}  // namespace tandem::bench
