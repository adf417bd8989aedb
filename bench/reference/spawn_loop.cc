#include "reference/spawn_loop.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <thread>

#include "usage.h"

extern char** environ;

namespace tandem::bench {
namespace {

void spawn_all(std::vector<std::string> words, int processes) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  for (int i = 0; i < processes; ++i) {
    pid_t pid = -1;
    if (::posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ) == 0)
      ::waitpid(pid, nullptr, 0);
  }
  ::posix_spawn_file_actions_destroy(&actions);
}

}  // namespace

double bare_spawns_per_second(const std::vector<std::string>& argv, int processes) {
  const int loops = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const std::int64_t began = now_us();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < loops; ++i)
      threads.emplace_back([&] { spawn_all(argv, processes / loops); });
  }
  return processes / seconds_since(began);
}

}  // namespace tandem::bench
