#include "postgres_fixture.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "store/postgres/connection.h"

namespace tandem::store {
namespace {

constexpr char kTemplate[] = "tandem_template";
constexpr int kPatienceMs = 60'000;

[[noreturn]] void become_server(int input, int output) {
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::execl("/usr/bin/python3", "python3", TANDEM_POSTGRES_SERVER, "fsync=off", nullptr);
  ::_exit(127);
}

std::string read_line(int input) {
  std::string line;
  char next = 0;
  while (::read(input, &next, 1) == 1 && next != '\n') line.push_back(next);
  return line;
}

}  // namespace

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer() {
  int input[2], output[2];
  if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0) std::abort();
  pid_ = ::fork();
  if (pid_ == 0) become_server(input[0], output[1]);
  ::close(input[0]);
  ::close(output[1]);
  input_.reset(input[1]);
  const UniqueFd reading(output[0]);
  url_ = read_line(reading.get());
  pooler_url_ = read_line(reading.get());
  if (pooler_url_.empty()) {
    std::fputs("PostgreSQL does not start; see above\n", stderr);
    std::abort();
  }
}

PostgresServer::~PostgresServer() {
  input_.reset();
  ::waitpid(pid_, nullptr, 0);
}

std::string PostgresServer::url_of(const std::string& database) const {
  return url_.substr(0, url_.rfind('/') + 1) + database;
}

std::string PostgresServer::pooled(const std::string& url) const {
  return pooler_url_.substr(0, pooler_url_.rfind('/')) + url.substr(url.rfind('/'));
}

void PostgresServer::run(const std::string& sql, const std::string& database) {
  const auto address = postgres::Address::parse(url_of(database)).value();
  const auto connection = postgres::Connection::open(address, kPatienceMs).value();
  connection->run_script(sql, kPatienceMs).value();
}

std::string PostgresServer::empty_database(const std::string& options) {
  const std::string name = "test_" + std::to_string(++databases_);
  run("create database " + name + " " + options);
  return url_of(name);
}

std::string PostgresServer::fresh_database() {
  if (!has_template_) {
    run(std::string("create database ") + kTemplate);
    PostgresStore::open(url_of(kTemplate), test_server()).value();
    has_template_ = true;
  }
  return empty_database(std::string("template ") + kTemplate);
}

ServerIdentity test_server(std::uint8_t number) {
  ServerIdentity server;
  server.server_id.bytes[15] = number;
  server.name = "test";
  server.started_at = {1};
  return server;
}

}  // namespace tandem::store
