#include <sys/socket.h>

#include <boost/json/parse.hpp>
#include <stdexcept>
#include <vector>

#include "chunked_body.h"
#include "http_client.h"
#include "log_lines.h"
#include "reference/line_relay.h"
#include "server_process.h"
#include "usage.h"
#include "workloads/workloads.h"

namespace tandem::bench {
namespace {

constexpr std::uint64_t kLines = 3'000'000;
constexpr std::string_view kFollow = "/logs?follow=true&stream=stdout";

// Follows the log as text until its end, byte by byte.
void follow_to_the_end(const ServerProcess& server, const std::string& task_id) {
  const UniqueFd fd = connect_to(server.port());
  std::string request = "GET /api/v1/tasks/" + task_id + std::string(kFollow) + " HTTP/1.1\r\n";
  request += "Host: 127.0.0.1\r\nAccept: text/plain\r\nAuthorization: Bearer ";
  write_all(fd.get(), request + server.token() + "\r\n\r\n");
  ChunkedBody body;
  LineChecker checker;
  std::vector<char> buffer(256 * 1024);
  std::string out;
  while (true) {
    const ssize_t got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) throw std::runtime_error("the log broke off");
    out.clear();
    const bool more = body.take({buffer.data(), static_cast<std::size_t>(got)}, out);
    if (!checker.take(out)) throw std::runtime_error("the log is not what the job wrote");
    if (!more) break;
  }
  if (checker.lines() != kLines) throw std::runtime_error("lines are missing");
}

}  // namespace

void measure_follow(Report& report) {
  const double reference = bare_relay_lines_per_second(kLines);
  const ServerProcess server(ServerProcess::Flags{{"allow-exec", "yes"}});
  HttpClient client(server.port(), server.token());
  const double cpu = server.cpu_seconds();
  const std::int64_t began = now_us();
  const auto task = boost::json::parse(client.post("/api/v1/tasks", emitting_task(kLines)).body);
  follow_to_the_end(server, std::string(task.at("task_id").as_string()));
  report.add({.name = "log of one job to one follower",
              .value = static_cast<double>(kLines) / seconds_since(began),
              .unit = "lines/s",
              .target = 500'000,
              .reference_name = "bare relay",
              .reference = reference,
              .server_cpu_s = (server.cpu_seconds() - cpu) / static_cast<double>(kLines) * 1000});
}

}  // namespace tandem::bench
