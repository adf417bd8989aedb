#include "blobs/s3/test_s3_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "blobs/s3/s3_client.h"

extern char** environ;

namespace tandem::blobs {
namespace {

constexpr char kProgram[] = TANDEM_SOURCE_DIR "/build/tools/versitygw";

std::uint16_t free_port() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace

TestS3Server::TestS3Server() {
  std::string pattern = std::filesystem::temp_directory_path() / "tandem_s3_XXXXXX";
  if (mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
  std::filesystem::create_directories(folder_ / "root" / "files-of-tasks");
  port_ = free_port();
  address_.bucket = "files-of-tasks";
  address_.prefix = "some/prefix";
  address_.endpoint = "http://127.0.0.1:" + std::to_string(port_);
  address_.access_key = "an-access-key";
  address_.secret_key = "a/secret+key";
  start();
}

TestS3Server::~TestS3Server() {
  kill();
  std::filesystem::remove_all(folder_);
}

bool TestS3Server::is_installed() {
  return ::access(kProgram, X_OK) == 0 || ::getenv("CI") != nullptr;
}

bool TestS3Server::spawn() {
  std::vector<std::string> words = {
      kProgram,   "--quiet",           "--port",   "127.0.0.1:" + std::to_string(port_),
      "--access", address_.access_key, "--secret", address_.secret_key,
      "posix",    folder_ / "root"};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string log = folder_ / "server.log";
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const int error = posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) pid_ = -1;
  return error == 0;
}

bool TestS3Server::answers() const {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address{
      .sin_family = AF_INET, .sin_port = htons(port_), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool TestS3Server::start() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  if (!spawn()) return false;
  while (!answers()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

void TestS3Server::send(int number) { ::kill(pid_, number); }

void TestS3Server::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
}

}  // namespace tandem::blobs
