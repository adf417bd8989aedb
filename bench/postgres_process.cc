#include "postgres_process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "reference/bare_postgres.h"
#include "usage.h"

namespace tandem::bench {
namespace {

std::string read_line(int input) {
  std::string line;
  char next = 0;
  while (::read(input, &next, 1) == 1 && next != '\n') line.push_back(next);
  return line;
}

}  // namespace

PostgresProcess::PostgresProcess() {
  int input[2], output[2];
  if (::pipe2(input, O_CLOEXEC) != 0 || ::pipe2(output, O_CLOEXEC) != 0)
    throw std::runtime_error("no pipes");
  script_ = ::fork();
  if (script_ == 0) {
    ::dup2(input[0], STDIN_FILENO);
    ::dup2(output[1], STDOUT_FILENO);
    ::execl("/usr/bin/python3", "python3", TANDEM_POSTGRES_SERVER, "shared_buffers=512MB",
            "max_wal_size=8GB", "min_wal_size=1GB", nullptr);
    ::_exit(127);
  }
  ::close(input[0]);
  ::close(output[1]);
  input_.reset(input[1]);
  const UniqueFd reading(output[0]);
  url_ = read_line(reading.get());
  if (url_.empty()) throw std::runtime_error("PostgreSQL does not start");
  BarePostgres admin(url_);
  postmaster_ = std::atoi(admin.value("select pg_read_file('postmaster.pid')").c_str());
}

PostgresProcess::~PostgresProcess() {
  input_.reset();
  ::waitpid(script_, nullptr, 0);
}

std::string PostgresProcess::fresh_database() {
  const std::string name = "bench_" + std::to_string(++databases_);
  BarePostgres admin(url_);
  admin.run("create database " + name);
  admin.run("checkpoint");  // its log goes on in files that are there, as it does for ever after
  return url_.substr(0, url_.rfind('/') + 1) + name;
}

PostgresUsage PostgresProcess::usage() const {
  PostgresUsage usage;
  usage.cpu_seconds = cpu_seconds(postmaster_);
  usage.wal_bytes =
      std::atof(BarePostgres(url_).value("select pg_current_wal_lsn() - '0/0'::pg_lsn").c_str());
  return usage;
}

}  // namespace tandem::bench
