#include "server_process.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "app/serve.h"
#include "http_client.h"
#include "usage.h"

extern char** environ;

namespace tandem::bench {
namespace {

constexpr std::int64_t kStartLimitUs = 20'000'000;

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string make_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "tandem-bench-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("no temporary directory");
  return path;
}

pid_t spawn_binary(const ServerProcess::Flags& flags) {
  const auto own = std::filesystem::read_symlink("/proc/self/exe");
  const std::string binary = (own.parent_path().parent_path() / "tandem").string();
  std::vector<std::string> words = {binary, "serve"};
  for (const auto& [name, value] : flags) words.push_back("--" + name + "=" + value);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  if (::posix_spawn(&pid, binary.c_str(), nullptr, nullptr, argv.data(), environ) != 0)
    throw std::runtime_error("can't run " + binary);
  return pid;
}

pid_t fork_server(const ServerProcess::Flags& flags, const ServerProcess::AddHandlers& handlers) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::_exit(app::serve(flags, handlers));
}

}  // namespace

ServerProcess::ServerProcess(Flags flags) : directory_(make_directory()) {
  const Flags whole = complete(std::move(flags));
  const std::int64_t began = now_us();
  pid_ = spawn_binary(whole);
  wait_until_ready(began);
  log_in();
}

ServerProcess::ServerProcess(Flags flags, AddHandlers handlers) : directory_(make_directory()) {
  const Flags whole = complete(std::move(flags));
  const std::int64_t began = now_us();
  pid_ = fork_server(whole, handlers);
  wait_until_ready(began);
  log_in();
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

double ServerProcess::cpu_seconds() const { return bench::cpu_seconds(pid_); }

ServerProcess::Flags ServerProcess::complete(Flags flags) {
  flags.insert({{"listen", "127.0.0.1:0"},
                {"data-dir", directory_ + "/data"},
                {"handlers-dir", directory_ + "/handlers"},
                {"log-level", "warn"},
                {"drain-timeout-s", "1"}});
  return flags;
}

void ServerProcess::wait_until_ready(std::int64_t began_us) {
  const std::string path = directory_ + "/data/server.json";
  while (!std::filesystem::exists(path)) {
    if (now_us() - began_us > kStartLimitUs || ::waitpid(pid_, nullptr, WNOHANG) == pid_)
      throw std::runtime_error("the server does not start");
    wait_until_us(now_us() + 500);
  }
  seconds_to_ready_ = seconds_since(began_us);
  const std::string url(boost::json::parse(read_file(path)).at("url").as_string());
  port_ = static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
}

void ServerProcess::log_in() {
  const std::string path = directory_ + "/data/clients.json";
  if (!std::filesystem::exists(path)) return;  // the first server of the database has them
  const auto file = boost::json::parse(read_file(path));
  boost::json::object body;
  for (const auto& client : file.at("clients").as_array())
    if (client.at("name") == "admin")
      body = {{"grant_type", "client_credentials"},
              {"client_id", client.at("client_id")},
              {"client_secret", client.at("client_secret")}};
  HttpClient client(port_, "");
  const HttpAnswer answer = client.post("/token", boost::json::serialize(body));
  token_ = boost::json::parse(answer.body).at("access_token").as_string();
}

}  // namespace tandem::bench
