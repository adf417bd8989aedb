#include "logs/redis/test_redis_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>

#include <chrono>
#include <thread>

#include "base/unique_fd.h"

extern char** environ;

namespace tandem::logs {
namespace {

std::uint16_t free_port() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

bool TestRedisServer::spawn() {
  std::vector<std::string> words = {
      "redis-server", "--bind",         "127.0.0.1", "--port", std::to_string(address_.port),
      "--dir",        folder_.native(), "--save",    "",       "--loglevel",
      "warning"};
  words.insert(words.end(), options_.begin(), options_.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string log = folder_ / "redis.log";
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const int error = posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) pid_ = -1;
  return error == 0;
}

bool TestRedisServer::start() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  const bool has_port = address_.port != 0;
  while (std::chrono::steady_clock::now() < deadline) {
    if (pid_ < 0) {
      // Somebody else may have taken the port meanwhile.
      if (!has_port) address_.port = free_port();
      if (!spawn()) return false;
    }
    if (tell({"PING"})) return true;
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) pid_ = -1;
    std::this_thread::yield();
  }
  return false;
}

bool TestRedisServer::tell(std::initializer_list<std::string_view> command) {
  auto connection = RedisConnection::open(address_);
  return connection.has_value() && connection->ask(command).has_value();
}

void TestRedisServer::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
}

}  // namespace tandem::logs
